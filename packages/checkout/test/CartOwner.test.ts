/** Rights follow the cart: its present owner decides; without ports of a host, the cart's own actor knows the owner. */
import { assert, describe, it } from "@effect/vitest"
import { Access, Caller, Carts } from "@onelane/checkout"
import { Directory, DirectoryMemory } from "@onelane/directory"
import { JournalMemory } from "@onelane/engine"
import { Context, Effect, Either, Exit, Layer, Stream } from "effect"
import { admin, boot, buyer, colleague, integrator, type Sessions, slowMemory } from "./fixture.js"

const guest = Caller.make("guest", ["buyer-checkout"])
const ann = Caller.make("ann", ["buyer-checkout"])
const start = { expCurrentState: "Start", nextState: "Inventory" } as const

const tag = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.either(effect), Either.match({ onLeft: (error): string => error._tag, onRight: () => "ok" }))

/** What a caller is told when it asks for everything, in one line. */
const everything = (sessions: Sessions, caller: Caller.Caller, checkoutSessionId: string, cartId: string) =>
  Effect.map(
    Effect.all([
      tag(sessions.get(caller, { checkoutSessionId })),
      tag(sessions.history(caller, { checkoutSessionId })),
      tag(Stream.runHead(sessions.changes(caller, { checkoutSessionId, afterVersion: 0 }))),
      tag(sessions.open(caller, { cartId })),
      tag(sessions.update(caller, { checkoutSessionId, expCurrentState: "Taxes", nextState: "Checkout Summary" })),
      tag(sessions.cancel(caller, { checkoutSessionId, expectedVersion: 99 })),
      tag(sessions.cancel(caller, { cartId, expectedVersion: 99 }))
    ]),
    (answers) => answers.join(" ")
  )

const owns = "ok ok ok ok ExpectedStateMismatch ExpectedStateMismatch ExpectedStateMismatch"
const sees = Array.from({ length: 7 }, () => "SessionInaccessible").join(" ")

