/**
 * Cluster: three nodes and a PostgreSQL as processes, broken one fault at a time while callers call at all of them:
 * nodes killed, paused past their lease and shut down, links between them cut or silent in one direction, connections
 * to the database cut, the database itself killed. One history over all of it is checked. Source: TARGETS F10.
 */
import type { CheckoutSessions } from "@onelane/checkout"
import type { History } from "@onelane/history"
import { Clock, Effect, Exit, Fiber, Random, type Scope } from "effect"
import * as Load from "../clients/Load.js"
import * as Link from "../faults/Link.js"
import { type Instrument, lacking, type Tally, tallyOf } from "../Instrument.js"
import * as PostgresServer from "../processes/PostgresServer.js"
import * as Service from "../processes/Service.js"

/** A node that restarts on the same ports. */
export interface Node extends Service.Service {
  /** The link on which the other nodes reach it. */
  readonly link: Link.Link
}

/** The nodes and the database to break. */
export interface Field {
  readonly nodes: ReadonlyArray<Node>
  readonly postgres: PostgresServer.PostgresServer
  /** The url of the tables. */
  readonly storage: string
}

/** One fault, which is over when the effect ends: succeeds with its name, or fails with a problem. */
export type Fault = (field: Field) => Effect.Effect<string, string, Scope.Scope>

/** A run. It continues until its time is over and enough has happened. */
export interface ClusterOptions {
  readonly seed: number
  readonly millis: number
  /** Which faults; default all, drawn. */
  readonly fault?: Fault | undefined
  /** What must have happened before it ends; default the least of an instrument. */
  readonly enough?: Tally | undefined
  readonly progress?: ((line: string) => void) | undefined
}

/** What came of it. */
export interface ClusterOutcome {
  readonly history: History.History
  /** Faults by their names. */
  readonly faults: Readonly<Record<string, number>>
  readonly problems: ReadonlyArray<string>
}

/** Longest extension of a run in which too little happened, milliseconds. */
const graceMillis = 180_000

/** Timeout of a caller, milliseconds: longer than a peer's, shorter than some pauses. */
const patienceMillis = 1_500

const total = (faults: ClusterOutcome["faults"]): number => Object.values(faults).reduce((sum, each) => sum + each, 0)

/**
 * Runs callers while nodes, links and the database break, then reads every session through every node and checks the
 * history.
 */
export const run = (options: ClusterOptions): Effect.Effect<ClusterOutcome> =>
  Effect.gen(function* () {
    const postgres = yield* PostgresServer.make()
    const storage = yield* postgres.makePlace
    const nodes = yield* Effect.all([node(storage), node(storage), node(storage)], { concurrency: "unbounded" })
    yield* Effect.forEach(nodes, ({ start }) => start, { concurrency: "unbounded" })
    return yield* ordeal(options, { nodes, postgres, storage })
  }).pipe(
    Effect.withRandom(Random.make(options.seed)),
    Effect.scoped,
    Effect.catchAll((why) =>
      Effect.succeed({
        history: [],
        faults: {},
        problems: [typeof why === "string" ? why : `it did not heal: ${why.message}`]
      })
    )
  )

const node = (storage: string): Effect.Effect<Node, never, Scope.Scope> =>
  Effect.gen(function* () {
    const listening = yield* Link.freePort
    const link = yield* Link.make(() => listening)
    const args = ["--cluster", `127.0.0.1:${link.port}`, "--cluster-listen", `127.0.0.1:${listening}`]
    return { ...Service.make("http", { storage, args, patienceMillis }), link }
  })

