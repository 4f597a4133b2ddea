/** Streams end with the right to watch. */
import { assert, describe, it } from "@effect/vitest"
import { Access, type Carts } from "@onelane/checkout"
import { Directory, DirectoryMemory } from "@onelane/directory"
import { JournalMemory } from "@onelane/engine"
import { Context, Effect, Exit, Fiber, Layer, Stream, TestClock } from "effect"
import * as CartsPort from "../src/ports/Carts.js"
import { admin, boot, buyer, nextTick, type Sessions, until } from "./fixture.js"

const start = { expCurrentState: "Start", nextState: "Shipping Address" } as const
const cart: Carts.Cart = { id: "cart-1", storeId: "s", accountId: "a", ownerId: "buyer", status: "Active" }

/** Ports of a host whose answers a test changes, and how often they were asked. */
const hosted = Effect.gen(function* () {
  const now = { rights: Access.everyRight, mayInvoke: true, cart: cart as Carts.Cart | null, asked: 0, broken: false }
  const access: Access.AccessShape = {
    mayInvoke: (caller) => Exit.succeed(now.mayInvoke || caller.userId === "admin"),
    rights: (caller) => {
      now.asked += 1
      if (now.broken) return Exit.fail({ _tag: "PortUnavailable", port: "access" })
      return Exit.succeed(caller.userId === "admin" ? Access.everyRight : now.rights)
    }
  }
  const { sessions } = yield* boot(JournalMemory.make(), { access, carts: { find: () => Exit.succeed(now.cart) } })
  const { session } = yield* sessions.open(buyer, { cartId: "cart-1" })
  return { now, sessions, checkoutSessionId: session.id }
})

/** A stream in a fiber: what it has delivered, and how it ended. */
const watching = (sessions: Sessions, checkoutSessionId: string) =>
  Effect.gen(function* () {
    const seen: Array<number> = []
    const fiber = yield* sessions.changes(buyer, { checkoutSessionId }).pipe(
      Stream.runForEach(({ version }) => Effect.sync(() => void seen.push(version))),
      Effect.flip,
      Effect.fork
    )
    yield* settle
    return { seen, end: Effect.map(Fiber.join(fiber), (error) => error._tag), fiber }
  })

const settle = Effect.repeatN(nextTick, 20)

const losses = [
  ["ActionNotPermitted", (now) => (now.mayInvoke = false)],
  ["SessionInaccessible", (now) => (now.rights = { ...Access.everyRight, maySee: false })],
  ["AccountInaccessible", (now) => (now.rights = { ...Access.everyRight, accountAccessible: false })],
  ["NotStoreMember", (now) => (now.rights = { ...Access.everyRight, storeMember: false })]
] satisfies ReadonlyArray<readonly [string, (now: Effect.Effect.Success<typeof hosted>["now"]) => unknown]>

