import { assert, describe, it } from "@effect/vitest"
import {
  Caller,
  type CheckoutError,
  type CheckoutSession,
  type CheckoutSessions,
  Subscription
} from "@onelane/checkout"
import * as Changes from "@onelane/checkout/Changes"
import { Chunk, Effect, Exit, Fiber, Stream, TestClock } from "effect"
import * as Retry from "../src/retry/Retry.js"

const session: CheckoutSession.CheckoutSession = {
  id: "s1",
  cartId: "c1",
  storeId: "store",
  accountId: "account",
  ownerId: "host",
  state: "Start",
  nextState: null,
  isProcessing: false,
  isError: false,
  isArchived: false,
  closedBy: null,
  operationId: null,
  workKey: null,
  orderId: null,
  version: 1,
  lastRequestId: null,
  createdAt: 0,
  updatedAt: 0,
  expiresAt: null,
  data: null
}

const overloaded = (reason: "MAILBOX_FULL" | "DRAINING" = "MAILBOX_FULL"): CheckoutError.Overloaded => ({
  _tag: "Overloaded",
  message: "full",
  reason,
  retryable: true,
  applied: "no",
  retryAfterMillis: 10
})

const unavailable = (applied: "no" | "unknown", retryable = true): CheckoutError.StorageUnavailable => ({
  _tag: "StorageUnavailable",
  message: "no answer",
  reason: "IO",
  retryable,
  applied,
  retryAfterMillis: 10
})

const processing: CheckoutError.SessionProcessing = {
  _tag: "SessionProcessing",
  message: "a task runs",
  reason: "ALREADY_IN_PROCESS",
  retryable: true,
  applied: "no",
  retryAfterMillis: 1,
  current: {
    state: "Start",
    version: 1,
    nextState: "Inventory",
    isProcessing: true,
    isArchived: false,
    orderId: null,
    lastRequestId: null
  }
}

/** A service that fails with the scripted errors, one a call, and then succeeds; it notes the keys it was given. */
const scripted = (errors: ReadonlyArray<CheckoutError.UpdateError>) => {
  const keys: Array<string | undefined> = []
  let calls = 0
  const answer = <A>(value: A): Effect.Effect<A, any> =>
    Effect.suspend(() => {
      const error = errors[calls++]
      return error === undefined ? Effect.succeed(value) : Effect.fail(error)
    })
  const unused = () => Effect.die("not scripted")
  const shape: CheckoutSessions.SessionCalls = {
    open: () => answer({ requestId: "r", created: true, replayed: false, session }),
    update: (_, input) => {
      keys.push(input.idempotencyKey)
      return answer({ requestId: "r", replayed: false, session })
    },
    get: () => answer(session),
    find: () => answer({ session, closed: null }),
    cancel: (_, input) => {
      keys.push(input.idempotencyKey)
      return answer({ requestId: "r", replayed: false, session })
    },
    history: () => answer([]),
    follow: unused,
    completeTask: unused,
    failTask: unused,
    releaseClaim: unused,
    move: unused,
    sessions: unused,
    claims: unused
  }
  return { shape, keys, calls: () => calls }
}

const input = { checkoutSessionId: "s1", expCurrentState: "Start", nextState: "Inventory" }

/** Runs an effect while the test clock runs through every pause. */
const throughPauses = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(Effect.either(effect))
    yield* TestClock.adjust("10 minutes")
    return yield* Fiber.join(fiber)
  })