const ordeal = ({ enough, fault = drawn, millis, progress }: ClusterOptions, field: Field) =>
  Effect.gen(function* () {
    const from = yield* Clock.currentTimeMillis
    const faults: Record<string, number> = {}
    const tally = { acknowledged: 0, refused: 0, unknown: 0, faults: 0 }
    const broken: Array<string> = []
    const breaking = Effect.gen(function* () {
      const name = yield* fault(field)
      faults[name] = (faults[name] ?? 0) + 1
      tally.faults += 1
      progress?.(`${tally.faults} faults, ${tally.acknowledged} acknowledged, ${tally.unknown} unknown`)
    }).pipe(
      Effect.catchAll((why) => Effect.sync(() => void broken.push(why))),
      Effect.uninterruptible,
      // Leaves time for calls between two faults.
      Effect.zipRight(Effect.flatMap(Random.nextIntBetween(300, 2_000), Effect.sleep))
    )
    const isOver = (now: number): boolean =>
      broken.length > 0 ||
      now > from + millis + graceMillis ||
      (now > from + millis && lacking(tally, enough).length === 0)
    const breaker = yield* Effect.forkScoped(
      Effect.repeat(breaking, { while: () => Effect.map(Clock.currentTimeMillis, (now) => !isOver(now)) })
    )
    const load = Load.run({
      doors: field.nodes.map(({ door }) => counted(door, tally)),
      ...{ callers: 48, sessions: 16, mostPauseMillis: 20, millis: millis + graceMillis, isAskedTwice: true },
      // The last fault heals before the final reads.
      isOver: () => Exit.isExit(breaker.unsafePoll())
    })
    const { history, problems } = yield* load
    yield* Fiber.interrupt(breaker)
    return { history, faults, problems: [...broken, ...problems] }
  })

/** The same door, its answers counted while it runs. */
const counted = (
  door: CheckoutSessions.CheckoutSessionsShape,
  tally: { -readonly [name in keyof Tally]: number }
): CheckoutSessions.CheckoutSessionsShape => ({
  ...door,
  update: (caller, input) =>
    Effect.onExit(door.update(caller, input), (exit) =>
      Effect.sync(() => {
        if (Exit.isSuccess(exit)) tally.acknowledged += 1
        else if (exit.cause._tag !== "Fail" || exit.cause.error.applied === "unknown") tally.unknown += 1
        else tally.refused += 1
      })
    )
})

const pause = (from: number, to: number) => Effect.flatMap(Random.nextIntBetween(from, to), Effect.sleep)

const signal = (victim: Node, name: NodeJS.Signals) => Effect.sync(() => void process.kill(victim.pid(), name))

const drawn: Fault = ({ nodes, postgres }) =>
  Effect.gen(function* () {
    const victim = nodes[yield* Random.nextIntBetween(0, nodes.length)]!
    switch (yield* Random.nextIntBetween(0, 10)) {
      case 0:
      case 1:
      case 2:
        yield* victim.kill
        yield* pause(100, 1_500)
        yield* victim.start
        return "killed"
      case 3: {
        yield* signal(victim, "SIGTERM")
        const { code, stderr } = yield* victim.ended
        if (code !== 0) return yield* Effect.fail(`a node that was sent away ended with ${code}: ${stderr}`)
        yield* victim.start
        return "sent away"
      }
      case 4:
      case 5:
        // Longer than a peer's timeout, and at times longer than a lease.
        yield* signal(victim, "SIGSTOP")
        yield* pause(500, 4_500)
        yield* signal(victim, "SIGCONT")
        return "paused"
      case 6:
        yield* victim.link.cut
        return "ways cut"
      case 7:
        // The others do not receive its messages, but it receives theirs.
        yield* victim.link.silence(true)
        yield* pause(500, 3_000)
        yield* victim.link.silence(false)
        return "ways silent"
      case 8:
        yield* postgres.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE application_name = 'onelane' AND random() < 0.5`)
        return "connections cut"
      default:
        yield* postgres.crash
        yield* postgres.start
        return "database killed"
    }
  })

/** F10. */
export const instrument: Instrument = {
  name: "cluster",
  run: ({ minutes, progress, seed, short }) =>
    Effect.map(run({ seed, millis: short ? 0 : minutes * 60_000, progress }), ({ faults, history, problems }) => {
      const tally = tallyOf(history, total(faults))
      const notes = [
        `${tally.acknowledged} acknowledged, ${tally.refused} refused, ${tally.unknown} unknown`,
        ...Object.entries(faults).map(([name, count]) => `${name} ${count}`)
      ]
      return { cases: tally.faults, failures: problems, notes, tally }
    })
}