describe("changes", () => {
  for (const [tag, lose] of losses) {
    it.scoped(`a silent stream ends within five seconds with ${tag}, which is what get answers`, () =>
      Effect.gen(function* () {
        const { checkoutSessionId, now, sessions } = yield* hosted
        const { end, seen } = yield* watching(sessions, checkoutSessionId)
        yield* TestClock.adjust("10 seconds")
        lose(now)
        yield* TestClock.adjust("4 seconds")
        assert.strictEqual(yield* end, tag)
        assert.strictEqual((yield* Effect.flip(sessions.get(buyer, { checkoutSessionId })))._tag, tag)
        assert.deepStrictEqual(seen, [])
      })
    )

    it.scoped(`an entry that is committed after the right is gone is not delivered, and the end is ${tag}`, () =>
      Effect.gen(function* () {
        const { checkoutSessionId, now, sessions } = yield* hosted
        const { end, seen } = yield* watching(sessions, checkoutSessionId)
        yield* sessions.update(buyer, { checkoutSessionId, ...start })
        yield* until(
          Effect.sync(() => seen.length),
          (length) => length === 1
        )
        lose(now)
        yield* sessions.cancel(admin, { checkoutSessionId })
        assert.strictEqual(yield* end, tag)
        assert.deepStrictEqual(seen, [2])
      })
    )
  }

  it.scoped("an entry that was read and not yet asked for is not handed out after the right is gone", () =>
    Effect.gen(function* () {
      const { checkoutSessionId, now, sessions } = yield* hosted
      yield* sessions.update(buyer, { checkoutSessionId, ...start })
      const pull = yield* Stream.toPull(sessions.changes(buyer, { checkoutSessionId, afterVersion: 0 }))
      assert.deepStrictEqual(
        [...(yield* pull)].map(({ version }) => version),
        [1]
      )
      now.rights = { ...Access.everyRight, maySee: false }
      const end = yield* Effect.flip(pull)
      assert.strictEqual(end._tag === "Some" ? end.value._tag : "end", "SessionInaccessible")
    })
  )

  it.scoped("a thousand silent streams of one caller on one cart ask the ports once in a period", () =>
    Effect.gen(function* () {
      const { checkoutSessionId, now, sessions } = yield* hosted
      const all = yield* Effect.forEach(Array.from({ length: 1_000 }), () => watching(sessions, checkoutSessionId))
      now.asked = 0
      yield* TestClock.adjust("20 seconds")
      yield* settle
      assert.isAtMost(now.asked, 10)
      assert.isAtLeast(now.asked, 5)
      now.rights = { ...Access.everyRight, maySee: false }
      yield* TestClock.adjust("4 seconds")
      for (const { end } of all) assert.strictEqual(yield* end, "SessionInaccessible")
    })
  )

  it.scoped("a port without an answer ends no silent stream, and delivers nothing", () =>
    Effect.gen(function* () {
      const { checkoutSessionId, now, sessions } = yield* hosted
      const { end, fiber, seen } = yield* watching(sessions, checkoutSessionId)
      now.broken = true
      yield* TestClock.adjust("10 seconds")
      assert.isNull(yield* Fiber.poll(fiber).pipe(Effect.map((exit) => (exit._tag === "None" ? null : exit))))
      now.broken = false
      yield* TestClock.adjust("10 seconds")
      yield* sessions.update(buyer, { checkoutSessionId, ...start })
      yield* until(
        Effect.sync(() => seen.length),
        (length) => length === 1
      )
      now.cart = null
      now.rights = { ...Access.everyRight, storeMember: false }
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(yield* end, "NotStoreMember")
    })
  )

  it.scoped("the stream of the owner before ends at once when the cart is handed over", () =>
    Effect.gen(function* () {
      const { sessions } = yield* boot(JournalMemory.make())
      const { session } = yield* sessions.open(buyer, { cartId: "cart-1" })
      const { end, seen } = yield* watching(sessions, session.id)
      yield* sessions.open(admin, { cartId: "cart-1", ownerId: "ann" })
      assert.strictEqual(yield* end, "SessionInaccessible")
      assert.deepStrictEqual(seen, [])
    })
  )

  it.scoped("a change of the directory ends the streams that rested on it at once", () =>
    Effect.gen(function* () {
      const context = yield* Layer.build(DirectoryMemory.layer)
      const directory = Context.get(context, Directory.Directory)
      yield* directory.putStore("s")
      yield* directory.putAccount({ id: "a", active: true })
      yield* directory.putStoreMember("s", "a")
      yield* directory.putUser({ id: "buyer", roles: [] })
      yield* directory.putAccountMember("a", "buyer")
      yield* directory.putCart(cart)
      const access = Context.get(context, Access.Access)
      const { sessions } = yield* boot(JournalMemory.make(), { access, carts: Context.get(context, CartsPort.Carts) })
      const { session } = yield* sessions.open(buyer, { cartId: "cart-1" })
      const { end } = yield* watching(sessions, session.id)
      yield* directory.removeStoreMember("s", "a")
      assert.strictEqual(yield* end, "NotStoreMember")
    })
  )
})