describe("Retry", () => {
  it.effect("gives every update a key of its own, and keeps one that was given", () =>
    Effect.gen(function* () {
      const { keys, shape } = scripted([])
      const sessions = yield* Retry.make(shape, {}, false)
      const update = sessions.update(Caller.host, input)
      yield* update
      yield* update
      yield* sessions.update(Caller.host, { ...input, idempotencyKey: "mine" })
      assert.strictEqual(new Set(keys).size, 3)
      assert.isTrue(keys.every((key) => key !== undefined && key.length >= 1 && key.length <= 255))
      assert.strictEqual(keys[2], "mine")
    })
  )

  it.effect("repeats an undecided update under the same key until it is decided", () =>
    Effect.gen(function* () {
      const { calls, keys, shape } = scripted([overloaded(), unavailable("no"), unavailable("unknown")])
      const sessions = yield* Retry.make(shape, {}, false)
      const result = yield* throughPauses(sessions.update(Caller.host, input))
      assert.strictEqual(result._tag, "Right")
      assert.strictEqual(calls(), 4)
      assert.strictEqual(new Set(keys).size, 1)
    })
  )

  it.effect("gives up after the limit with the last error", () =>
    Effect.gen(function* () {
      const { calls, shape } = scripted(Array.from({ length: 50 }, () => overloaded()))
      const sessions = yield* Retry.make(shape, { limit: 5 }, false)
      const result = yield* throughPauses(sessions.update(Caller.host, input))
      assert.strictEqual(result._tag === "Left" && result.left._tag, "Overloaded")
      assert.strictEqual(calls(), 6)
    })
  )

  it.effect("has an end, whatever limit is asked for", () =>
    Effect.gen(function* () {
      const { calls, shape } = scripted(Array.from({ length: 300 }, () => overloaded()))
      const sessions = yield* Retry.make(shape, { limit: Number.POSITIVE_INFINITY, maxMillis: 1 }, false)
      assert.strictEqual((yield* throughPauses(sessions.update(Caller.host, input)))._tag, "Left")
      assert.strictEqual(calls(), 201)
    })
  )

  it.effect("never repeats a refusal, SessionProcessing included", () =>
    Effect.gen(function* () {
      const { calls, shape } = scripted([processing])
      const sessions = yield* Retry.make(shape, {}, false)
      const result = yield* throughPauses(sessions.update(Caller.host, input))
      assert.strictEqual(result._tag === "Left" && result.left._tag, "SessionProcessing")
      assert.strictEqual(calls(), 1)
    })
  )

  it.effect("repeats a cancel whose outcome is unknown under the key it was given", () =>
    Effect.gen(function* () {
      const { keys, shape } = scripted([unavailable("unknown"), unavailable("no")])
      const sessions = yield* Retry.make(shape, {}, true)
      assert.strictEqual(
        (yield* throughPauses(sessions.cancel(Caller.host, { checkoutSessionId: "s1" })))._tag,
        "Right"
      )
      assert.lengthOf(keys, 3)
      assert.strictEqual(new Set(keys).size, 1)
      assert.match(keys[0] ?? "", /^sdk-/)
    })
  )

  it.effect("repeats a cancel without a key only when the first was certainly not applied", () =>
    Effect.gen(function* () {
      const unsure = scripted([unavailable("unknown")])
      const sessions = yield* Retry.make(unsure.shape, {}, false, false)
      const result = yield* throughPauses(sessions.cancel(Caller.host, { checkoutSessionId: "s1" }))
      assert.strictEqual(result._tag === "Left" && result.left.applied, "unknown")
      assert.strictEqual(unsure.calls(), 1)
      const sure = scripted([unavailable("no")])
      const again = yield* Retry.make(sure.shape, {}, false, false)
      assert.strictEqual((yield* throughPauses(again.cancel(Caller.host, { checkoutSessionId: "s1" })))._tag, "Right")
    })
  )

  it.effect("repeats neither an answer that says it is final nor, in this process, a drain", () =>
    Effect.gen(function* () {
      for (const error of [unavailable("unknown", false), overloaded("DRAINING")]) {
        const { calls, shape } = scripted([error])
        const sessions = yield* Retry.make(shape, {}, false)
        assert.strictEqual((yield* throughPauses(sessions.update(Caller.host, input)))._tag, "Left")
        assert.strictEqual(calls(), 1)
      }
      const restarting = scripted([overloaded("DRAINING")])
      const remote = yield* Retry.make(restarting.shape, {}, true)
      assert.strictEqual((yield* throughPauses(remote.update(Caller.host, input)))._tag, "Right")
    })
  )

  it.effect("tells unknown after a lost answer, whatever a later try is refused with", () =>
    Effect.gen(function* () {
      const { calls, shape } = scripted([unavailable("unknown"), processing])
      const sessions = yield* Retry.make(shape, {}, true)
      const result = yield* throughPauses(sessions.update(Caller.host, input))
      assert.strictEqual(calls(), 2)
      if (result._tag === "Right" || result.left._tag !== "StorageUnavailable") return assert.fail("not unknown")
      assert.deepInclude(result.left, { reason: "OUTCOME_UNKNOWN", applied: "unknown", last: processing })
      assert.match(result.left.idempotencyKey ?? "", /^sdk-/)
    })
  )

  it.effect("tells unknown after a lost answer and an outage longer than all tries", () =>
    Effect.gen(function* () {
      const down = Array.from({ length: 20 }, () => unavailable("no"))
      for (const method of ["open", "update"] as const) {
        const { shape } = scripted([unavailable("unknown"), ...down])
        const sessions = yield* Retry.make(shape, {}, true)
        const call = sessions[method] as (
          caller: Caller.Caller,
          given: object
        ) => Effect.Effect<unknown, CheckoutError.CheckoutError>
        const result = yield* throughPauses(call(Caller.host, method === "open" ? { cartId: "c1" } : input))
        assert.deepInclude(result._tag === "Left" ? result.left : {}, { reason: "OUTCOME_UNKNOWN", applied: "unknown" })
      }
    })
  )

  it.effect("takes a broken stream of changes up after the last version seen", () =>
    Effect.gen(function* () {
      const entry = (version: number): CheckoutSession.HistoryEntry => ({
        version,
        type: "Updated",
        at: 0,
        from: "Start",
        to: "Inventory",
        requestId: "r",
        operationId: null,
        workKey: null,
        orderId: null,
        by: "host",
        reason: null,
        cause: null,
        cartChanged: false,
        passedThrough: [],
        followUp: null,
        data: null
      })
      const asked: Array<number | undefined> = []
      let open = 0
      const shape: CheckoutSessions.SessionCalls = {
        ...scripted([]).shape,
        follow: (_, { afterVersion = -1 }) => {
          asked.push(afterVersion)
          const page = (...entries: ReadonlyArray<CheckoutSession.HistoryEntry>) =>
            Exit.succeed(Subscription.pageOf(entries))
          const answers: Array<Subscription.Answer> =
            afterVersion >= 5
              ? [page(entry(6)), Exit.succeed(null)]
              : [page(entry(afterVersion + 1), entry(afterVersion + 2)), Exit.fail(unavailable("no"))]
          open += 1
          return Effect.succeed<Subscription.Subscription>({
            ask: (onAnswer) => onAnswer(answers.shift()!),
            withdraw: () => {},
            check: (onVerdict) => onVerdict(Exit.void),
            leave: () => void (open -= 1)
          })
        }
      }
      const sessions = yield* Retry.make(shape, {}, false)
      const entries = yield* throughPauses(
        Stream.runCollect(Changes.stream(sessions.follow(Caller.host, { checkoutSessionId: "s1" })))
      )
      assert.strictEqual(open, 0)
      if (entries._tag === "Left") return assert.fail("the stream broke")
      assert.deepStrictEqual(asked, [1, 3, 5])
      assert.deepStrictEqual(
        Chunk.toReadonlyArray(entries.right).map(({ version }) => version),
        [2, 3, 4, 5, 6]
      )
    })
  )
})
