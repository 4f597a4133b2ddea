/** Ownership that is wrong, taken away or handed on under load: one history, and it is linearizable. Safety is the fence's. */
import { assert, describe, it } from "@effect/vitest"
import { Caller, CheckoutEngine, CheckoutSessions } from "@onelane/checkout"
import { Cluster } from "@onelane/cluster"
import * as Load from "@onelane/testkit/Load"
import { Cause, Context, Effect, Exit, Fiber, Layer, Logger, LogLevel, Option, Schedule, Scope, Stream } from "effect"
import * as Nodes from "./Nodes.js"

/** What the library says of leases that it loses is what these tests are about. */
const quiet = Logger.withMinimumLogLevel(LogLevel.None)

const postgres = Nodes.postgresForThisFile()

interface Node {
  readonly door: CheckoutSessions.CheckoutSessionsShape
  readonly cluster: Cluster.ClusterShape
  /** Commits that the fence refused. */
  readonly conflicts: () => number
  readonly leave: Effect.Effect<void>
}

const start = (
  url: string,
  options: Partial<Cluster.ClusterOptions> = {},
  leases = url
): Effect.Effect<Node, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.acquireRelease(Scope.make(), (own) => Scope.close(own, Exit.void))
    const context = yield* Layer.buildWithScope(Nodes.trusting(url, options, leases), scope)
    return {
      door: Context.get(context, CheckoutSessions.CheckoutSessions),
      cluster: Context.get(context, Cluster.Cluster),
      conflicts: () => Context.get(context, CheckoutEngine.CheckoutEngine).metrics.sessions.conflicts,
      leave: Scope.close(scope, Exit.void)
    }
  })

const until = (test: () => boolean) =>
  Effect.repeat(Effect.sync(test), { until: (is) => is, schedule: Schedule.spaced(50) })

const settled = (...nodes: ReadonlyArray<Node>) => Nodes.settled(nodes.map(({ cluster }) => cluster))

const schemaOf = (url: string): string => /search_path%3D(\w+)/.exec(url)![1]!

/** The url as a role of its own, whose connections can be cut, and kept from coming back, while all others go on. */
const asRole = (url: string, role: string): string => {
  const own = new URL(url)
  own.username = role
  own.password = role
  return own.href
}

const load = (doors: ReadonlyArray<Node["door"]>, isOver: () => boolean) =>
  Load.run({ doors, callers: 24, sessions: 8, millis: 60_000, isOver, isAskedTwice: true })

/** A door in front of nodes that come and go, as a load balancer is one: a call goes to any that is there. */
const inFront = (nodes: ReadonlyArray<Node>): Node["door"] => {
  let turn = 0
  const next = () => nodes[turn++ % nodes.length]!.door
  return new Proxy({} as Node["door"], {
    get: (_, method: keyof Node["door"]) => (caller: never, input: never) => next()[method](caller, input)
  })
}

