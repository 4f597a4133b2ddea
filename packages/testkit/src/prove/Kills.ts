/**
 * Kills: SIGKILL of the process that owns the file, at random moments under load, again and again, starting and
 * recovering included; one history across all of its lives is judged. Remote clients of the SDK, as they come, go through outages
 * longer than their retries: what they call "not applied" must never show up. Source: TARGETS F3.
 *
 * What a killed process wrote survives in the page cache: durability is not tested here but in PowerLoss.
 */
import { join } from "node:path"
import { Caller, CheckoutSession } from "@onelane/checkout"
import type { History } from "@onelane/history"
import { Deferred, Effect, Random } from "effect"
import * as Load from "../clients/Load.js"
import type { Findings, Instrument, Tally } from "../Instrument.js"
import { plus, tallyOf } from "../Instrument.js"
import * as Folder from "../processes/Folder.js"
import * as Service from "../processes/Service.js"
import * as Seeded from "../simulation/Seeded.js"

/** A run. */
export interface KillOptions {
  readonly kind: Service.Kind
  readonly seed: number
  readonly kills: number
  /** What is done to the service instead of killing it; it need not serve afterwards. */
  readonly strike?: ((service: Service.Service, seeded: Seeded.Seeded) => Effect.Effect<Struck>) | undefined
  readonly place?: Service.Place | undefined
  /** What stands between the callers and the service: a planted fault. */
  readonly through?: ((door: Service.Service["door"]) => Service.Service["door"]) | undefined
  readonly callers?: number | undefined
  readonly progress?: ((line: string) => void) | undefined
}

/** What came of it. */
export interface KillOutcome {
  readonly kills: number
  readonly history: History.History
  readonly problems: ReadonlyArray<string>
}

/** Whether the service still serves after a strike; or what should not be. */
export type Struck = "serves" | "gone" | { readonly problem: string }

/** Calls may go on this long, whatever happens. */
const longestMillis = 3_600_000

const sessions = 12

/** Lets callers call while the process is killed and started, then looks at every session and judges. */
export const run = (options: KillOptions): Effect.Effect<KillOutcome> =>
  Effect.suspend(() => {
    const problems: Array<string> = []
    return ordeal(options, problems).pipe(
      Effect.withRandom(Random.make(options.seed)),
      Effect.scoped,
      Effect.catchAll((error) =>
        Effect.succeed({ kills: 0, history: [], problems: [...problems, `it did not heal: ${error.message}`] })
      )
    )
  })

const ordeal = (options: KillOptions, problems: Array<string>) =>
  Effect.gen(function* () {
    const { kind, callers = 24 } = options
    const service = Service.make(kind, options.place ?? { storage: join(yield* Folder.make(), "checkout.db") })
    yield* started(service, problems)
    let isOver = false
    const opened = yield* Deferred.make<void>()
    const load = Load.run({
      onOpened: () => Deferred.unsafeDone(opened, Effect.void),
      doors: [options.through?.(service.door) ?? service.door],
      isAskedTwice: kind === "clients",
      ...{ callers, sessions, millis: longestMillis, isOver: () => isOver },
      ...(kind === "sdk" ? { spontaneous: ["task" as const], data: true } : {})
    })
    const striking = Deferred.await(opened).pipe(
      Effect.zipRight(strikeAll(service, options, problems)),
      Effect.ensuring(Effect.sync(() => (isOver = true)))
    )
    const [outcome, kills] = yield* Effect.all([load, striking], { concurrency: "unbounded" })
    problems.push(...outcome.problems, ...(yield* settled(service)))
    return { kills, history: outcome.history, problems }
  })

const started = (service: Service.Service, problems: Array<string>) =>
  Effect.catchAll(service.start, (why) => Effect.sync(() => void problems.push(`did not start: ${why}`)))

