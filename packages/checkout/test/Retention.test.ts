import { assert, describe, it } from "@effect/vitest"
import { Access, Caller, Carts, CheckoutEngine, CheckoutSessions, Flow, Retention } from "@onelane/checkout"
import { Journal, JournalMemory } from "@onelane/engine"
import { Effect, Exit, Fiber, Layer, Stream, TestClock } from "effect"
import { nextTick } from "./fixture.js"

const buyer = Caller.make("ann", ["buyer-checkout"])
const ordering = Flow.withTasks(Flow.b2b, { "Order Confirmation": {} })

const engineWith = (retention?: NonNullable<CheckoutEngine.CheckoutEngineOptions["retention"]>) =>
  CheckoutEngine.layer({ flow: ordering, retention }).pipe(
    Layer.provide(Layer.merge(Access.layerTrusted, Carts.layerTrusted)),
    Layer.provideMerge(JournalMemory.layer)
  )

const open = (cartId: string, ownerId = "ann") =>
  Effect.flatMap(CheckoutSessions.CheckoutSessions, (sessions) =>
    Effect.map(sessions.open(Caller.host, { cartId, ownerId }), ({ session }) => session)
  )

const cancelled = (cartId: string, ownerId?: string) =>
  Effect.gen(function* () {
    const { id } = yield* open(cartId, ownerId)
    yield* Effect.flatMap(CheckoutSessions.CheckoutSessions, (_) => _.cancel(Caller.host, { checkoutSessionId: id }))
    return id
  })

const completed = (cartId: string) =>
  Effect.gen(function* () {
    const sessions = yield* CheckoutSessions.CheckoutSessions
    const opened = yield* sessions.open(Caller.host, { cartId, initialState: "Order Confirmation" })
    const { id: checkoutSessionId } = opened.session
    const move = { checkoutSessionId, expCurrentState: "Order Confirmation", nextState: "Complete" }
    const { operationId } = (yield* sessions.update(Caller.host, move)).session
    yield* sessions.completeTask(Caller.host, { checkoutSessionId, operationId: operationId!, orderId: `o-${cartId}` })
    return checkoutSessionId
  })

const stored = (kind: string) =>
  Effect.flatMap(Journal.Journal, (journal) =>
    Effect.map(
      journal.select(kind, "", () => true),
      ({ found }) => found.map(({ id }) => id)
    )
  )

const tagOf = (checkoutSessionId: string) =>
  Effect.flatMap(CheckoutSessions.CheckoutSessions, (sessions) =>
    Effect.match(sessions.get(Caller.host, { checkoutSessionId }), {
      onSuccess: () => "found",
      onFailure: ({ _tag }) => _tag
    })
  )

describe("prune", () => {
  it.scoped("removes what was archived before an instant, with its cart, and leaves what is live or younger", () =>
    Effect.gen(function* () {
      const { prune } = yield* Retention.Retention
      const old = yield* cancelled("old")
      const live = yield* open("live")
      yield* TestClock.adjust(1_000)
      const young = yield* cancelled("young")
      assert.deepStrictEqual(yield* prune({ archivedBefore: 1_000 }), { pruned: 1 })
      assert.strictEqual(yield* tagOf(old), "SessionInaccessible")
      assert.strictEqual(yield* tagOf(live.id), "found")
      assert.strictEqual(yield* tagOf(young), "found")
      assert.sameMembers([...(yield* stored("cart"))], ["live", "young"])
      assert.deepStrictEqual(yield* prune({ archivedBefore: 1_000 }), { pruned: 0 })
    }).pipe(Effect.provide(engineWith()))
  )
  it.scoped("carts remember their order where that is wanted, and else forget it", () =>
    Effect.gen(function* () {
      const { prune } = yield* Retention.Retention
      const sessions = yield* CheckoutSessions.CheckoutSessions
      const first = yield* completed("kept")
      yield* TestClock.adjust(1)
      yield* prune({ archivedBefore: 1, keepCompleted: true })
      const again = yield* Effect.flip(sessions.open(Caller.host, { cartId: "kept" }))
      assert.deepInclude(again, { _tag: "SessionClosed", checkoutSessionId: first, orderId: "o-kept", current: null })
      // A second order that is cancelled does not make the cart forget the first.
      yield* sessions.open(Caller.host, { cartId: "kept", again: true })
      yield* sessions.cancel(Caller.host, { cartId: "kept" })
      yield* TestClock.adjust(1)
      yield* prune({ archivedBefore: 2, keepCompleted: true })
      assert.deepInclude(yield* Effect.flip(sessions.open(Caller.host, { cartId: "kept" })), { orderId: "o-kept" })
      yield* completed("forgotten")
      yield* TestClock.adjust(1)
      yield* prune({ archivedBefore: Number.MAX_SAFE_INTEGER })
      assert.isTrue((yield* sessions.open(Caller.host, { cartId: "forgotten" })).created)
    }).pipe(Effect.provide(engineWith()))
  )
  it.scoped("an input that is none is refused", () =>
    Effect.gen(function* () {
      const { prune } = yield* Retention.Retention
      const refused = yield* Effect.flip(prune({ archivedBefore: Number.NaN }))
      assert.deepInclude(refused, { _tag: "InvalidInput", fields: ["archivedBefore"] })
    }).pipe(Effect.provide(engineWith()))
  )
})