for (const [kind, journal] of [
  ["a journal that answers at once", JournalMemory.make],
  ["a journal that answers later", slowMemory]
] as const) {
  describe(`without ports of the host, over ${kind}`, () => {
    it.scoped("a buyer owns what it opens, and another buyer is told that it is not there", () =>
      Effect.gen(function* () {
        const { sessions } = yield* boot(journal())
        const { session } = yield* sessions.open(buyer, { cartId: "cart-1" })
        assert.deepInclude(session, { ownerId: "buyer", accountId: "account", storeId: "store" })
        assert.strictEqual(yield* everything(sessions, buyer, session.id, "cart-1"), owns)
        assert.strictEqual(yield* everything(sessions, colleague, session.id, "cart-1"), sees)
        const missing = yield* Effect.flip(sessions.get(colleague, { checkoutSessionId: "cs_none" }))
        assert.deepStrictEqual(yield* Effect.flip(sessions.get(colleague, { checkoutSessionId: session.id })), missing)
        assert.strictEqual((yield* sessions.get(admin, { checkoutSessionId: session.id })).version, 1)
        yield* sessions.update(integrator, { checkoutSessionId: session.id, ...start })
      })
    )

    it.scoped("of two buyers who open a new cart at once, one owns it", () =>
      Effect.gen(function* () {
        const { sessions } = yield* boot(journal())
        const both = yield* Effect.all(
          [buyer, colleague].map((caller) => tag(sessions.open(caller, { cartId: "cart-1" }))),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual([...both].sort(), ["SessionInaccessible", "ok"])
      })
    )

    it.scoped("the host's carts are the host's, until it says whose they are", () =>
      Effect.gen(function* () {
        const { sessions } = yield* boot(journal())
        const opened = yield* sessions.open(admin, { cartId: "cart-1" })
        assert.strictEqual(opened.session.ownerId, "host")
        const { id } = opened.session
        assert.strictEqual(yield* everything(sessions, buyer, id, "cart-1"), sees)
        const given = yield* sessions.open(integrator, { cartId: "cart-1", ownerId: "buyer", accountId: "acme" })
        assert.isFalse(given.created)
        assert.deepInclude(given.session, { id, ownerId: "buyer", accountId: "acme", storeId: "store", version: 2 })
        assert.strictEqual(yield* everything(sessions, buyer, id, "cart-1"), owns)
        const again = yield* sessions.open(integrator, { cartId: "cart-1", ownerId: "buyer", accountId: "acme" })
        assert.strictEqual(again.session.version, 2)
      })
    )

    it.scoped("after a login the new owner is let in, the guest is not, and the history says who did it", () =>
      Effect.gen(function* () {
        const { sessions } = yield* boot(journal())
        const { session } = yield* sessions.open(guest, { cartId: "cart-1" })
        const checkoutSessionId = session.id
        yield* sessions.open(admin, { cartId: "cart-1", ownerId: "ann", accountId: "acme", storeId: "shop" })
        assert.strictEqual(yield* everything(sessions, guest, session.id, "cart-1"), sees)
        const { session: moved } = yield* sessions.update(ann, { checkoutSessionId, ...start })
        assert.deepInclude(moved, { ownerId: "ann", accountId: "acme", storeId: "shop", version: 3 })
        const history = yield* sessions.history(ann, { checkoutSessionId })
        assert.deepStrictEqual(
          history.map(({ type, by, version }) => [version, type, by]),
          [
            [1, "Opened", "guest"],
            [2, "OwnerChanged", "admin"],
            [3, "Updated", "ann"]
          ]
        )
      })
    )

    it.scoped("after an account switch a buyer acts for the new account only", () =>
      Effect.gen(function* () {
        const { sessions } = yield* boot(journal())
        const acting = (account: string) => Caller.make("ann", ["buyer-checkout"], account)
        const { session } = yield* sessions.open(acting("one"), { cartId: "cart-1" })
        assert.strictEqual(session.accountId, "one")
        yield* sessions.open(admin, { cartId: "cart-1", accountId: "two" })
        const update = { checkoutSessionId: session.id, ...start }
        assert.strictEqual(yield* tag(sessions.update(acting("one"), update)), "AccountInaccessible")
        assert.strictEqual(yield* tag(sessions.update(acting("two"), update)), "ok")
      })
    )

    it.scoped("a buyer may not say whose a cart is", () =>
      Effect.gen(function* () {
        const { sessions } = yield* boot(journal())
        yield* sessions.open(guest, { cartId: "cart-1" })
        for (const wish of [{ ownerId: "buyer" }, { accountId: "acme" }, { storeId: "shop" }])
          for (const cartId of ["cart-1", "cart-2"])
            assert.strictEqual(yield* tag(sessions.open(buyer, { cartId, ...wish })), "ActionNotPermitted")
        const odd = { cartId: "cart-1", ownerId: "a\u0000b", storeId: 7 as never }
        assert.strictEqual(yield* tag(sessions.open(admin, odd)), "InvalidInput")
        assert.strictEqual(yield* tag(sessions.open(admin, { cartId: "cart-1", ownerId: "" })), "InvalidInput")
      })
    )
  })
}

describe("a host's own carts", () => {
  const cart: Carts.Cart = { id: "cart-1", storeId: "s1", accountId: "a1", ownerId: "guest", status: "Active" }
  const world = Effect.gen(function* () {
    const now = { cart: cart as Carts.Cart | null, asked: [] as Array<string> }
    const access: Access.AccessShape = {
      mayInvoke: () => Exit.succeed(true),
      rights: (caller, action, subject) => {
        now.asked.push(`${action} ${subject.storeId} ${subject.accountId} ${subject.ownerId}`)
        return Exit.succeed({
          ...Access.everyRight,
          maySee: caller.userId === subject.ownerId || Access.isPrivileged(caller)
        })
      }
    }
    const carts: Carts.CartsShape = { find: () => Exit.succeed(now.cart) }
    const { sessions } = yield* boot(JournalMemory.make(), { access, carts })
    const { session } = yield* sessions.open(guest, { cartId: "cart-1" })
    return { now, sessions, checkoutSessionId: session.id }
  })

  it.scoped(
    "the cart as it is now is what rights are asked for, and the session follows in the next accepted event",
    () =>
      Effect.gen(function* () {
        const { checkoutSessionId, now, sessions } = yield* world
        now.cart = { ...cart, ownerId: "ann", accountId: "a2", storeId: "s2" }
        assert.strictEqual(yield* everything(sessions, guest, checkoutSessionId, "cart-1"), sees)
        const shown = yield* sessions.get(ann, { checkoutSessionId })
        assert.deepInclude(shown, { ownerId: "ann", accountId: "a2", storeId: "s2", version: 1 })
        assert.strictEqual((yield* sessions.history(ann, { checkoutSessionId })).length, 1)
        now.asked.length = 0
        const { session } = yield* sessions.update(ann, { checkoutSessionId, ...start })
        assert.deepStrictEqual(now.asked, ["update s2 a2 ann"])
        assert.deepInclude(session, { ownerId: "ann", accountId: "a2", storeId: "s2", version: 2 })
        now.cart = null
        assert.deepInclude(yield* sessions.get(ann, { checkoutSessionId }), { ownerId: "ann", accountId: "a2" })
        const refused = yield* Effect.flip(
          sessions.update(ann, { checkoutSessionId, expCurrentState: "Inventory", nextState: "Confirm Price" })
        )
        assert.deepInclude(refused, { _tag: "CartNotUpdatable", cartStatus: "Missing" })
        assert.strictEqual(yield* tag(sessions.cancel(guest, { checkoutSessionId })), "SessionInaccessible")
        assert.strictEqual(yield* tag(sessions.cancel(ann, { checkoutSessionId })), "ok")
      })
  )

  it.scoped("a cart cannot be given away past the port that keeps it", () =>
    Effect.gen(function* () {
      const { checkoutSessionId, sessions } = yield* world
      const refused = yield* Effect.flip(sessions.open(admin, { cartId: "cart-1", ownerId: "ann" }))
      assert.deepInclude(refused, { _tag: "InvalidInput", fields: ["ownerId"] })
      assert.strictEqual((yield* sessions.open(admin, { cartId: "cart-1", ownerId: "guest" })).session.version, 1)
      assert.strictEqual((yield* sessions.get(guest, { checkoutSessionId })).ownerId, "guest")
    })
  )
})

describe("with a directory", () => {
  const world = Effect.gen(function* () {
    const context = yield* Layer.build(DirectoryMemory.layer)
    const directory = Context.get(context, Directory.Directory)
    for (const id of ["one", "two"]) {
      yield* directory.putAccount({ id, active: true })
      yield* directory.putStore("shop")
      yield* directory.putStoreMember("shop", id)
    }
    yield* directory.putUser({ id: "ann", roles: [] })
    yield* directory.putAccountMember("one", "ann")
    const ports = {
      access: Context.get(context, Access.Access),
      carts: Context.get(context, Carts.Carts)
    }
    const { sessions } = yield* boot(JournalMemory.make(), ports)
    return { directory, sessions }
  })

  it.scoped("a privileged caller opens a guest's cart in one call, and hands it over at the login", () =>
    Effect.gen(function* () {
      const { directory, sessions } = yield* world
      assert.strictEqual(yield* tag(sessions.open(guest, { cartId: "cart-1" })), "SessionInaccessible")
      assert.strictEqual(yield* tag(sessions.open(admin, { cartId: "cart-1" })), "SessionInaccessible")
      const opened = yield* sessions.open(integrator, { cartId: "cart-1", ownerId: "guest" })
      assert.isTrue(opened.created)
      const { id: checkoutSessionId } = opened.session
      assert.strictEqual(yield* everything(sessions, guest, checkoutSessionId, "cart-1"), owns)
      assert.strictEqual(yield* everything(sessions, ann, checkoutSessionId, "cart-1"), sees)
      const login = { cartId: "cart-1", ownerId: "ann", accountId: "one", storeId: "shop" }
      assert.strictEqual(yield* tag(sessions.open(integrator, { ...login, accountId: "none" })), "AccountInaccessible")
      yield* sessions.open(integrator, login)
      assert.strictEqual(yield* everything(sessions, guest, checkoutSessionId, "cart-1"), sees)
      assert.strictEqual(yield* everything(sessions, ann, checkoutSessionId, "cart-1"), owns)
      yield* directory.removeAccountMember("one", "ann")
      assert.strictEqual(yield* tag(sessions.get(ann, { checkoutSessionId })), "AccountInaccessible")
    })
  )

  it.scoped("a privileged open moves a cart that the directory keeps, there as well", () =>
    Effect.gen(function* () {
      const { directory, sessions } = yield* world
      const cart = { id: "cart-1", storeId: "shop", accountId: "two", ownerId: "bob", status: "Active" } as const
      yield* directory.putCart(cart)
      const { session } = yield* sessions.open(admin, { cartId: "cart-1" })
      assert.strictEqual(yield* tag(sessions.get(ann, { checkoutSessionId: session.id })), "SessionInaccessible")
      yield* sessions.open(admin, { cartId: "cart-1", ownerId: "ann", accountId: "one" })
      const moved = yield* sessions.update(ann, { checkoutSessionId: session.id, ...start })
      assert.deepInclude(moved.session, { ownerId: "ann", accountId: "one", storeId: "shop", version: 3 })
    })
  )
})
