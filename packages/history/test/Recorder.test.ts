import { assert, describe, it } from "@effect/vitest"
import { Access, Caller, Carts, CheckoutEngine, CheckoutSessions, Flow } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import { Deferred, Effect, Exit, Fiber, Layer } from "effect"
import type { Operation } from "../src/History.js"
import { checkHistory } from "../src/Linearizable.js"
import * as Recorder from "../src/Recorder.js"
import { toText } from "../src/TimeLine.js"

const engine = CheckoutEngine.layer({ flow: Flow.any }).pipe(
  Layer.provide([JournalMemory.layer, Access.layerTrusted, Carts.layerTrusted])
)
const buyer = Caller.make("buyer", ["buyer-checkout"])
const { host } = Caller

const fieldsOf = (operation: Operation | undefined) => {
  const { action, outcome, error, observed } = operation!
  return { action, outcome, error, version: observed?.version, state: observed?.state }
}

describe("Recorder", () => {
  it.scoped("records calls and answers: accepted, refused with and without the state it saw, missing", () =>
    Effect.gen(function* () {
      const recorder = Recorder.make()
      const client = recorder.client(7, yield* CheckoutSessions.CheckoutSessions)
      yield* client.open(host, { cartId: "c", checkoutSessionId: "s", ownerId: buyer.userId })
      yield* client.open(host, { cartId: "c" })
      const step = { checkoutSessionId: "s", expCurrentState: "Start", nextState: "Taxes" }
      const { requestId } = yield* client.update(buyer, { ...step, idempotencyKey: "k" })
      yield* client.update(buyer, { ...step, idempotencyKey: "k" })
      yield* Effect.flip(client.update(buyer, step))
      yield* Effect.flip(client.update(buyer, { ...step, nextState: "" }))
      yield* Effect.flip(client.get(host, { checkoutSessionId: "gone" }))
      yield* Effect.flip(client.get(buyer, { checkoutSessionId: "gone" }))
      yield* client.cancel(host, { cartId: "c" })
      const history = recorder.history()
      const none = { error: undefined, version: undefined, state: undefined }
      assert.deepStrictEqual(history.map(fieldsOf), [
        { ...none, action: "open", outcome: "ok", version: 1, state: "Start" },
        { ...none, action: "read", outcome: "ok", version: 1, state: "Start" },
        { ...none, action: "update", outcome: "ok", version: 2, state: "Taxes" },
        { ...none, action: "update", outcome: "ok", version: 2, state: "Taxes" },
        { action: "update", outcome: "fail", error: "ExpectedStateMismatch", version: 2, state: "Taxes" },
        { ...none, action: "update", outcome: "fail", error: "InvalidInput" },
        { action: "read", outcome: "fail", error: "SessionInaccessible", version: 0, state: null },
        { ...none, action: "read", outcome: "fail", error: "SessionInaccessible" },
        { ...none, action: "cancel", outcome: "ok", version: 3, state: "Taxes" }
      ])
      assert.deepInclude(history[3], { process: 7, session: "s", replayed: true, key: "update buyer k", requestId })
      assert.deepStrictEqual(
        history.map(({ invoked, returned }) => [invoked, returned]),
        history.map((_, index) => [2 * index, 2 * index + 1])
      )
      assert.isTrue(checkHistory(history).valid)
    }).pipe(Effect.provide(engine))
  )

  it.scoped("records an interrupted call and a pending call as unknown", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const recorder = Recorder.make()
      const service = yield* CheckoutSessions.CheckoutSessions
      const get = () => Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never)
      const client = recorder.client(0, { ...service, get })
      const fiber = yield* Effect.fork(client.get(host, { checkoutSessionId: "s" }))
      yield* Deferred.await(begun)
      assert.deepInclude(recorder.history()[0], { outcome: "info", returned: Number.POSITIVE_INFINITY })
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      assert.deepInclude(recorder.history()[0], { outcome: "info", returned: 1 })
    }).pipe(Effect.provide(engine))
  )

  it.scoped("finds the race of many clients on one session linearizable, with one winner a visit", () =>
    Effect.gen(function* () {
      const recorder = Recorder.make()
      const service = yield* CheckoutSessions.CheckoutSessions
      yield* recorder.client(0, service).open(host, { cartId: "c", checkoutSessionId: "s" })
      const states = [...Flow.any.states]
      const racer = (process: number) =>
        Effect.gen(function* () {
          const client = recorder.client(process, service)
          let state = "Start"
          for (let round = 0; round < 40; round++) {
            const nextState = states[(process + round) % states.length]!
            const input = { checkoutSessionId: "s", expCurrentState: state, nextState }
            // Between what it believes and what it asks, the others have their turns.
            yield* Effect.yieldNow()
            const answer = yield* Effect.either(client.update(host, input))
            if (answer._tag === "Right") state = answer.right.session.state
            else state = (yield* client.get(host, { checkoutSessionId: "s" })).state
          }
        })
      yield* Effect.all(
        Array.from({ length: 16 }, (_, index) => racer(index + 1)),
        { concurrency: "unbounded" }
      )
      const history = recorder.history()
      const verdict = checkHistory(history)
      assert.deepStrictEqual(verdict.violations.map(toText), [])
      const accepted = history.filter((each) => each.action === "update" && each.outcome === "ok")
      assert.isAbove(accepted.length, 30)
      assert.isAbove(history.filter((each) => each.error === "ExpectedStateMismatch").length, 200)
      assert.strictEqual(new Set(accepted.map((each) => each.observed?.version)).size, accepted.length)
    }).pipe(Effect.provide(engine))
  )
})