describe("an engine with bounds on what is finished", () => {
  const bounds = { finishedCapacity: 10, finishedMillis: 60_000, completedCapacity: 5 }
  // Turns of the event loop: a turn of an actor may be put off to the next one.
  const settle = Effect.repeatN(Effect.zipRight(nextTick, Effect.yieldNow()), 200)

  it.scoped("keeps so many finished sessions, the youngest, and every live one", () =>
    Effect.gen(function* () {
      const live = yield* open("live")
      const ids = yield* Effect.forEach(
        Array.from({ length: 50 }, (_, index) => `cart-${index}`),
        (id) => cancelled(id)
      )
      yield* settle
      assert.sameMembers([...(yield* stored("session"))], [live.id, ...ids.slice(40)])
      assert.lengthOf(yield* stored("cart"), 11)
      assert.strictEqual(yield* tagOf(ids[39]!), "SessionInaccessible")
      assert.strictEqual(yield* tagOf(ids[40]!), "found")
    }).pipe(Effect.provide(engineWith(bounds)))
  )
  it.scoped("keeps them no longer than so long", () =>
    Effect.gen(function* () {
      const id = yield* cancelled("cart")
      yield* TestClock.adjust(59_000)
      assert.strictEqual(yield* tagOf(id), "found")
      yield* TestClock.adjust(62_000)
      yield* settle
      assert.strictEqual(yield* tagOf(id), "SessionInaccessible")
      assert.deepStrictEqual(yield* stored("cart"), [])
    }).pipe(Effect.provide(engineWith(bounds)))
  )
  it.scoped("carts remember their orders a while longer, and so many of them", () =>
    Effect.gen(function* () {
      const sessions = yield* CheckoutSessions.CheckoutSessions
      for (let index = 0; index < 40; index++) yield* completed(`cart-${index}`)
      yield* settle
      assert.lengthOf(yield* stored("session"), 10)
      assert.lengthOf(yield* stored("cart"), 15)
      const remembered = yield* Effect.flip(sessions.open(Caller.host, { cartId: "cart-25" }))
      assert.deepInclude(remembered, { _tag: "SessionClosed", orderId: "o-cart-25", current: null })
      assert.isTrue((yield* sessions.open(Caller.host, { cartId: "cart-24" })).created)
    }).pipe(Effect.provide(engineWith(bounds)))
  )
})

