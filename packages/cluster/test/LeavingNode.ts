/** LeavingNode: what becomes of the work of a node that is killed, paused or sent away: each claim is resumed once, elsewhere. */
import { assert } from "@effect/vitest"
import type { CheckoutSession } from "@onelane/checkout"
import { Effect, Schedule } from "effect"
import * as Nodes from "./Nodes.js"
import * as TaskNode from "./TaskNode.js"

const postgres = Nodes.postgresForThisFile()
const sessions = Array.from({ length: 24 }, (_, index) => `session-${index}`)
const workMillis = 2_000

const until = <A>(look: Effect.Effect<A>, test: (found: A) => boolean) =>
  Effect.repeat(look, { until: test, schedule: Schedule.spaced(50) })

interface Runs {
  readonly operation: string
  readonly nodes: ReadonlyArray<string>
}

/** Lets a node leave while it works, and looks at what becomes of each claim. */
export const takeover = (leave: (node: TaskNode.TaskNode) => Effect.Effect<void>, mayFinish = false) =>
  Effect.gen(function* () {
    const { makePlace, query } = yield* postgres
    const url = yield* makePlace
    const schema = /search_path%3D(\w+)/.exec(url)![1]
    yield* query(
      `CREATE TABLE ${schema}.task_runs (operation text, node text, at timestamptz DEFAULT clock_timestamp())`
    )
    const runs = Effect.map(
      query(`SELECT operation, array_agg(node ORDER BY at) AS nodes FROM ${schema}.task_runs GROUP BY operation`),
      (rows) => rows as unknown as ReadonlyArray<Runs>
    )
    const nodes = yield* Effect.all(
      ["one", "two", "three"].map((name) => TaskNode.start(url, name, workMillis)),
      { concurrency: "unbounded" }
    )
    const states = Effect.sync(() => nodes.map((each) => each.state()))
    yield* until(states, (all) => all.every((each) => each.nodes === 3 && each.heldShards > 0))

    const claim = (checkoutSessionId: string, index: number) => {
      const node = nodes[index % nodes.length]!
      const open = { cartId: checkoutSessionId, checkoutSessionId, initialState: "Inventory" }
      const move = { expCurrentState: "Inventory", nextState: "Taxes" }
      const update = node.call("update", { checkoutSessionId, ...move, idempotencyKey: checkoutSessionId })
      // On a loaded machine a node may seem silent while it starts: the key settles what became of the call.
      const settled = Effect.retry(update, { times: 10, while: (error) => Object(error).applied === "unknown" })
      return Effect.zipRight(node.call("open", open), settled)
    }
    yield* Effect.all(sessions.map(claim), { concurrency: "unbounded" })
    yield* until(runs, (found) => found.length === sessions.length)
    // Whoever began last is still at it.
    const [latest] = yield* query(`SELECT node FROM ${schema}.task_runs ORDER BY at DESC LIMIT 1`)
    const victim = nodes.find(({ name }) => name === latest!.node)!
    const other = nodes.find((each) => each !== victim)!
    // A node that a loaded machine silences for longer than its leases may begin work a second time before it leaves.
    const before = new Map(Array.from(yield* runs, ({ operation, nodes: where }) => [operation, where.length]))
    yield* leave(victim)
    const left = performance.now()

    const look = Effect.all(
      sessions.map((checkoutSessionId) =>
        Effect.orDie(other.call<CheckoutSession.CheckoutSession>("get", { checkoutSessionId }))
      )
    )
    yield* until(look, (all) => all.every(({ state }) => state === "Taxes"))
    yield* Effect.logInfo(`all work is done ${Math.round(performance.now() - left)} ms after its node left`)
    for (const checkoutSessionId of sessions) {
      const history = yield* other.call<ReadonlyArray<CheckoutSession.HistoryEntry>>("history", {
        checkoutSessionId
      })
      assert.deepStrictEqual(
        history.map(({ type }) => type),
        ["Opened", "Claimed", "TaskCompleted"]
      )
    }
    const resumed = resumedOf(yield* runs, before, victim.name)
    // A node that leaves in order may finish all of its work within its bound.
    if (!mayFinish) assert.isAbove(resumed.length, 0)
  })

// Begun at most once more, and elsewhere; what the leaving node finished stays finished.
const resumedOf = (found: ReadonlyArray<Runs>, before: ReadonlyMap<string, number>, victim: string) =>
  found.filter(({ nodes, operation }) => {
    const again = nodes.slice(before.get(operation))
    assert.isTrue(again.length <= 1 && !again.includes(victim), nodes.join(" "))
    return again.length === 1
  })