describe("ownership", () => {
  it.scopedLive(
    "that two nodes both believe in: neither hears the other, each answers everything, one history",
    () =>
      Effect.gen(function* () {
        const url = yield* (yield* postgres).makePlace
        const [one, two] = yield* Effect.all([start(url, { secret: "one" }), start(url, { secret: "two" })])
        let accepted = 0
        const counting = (door: Node["door"]): Node["door"] => ({
          ...door,
          update: (caller, input) => Effect.tap(door.update(caller, input), () => Effect.sync(() => accepted++))
        })
        const { problems } = yield* load([counting(one.door), counting(two.door)], () => accepted >= 400)
        assert.deepStrictEqual(problems, [])
        assert.isAtLeast(accepted, 400)
      }).pipe(quiet),
    120_000
  )

  it.scopedLive(
    "that is taken from a live owner while it serves, its lease given to another and its connections cut: one history",
    () =>
      Effect.gen(function* () {
        const { makePlace, query } = yield* postgres
        const url = yield* makePlace
        const nodes = yield* Effect.all([start(url), start(url), start(url)], { concurrency: "unbounded" })
        yield* settled(...nodes)
        const leases = `${schemaOf(url)}.onelane_locks`
        let taken = 0
        const takeAway = Effect.gen(function* () {
          // To a node that will never come for them, until the lease runs out.
          const rows = yield* query(`UPDATE ${leases} SET address = 'nobody:1' WHERE random() < 0.5 RETURNING shard_id`)
          taken += rows.length
          yield* query(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'onelane' AND random() < 0.3`
          )
        })
        const taking = yield* Effect.fork(Effect.repeat(takeAway, Schedule.spaced(700)))
        let calls = 0
        const counted = nodes.map(({ door }): Node["door"] => ({
          ...door,
          update: (caller, input) =>
            Effect.ensuring(
              door.update(caller, input),
              Effect.sync(() => calls++)
            )
        }))
        const { problems } = yield* load(counted, () => calls >= 800 && taken >= 200)
        yield* Fiber.interrupt(taking)
        assert.deepStrictEqual(problems, [])
        assert.isAtLeast(taken, 200)
        // And everybody has a share again.
        yield* until(() => nodes.reduce((sum, { cluster }) => sum + cluster.heldShards(), 0) === 128)
      }).pipe(quiet),
    120_000
  )

  it.scopedLive(
    "that loses its leases by their connection alone, while it serves: both write, and the key refuses the second",
    () =>
      Effect.gen(function* () {
        const { makePlace, query } = yield* postgres
        const url = yield* makePlace
        yield* query(`CREATE ROLE leasing SUPERUSER LOGIN PASSWORD 'leasing'`)
        // Neither hears the other: whoever is asked answers.
        const owner = yield* start(url, { secret: "one" }, asRole(url, "leasing"))
        yield* until(() => owner.cluster.heldShards() === 128)
        const heir = yield* start(url, { secret: "two" })
        yield* until(() => heir.cluster.nodes() > 0)
        let accepted = 0
        let acceptedWithout = 0
        const counting = (node: Node): Node["door"] => ({
          ...node.door,
          update: (caller, input) =>
            Effect.tap(node.door.update(caller, input), () => {
              accepted++
              if (node === owner && owner.cluster.heldShards() === 0) acceptedWithout++
            })
        })
        const conflicts = () => owner.conflicts() + heir.conflicts()
        const isOver = () => accepted >= 400 && acceptedWithout >= 100 && conflicts() >= 20
        const running = yield* Effect.fork(load([counting(owner), counting(heir)], isOver))
        yield* query("ALTER ROLE leasing NOLOGIN")
        yield* query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'leasing'")
        const { problems } = yield* Fiber.join(running)
        assert.deepStrictEqual(problems, [])
        assert.isTrue(isOver(), `${accepted} accepted, ${acceptedWithout} without a lease, ${conflicts()} refused`)
        yield* query("ALTER ROLE leasing LOGIN")
        yield* until(() => owner.cluster.heldShards() > 0)
        const again = yield* Effect.exit(
          query(`INSERT INTO ${schemaOf(url)}.journal_events SELECT * FROM ${schemaOf(url)}.journal_events LIMIT 1`)
        )
        assert.match(
          Exit.isFailure(again) ? Cause.pretty(again.cause) : "",
          /duplicate key value violates unique constraint/
        )
      }).pipe(quiet),
    120_000
  )

  it.scopedLive(
    "moves as nodes come and go under load: all get a share, none is lost, one history, and no update is refused wrongly",
    () =>
      Effect.gen(function* () {
        const url = yield* (yield* postgres).makePlace
        const nodes: Array<Node> = [yield* start(url)]
        yield* settled(...nodes)
        let isOver = false
        const running = yield* Effect.fork(load([inFront(nodes)], () => isOver))
        for (let more = 0; more < 2; more++) {
          const node = yield* start(url)
          nodes.push(node)
          yield* until(() => nodes.every(({ cluster }) => cluster.heldShards() > 0 && cluster.nodes() === nodes.length))
        }
        const shares = nodes.map(({ cluster }) => cluster.heldShards())
        assert.isAtMost(Math.max(...shares), 96, shares.join(" "))
        // A rolling restart: out of the balancer, then away, then a new one in its place.
        for (let round = 0; round < 2; round++) {
          const leaving = nodes.shift()!
          yield* leaving.leave
          nodes.push(yield* start(url))
          yield* settled(...nodes)
        }
        isOver = true
        const { accepted, problems } = yield* Fiber.join(running)
        assert.deepStrictEqual(problems, [])
        assert.isAbove(accepted, 0)
      }).pipe(quiet),
    120_000
  )
})

describe("changes", () => {
  it.scopedLive(
    "go on at another node when theirs leaves, without gap or duplicate",
    () =>
      Effect.gen(function* () {
        const url = yield* (yield* postgres).makePlace
        const [one, two] = yield* Effect.all([start(url), start(url)], { concurrency: "unbounded" })
        yield* settled(one, two)
        const checkoutSessionId = "watched"
        yield* two.door.open(Caller.host, { cartId: "cart", checkoutSessionId, initialState: "Inventory" })
        const seen: Array<number> = []
        const watch = (node: Node) =>
          node.door.changes(Caller.host, { checkoutSessionId, afterVersion: seen.at(-1) ?? 0 }).pipe(
            Stream.runForEach(({ version }) => Effect.sync(() => void seen.push(version))),
            Effect.exit
          )
        const watching = yield* Effect.fork(watch(one))
        const states = ["Inventory", "Taxes"] as const
        for (let step = 0; step < 40; step++) {
          const move = { expCurrentState: states[step % 2]!, nextState: states[(step + 1) % 2]! }
          const update = two.door.update(Caller.host, { checkoutSessionId, ...move, idempotencyKey: `${step}` })
          yield* Effect.retry(update, { schedule: Schedule.spaced(50), while: ({ retryable }) => retryable })
          if (step === 20) {
            yield* until(() => seen.length > 10)
            yield* one.leave
          }
        }
        const ended = yield* Effect.timeoutOption(Fiber.join(watching), 10_000)
        assert.isTrue(Option.isSome(ended), "the stream of the node that left does not end")
        const resumed = yield* Effect.fork(watch(two))
        yield* until(() => seen.length >= 41)
        yield* Fiber.interrupt(resumed)
        assert.deepStrictEqual(
          seen,
          Array.from({ length: 41 }, (_, index) => index + 1)
        )
      }).pipe(quiet),
    60_000
  )
})