/** Strikes again and again, and has the service started anew where it is gone. Answers how often. */
const strikeAll = (service: Service.Service, options: KillOptions, problems: Array<string>) =>
  Effect.gen(function* () {
    const { kind, kills, progress, strike = kill } = options
    const seeded = Seeded.make(options.seed)
    let done = 0
    while (done < kills && problems.length === 0) {
      yield* Effect.sleep(seeded.between(20, mostUndisturbedMillis))
      const struck = yield* strike(service, seeded)
      done++
      if (typeof struck === "object") problems.push(struck.problem)
      if (struck !== "gone") continue
      // One in five is killed again before or just after it serves.
      if (seeded.chance(0.2)) {
        yield* service.begin
        yield* Effect.sleep(seeded.between(100, 900))
        yield* service.kill
        done++
      }
      yield* started(service, problems)
      progress?.(`${kind}: ${done} of ${kills}`)
    }
    return done
  })

const kill = (service: Service.Service): Effect.Effect<Struck> => Effect.as(service.kill, "gone")

/** How long it may serve between two strikes. Beside other work a start takes seconds, and callers need a while, too. */
const mostUndisturbedMillis = 1_500

/** The server goes on that long while its answers do not arrive any more. */
const deafMillis = 300

/** Clients that met the last outage pause for up to two seconds before they call again. */
const recoveringMillis = 2_500

/**
 * Kills the server for longer than a client of the SDK tries by default. Requests that have arrived are done, their answers are
 * lost, and every further try finds nobody: the caller must be told unknown, whatever its last try met.
 */
export const outage = (service: Service.Service, seeded: Seeded.Seeded): Effect.Effect<Struck> =>
  Effect.gen(function* () {
    const link = service.way()
    if (link === undefined) return { problem: "there is no way that could be cut" }
    yield* Effect.sleep(recoveringMillis)
    yield* link.holdAnswers(true)
    yield* Effect.sleep(deafMillis)
    yield* service.kill
    yield* link.open(false)
    yield* link.cut
    yield* link.holdAnswers(false)
    yield* Effect.sleep(seeded.between(4_000, 6_000))
    return "gone"
  })

/** Every claimed task is taken up again and comes to its end: nothing stays in process. */
const settled = ({ door }: Service.Service) =>
  Effect.gen(function* () {
    const problems: Array<string> = []
    for (let index = 0; index < sessions; index++) {
      const look = door.get(Caller.host, { checkoutSessionId: `cart-${index}` })
      let session = yield* look
      for (let tries = 0; session.isProcessing && tries < 100; tries++) {
        yield* Effect.sleep(100)
        session = yield* look
      }
      if (session.isProcessing) problems.push(`${session.id}: its task is never done`)
      problems.push(...CheckoutSession.violations(session).map((each) => `${session.id}: ${each}`))
    }
    return problems
  })

/** F3, over HTTP, through an embedded SDK, and through remote clients of the SDK in outages that are longer than they try. */
export const instrument: Instrument = {
  name: "kills",
  run: ({ minutes, progress, seed, short }) =>
    Effect.gen(function* () {
      // About a second and a quarter a kill, on a quiet machine.
      const kills = short ? 10 : Math.max(100, Math.round(minutes * 24))
      const found: Array<string> = []
      let tally: Tally = { acknowledged: 0, refused: 0, unknown: 0, faults: 0 }
      let cases = 0
      // An outage takes about nine seconds.
      const outages = short ? 2 : Math.max(8, Math.round(minutes * 4))
      const clients = { kind: "clients", seed, kills: outages, callers: 48, strike: outage, progress } as const
      const runs: ReadonlyArray<KillOptions> = [
        { kind: "http", seed, kills, progress },
        { kind: "sdk", seed, kills, progress },
        clients
      ]
      for (const options of runs) {
        const { kind } = options
        const outcome = yield* run(options)
        cases += outcome.kills
        tally = plus(tally, tallyOf(outcome.history, outcome.kills))
        found.push(...outcome.problems.map((each) => `${kind}: ${each}`))
      }
      const notes = [`${tally.acknowledged} acknowledged, ${tally.refused} refused, ${tally.unknown} unknown`]
      return { cases, failures: found, notes, tally } satisfies Findings
    })
}
