/** The numbers of a real engine, looked at while it is busy. */
import { assert, describe, it } from "@effect/vitest"
import { Access, Caller, Carts, CheckoutEngine, CheckoutSessions, Flow } from "@onelane/checkout"
import { Journal, JournalMemory } from "@onelane/engine"
import { DoorMetrics } from "@onelane/http"
import { StoreHealth } from "@onelane/sql"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Samples from "../src/operations/Samples.js"

describe("Prometheus text", () => {
  it("metrics have help, type, escaped labels and cumulative buckets", () => {
    const text = Samples.prometheus([
      { kind: "counter", name: "a_total", text: "As.", values: [{ value: 2, labels: { tag: 'x"\\y\nz' } }] },
      {
        kind: "histogram",
        name: "b_seconds",
        text: "Bs.",
        buckets: { bounds: [0.001, 0.5], counts: [1, 2, 3], sum: 1.5 }
      }
    ])
    assert.strictEqual(
      text,
      '# HELP a_total As.\n# TYPE a_total counter\na_total{tag="x\\"\\\\y\\nz"} 2\n# HELP b_seconds Bs.\n' +
        '# TYPE b_seconds histogram\nb_seconds_bucket{le="0.001"} 1\nb_seconds_bucket{le="0.5"} 3\n' +
        'b_seconds_bucket{le="+Inf"} 6\nb_seconds_sum 1.5\nb_seconds_count 6\n'
    )
  })
})

/** The numbers by name and labels, as Prometheus would read them. */
const numbersOf = (samples: ReadonlyArray<Samples.Sample>): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Samples.prometheus(samples)
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))])
  )

/** An engine over a journal whose commits wait while somebody holds the gate. */
const gated = Effect.gen(function* () {
  const gate = yield* Effect.makeSemaphore(1)
  const memory = JournalMemory.make()
  // Like a disk: it does not answer at once.
  const journal = {
    ...memory,
    immediate: false,
    append: (batch: never) => gate.withPermits(1)(memory.append(batch))
  }
  const context = yield* CheckoutEngine.make({ flow: Flow.withTasks(Flow.b2b, { Inventory: {} }) }).pipe(
    Effect.provide(Layer.merge(Access.layerTrusted, Carts.layerTrusted)),
    Effect.provideService(Journal.Journal, journal as Journal.JournalShape)
  )
  return { context, gate }
})

describe("what is counted", () => {
  it.scoped("metrics count turns, waits, refusals, mailboxes, live sessions, tasks, and commits by size and time", () =>
    Effect.gen(function* () {
      const { context, gate } = yield* gated
      const sessions = Context.get(context, CheckoutSessions.CheckoutSessions)
      const { drain, metrics } = Context.get(context, CheckoutEngine.CheckoutEngine)
      const door = DoorMetrics.make()
      DoorMetrics.countRefusal(door, { _tag: "Overloaded" } as never)
      const now = () => numbersOf(Samples.read(metrics, door, StoreHealth.none))

      const ids = yield* Effect.forEach([1, 2, 3, 4, 5], (number) =>
        Effect.map(sessions.open(Caller.host, { cartId: `cart-${number}` }), ({ session }) => session.id)
      )
      const before = now()
      yield* gate.take(1)
      const moving = yield* Effect.forEach(ids, (checkoutSessionId) =>
        Effect.fork(
          sessions.update(Caller.host, { checkoutSessionId, expCurrentState: "Start", nextState: "Inventory" })
        )
      )
      yield* Effect.repeat(Effect.yieldNow(), { until: () => now().onelane_mailbox_depth === 5 })
      assert.strictEqual(now().onelane_commit_duration_seconds_count, before.onelane_commit_duration_seconds_count)
      yield* gate.release(1)
      yield* Effect.forEach(moving, Fiber.join)
      const claim = { checkoutSessionId: ids[0]!, expCurrentState: "Inventory", nextState: "Confirm Price" }
      yield* sessions.update(Caller.host, claim)
      yield* Effect.flip(sessions.update(Caller.host, claim))

      const after = now()
      const grown = (name: string) => after[name]! - (before[name] ?? 0)
      assert.deepInclude(after, {
        onelane_mailbox_depth: 0,
        onelane_tasks_running: 1,
        onelane_sessions_live: 5,
        'onelane_refusals_total{tag="Overloaded"}': 1,
        'onelane_turns_refused_total{lane="session"}': 1
      })
      assert.strictEqual(grown('onelane_turns_total{lane="session"}'), 7)
      assert.strictEqual(grown('onelane_turns_accepted_total{lane="session"}'), 6)
      assert.isAtLeast(grown('onelane_waits_total{lane="session"}'), 5)
      // Five at once in one commit, the claim in one of its own.
      assert.strictEqual(grown('onelane_commit_batch_entries_bucket{le="1"}'), 1)
      assert.strictEqual(grown('onelane_commit_batch_entries_bucket{le="4"}'), 1)
      assert.strictEqual(grown('onelane_commit_batch_entries_bucket{le="8"}'), 2)
      assert.strictEqual(grown('onelane_commit_batch_entries_bucket{le="+Inf"}'), 2)
      assert.strictEqual(grown("onelane_commit_batch_entries_sum"), 6)
      assert.strictEqual(grown("onelane_commit_duration_seconds_count"), 2)
      assert.strictEqual(grown('onelane_commit_duration_seconds_bucket{le="+Inf"}'), 2)
      assert.isAbove(grown("onelane_commit_duration_seconds_sum"), 0)
      yield* drain
      assert.strictEqual(now().onelane_tasks_running, 0)
    })
  )
})
