/**
 * Kills: SIGKILL of the process that owns the file, repeatedly at random moments under load, also during start-up and
 * recovery; one history across all incarnations is checked. Unmodified remote SDK clients go through outages longer
 * than their retries: a change that they report as not applied must never appear. Source: TARGETS F3.
 *
 * Writes of a killed process survive in the page cache, so durability is tested in PowerLoss, not here.
 */
import { join } from "node:path"
import { Caller, CheckoutSession } from "@onelane/checkout"
import type { History } from "@onelane/history"
import * as Seeded from "@onelane/testing/Seeded"
import { Deferred, Effect, Random } from "effect"
import * as Load from "../clients/Load.js"
import type { Findings, Instrument, Tally } from "../Instrument.js"
import { plus, tallyOf } from "../Instrument.js"
import * as Folder from "../processes/Folder.js"
import * as Service from "../processes/Service.js"

/** A run. */
export interface KillOptions {
  readonly kind: Service.Kind
  readonly seed: number
  readonly kills: number
  /** A fault to inject instead of killing the service; it need not serve afterwards. */
  readonly strike?: ((service: Service.Service, seeded: Seeded.Seeded) => Effect.Effect<Struck>) | undefined
  readonly place?: Service.Place | undefined
  /** Wraps the door between the callers and the service: a planted fault. */
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

/** Whether the service still serves after a fault, or a problem. */
export type Struck = "serves" | "gone" | { readonly problem: string }

/** Upper limit of the load, milliseconds. */
const longestMillis = 3_600_000

const sessions = 12

/** Runs callers while the process is killed and restarted, then reads every session and checks the history. */
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
      ...{ callers, sessions, mostPauseMillis, millis: longestMillis, isOver: () => isOver },
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

/** Injects fault after fault, and restarts the service if it has ended. Returns the number of faults. */
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

/**
 * Longest time between two faults, milliseconds. On a busy machine a start takes seconds, and callers need time, too.
 */
const mostUndisturbedMillis = 500

/**
 * Longest pause of a caller, milliseconds: many calls are in flight between two kills, without overloading the machine.
 */
const mostPauseMillis = 50

/** How long the server continues while its answers are held back, milliseconds. */
const deafMillis = 300

/** Time for clients to recover from the last outage, milliseconds; they pause for up to two seconds. */
const recoveringMillis = 2_500

/**
 * Kills the server for longer than an SDK client retries by default. Requests that have arrived are done, their answers
 * are lost, and every further try fails to connect: the caller must get an unknown outcome, whatever the error of its
 * last try.
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

/** Checks that every claimed task is resumed and ends: no session stays in processing. */
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

/**
 * F3, over HTTP, through an embedded SDK, and through remote clients of the SDK in outages that are longer than they
 * try.
 */
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