describe("erase", () => {
  it.scoped("a cart's erasure removes every session it had, and nothing of others", () =>
    Effect.gen(function* () {
      const { erase } = yield* Retention.Retention
      const gone = [yield* cancelled("cart"), yield* cancelled("cart")]
      const other = yield* open("other")
      const erased = yield* erase({ cartId: "cart" })
      assert.deepInclude(erased, { sessions: 2, carts: 1, entries: 0 })
      for (const id of gone) assert.strictEqual(yield* tagOf(id), "SessionInaccessible")
      assert.strictEqual(yield* tagOf(other.id), "found")
      assert.deepStrictEqual(yield* stored("cart"), ["other"])
      assert.deepInclude(yield* erase({ cartId: "cart" }), { sessions: 0, carts: 0 })
      assert.strictEqual((yield* open("cart")).version, 1)
    }).pipe(Effect.provide(engineWith()))
  )
  it.scoped(
    "an owner's erasure removes the sessions of all carts that are the owner's now, those of earlier owners too",
    () =>
      Effect.gen(function* () {
        const { erase } = yield* Retention.Retention
        const sessions = yield* CheckoutSessions.CheckoutSessions
        const guest = yield* open("guest-cart", "guest-7")
        yield* sessions.cancel(Caller.host, { checkoutSessionId: guest.id })
        yield* cancelled("guest-cart", "ann")
        yield* cancelled("ann-cart", "ann")
        // Ann's first session of a cart that is Bob's by now: it names her; the cart remembers Bob's.
        const first = yield* cancelled("shared", "ann")
        const bobs = yield* open("shared", "bob")
        const erased = yield* erase({ ownerId: "ann" })
        assert.deepInclude(erased, { sessions: 4, carts: 2 })
        assert.strictEqual(yield* tagOf(guest.id), "SessionInaccessible")
        assert.strictEqual(yield* tagOf(first), "SessionInaccessible")
        assert.deepStrictEqual(yield* stored("session"), [bobs.id])
        assert.deepStrictEqual(yield* stored("cart"), ["shared"])
        assert.isFalse(
          JSON.stringify(yield* sessions.history(Caller.host, { checkoutSessionId: bobs.id })).includes("ann")
        )
      }).pipe(Effect.provide(engineWith()))
  )
  it.scoped("live sessions refuse it, by name, and nothing is erased; force cancels them", () =>
    Effect.gen(function* () {
      const { erase } = yield* Retention.Retention
      const old = yield* cancelled("cart")
      const { id } = yield* open("cart")
      const refused = yield* Effect.flip(erase({ cartId: "cart" }))
      assert.deepInclude(refused, { _tag: "InvalidInput", fields: ["force"], applied: "no" })
      assert.include(refused.message, id)
      assert.strictEqual(yield* tagOf(old), "found")
      assert.deepInclude(yield* erase({ cartId: "cart", force: true }), { sessions: 2, carts: 1 })
      assert.strictEqual(yield* tagOf(id), "SessionInaccessible")
      assert.deepStrictEqual(yield* stored("session"), [])
    }).pipe(Effect.provide(engineWith()))
  )
  it.scoped("a session past its expiry is not live", () =>
    Effect.gen(function* () {
      const { erase } = yield* Retention.Retention
      const sessions = yield* CheckoutSessions.CheckoutSessions
      yield* sessions.open(Caller.host, { cartId: "cart", expiresInMillis: 10 })
      yield* TestClock.adjust(20)
      assert.deepInclude(yield* erase({ cartId: "cart" }), { sessions: 1 })
    }).pipe(Effect.provide(engineWith()))
  )
  it.scoped("who watches an erased session is told that there is none", () =>
    Effect.gen(function* () {
      const { erase } = yield* Retention.Retention
      const sessions = yield* CheckoutSessions.CheckoutSessions
      const { id: checkoutSessionId } = yield* open("cart")
      const watching = yield* Effect.fork(
        Effect.exit(Stream.runDrain(sessions.changes(Caller.host, { checkoutSessionId, afterVersion: 1 })))
      )
      yield* Effect.repeatN(Effect.yieldNow(), 50)
      const journal = yield* Journal.Journal
      assert.deepStrictEqual(yield* journal.remove("session", [{ id: checkoutSessionId, sequence: 2 }]), [false])
      yield* erase({ cartId: "cart", force: true })
      const exit = yield* Fiber.join(watching)
      // Cancelled first: the stream of a cancelled session ends as such.
      assert.isTrue(Exit.isSuccess(exit))
      const late = yield* Effect.flip(
        Stream.runDrain(sessions.changes(Caller.host, { checkoutSessionId, afterVersion: 1 }))
      )
      assert.strictEqual(late._tag, "SessionInaccessible")
    }).pipe(Effect.provide(engineWith()))
  )
  it.scoped("exactly one of cart and owner is named, and unknown inputs are refused", () =>
    Effect.gen(function* () {
      const { erase } = yield* Retention.Retention
      for (const input of [
        {},
        { cartId: "a", ownerId: "b" },
        { cartId: "" },
        { ownerId: 5 as never },
        { cart: "a" } as never
      ]) {
        assert.strictEqual((yield* Effect.flip(erase(input)))._tag, "InvalidInput")
      }
    }).pipe(Effect.provide(engineWith()))
  )
  it.scoped("a buyer who opens anew is a stranger, and its old idempotency key is new", () =>
    Effect.gen(function* () {
      const { erase } = yield* Retention.Retention
      const sessions = yield* CheckoutSessions.CheckoutSessions
      const input = { cartId: "cart", idempotencyKey: "k" }
      const before = yield* sessions.open(buyer, input)
      yield* erase({ ownerId: "ann", force: true })
      const after = yield* sessions.open(buyer, input)
      assert.deepInclude(after, { created: true, replayed: false })
      assert.notStrictEqual(after.session.id, before.session.id)
    }).pipe(Effect.provide(engineWith()))
  )
})
