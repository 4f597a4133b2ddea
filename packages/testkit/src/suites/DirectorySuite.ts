/**
 * DirectorySuite: what every directory must do, seen through the two ports that read it.
 */
import { assert, describe, it } from "@effect/vitest"
import { Access, Caller, Carts } from "@onelane/checkout"
import { Directory } from "@onelane/directory"
import { Effect, type Layer, type Scope } from "effect"

/** A directory and the ports over it. */
export type DirectoryServices = Access.Access | Carts.Carts | Directory.Directory

type Test = (title: string, body: Effect.Effect<void, unknown, DirectoryServices>) => void

/** Registers the suite. `makeLayer` gives a layer over a directory of its own, empty at first. */
export const run = (
  name: string,
  makeLayer: Effect.Effect<Layer.Layer<DirectoryServices, unknown>, unknown, Scope.Scope>
): void => {
  const test: Test = (title, body) =>
    it.scoped(title, () => Effect.flatMap(makeLayer, (layer) => Effect.provide(body, layer)))
  describe(name, () => {
    describe("rights", () => rights(test))
    describe("what goes", () => leaving(test))
    describe("carts", () => carts(test))
    describe("roles", () => roles(test))
  })
}

const subject: Access.Subject = { cartId: "cart", storeId: "store", accountId: "account", ownerId: "owner" }
const user = Caller.make("user", [])
const none: Access.Rights = { mayInvoke: false, maySee: false, accountAccessible: false, storeMember: false }
const all: Access.Rights = { mayInvoke: true, maySee: true, accountAccessible: true, storeMember: true }

const seed = Effect.gen(function* () {
  const directory = yield* Directory.Directory
  yield* directory.putUser({ id: "user", roles: ["buyer-checkout"] })
  yield* directory.putAccount({ id: "account", active: true })
  yield* directory.putStore("store")
  yield* directory.putAccountMember("account", "user")
  yield* directory.putStoreMember("store", "account")
  return directory
})

const rightsOf = (caller = user, about = subject) =>
  Effect.flatMap(Access.Access, (access) => access.rights(caller, "update", about))

const rights = (test: Test): void => {
  test(
    "nobody may do anything by default",
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* rightsOf(), none)
      assert.isFalse(yield* Effect.flatMap(Access.Access, (access) => access.mayInvoke(user, "update")))
    })
  )
  test(
    "a member of a valid account of the store has all rights, and no others have them",
    Effect.gen(function* () {
      yield* seed
      assert.deepStrictEqual(yield* rightsOf(), all)
      assert.isTrue(yield* Effect.flatMap(Access.Access, (access) => access.mayInvoke(user, "update")))
      assert.deepStrictEqual(yield* rightsOf(Caller.make("User", [])), { ...none, storeMember: true })
      assert.deepStrictEqual(yield* rightsOf(user, { ...subject, storeId: "other" }), { ...all, storeMember: false })
      assert.deepStrictEqual(yield* rightsOf(user, { ...subject, accountId: "other" }), { ...none, mayInvoke: true })
    })
  )
  test(
    "an account that is not active is invalid, and valid again when it is",
    Effect.gen(function* () {
      const directory = yield* seed
      yield* directory.putAccount({ id: "account", active: false })
      assert.deepStrictEqual(yield* rightsOf(), { ...all, accountAccessible: false })
      yield* directory.putAccount({ id: "account", active: true })
      assert.deepStrictEqual(yield* rightsOf(), all)
    })
  )
  test(
    "every change may be repeated",
    Effect.gen(function* () {
      yield* seed
      const directory = yield* seed
      assert.deepStrictEqual(yield* rightsOf(), all)
      for (const _ of ["once", "twice"]) {
        yield* directory.removeAccountMember("account", "user")
        yield* directory.removeStoreMember("store", "account")
      }
      assert.deepStrictEqual(yield* rightsOf(), { ...none, mayInvoke: true })
    })
  )
  test(
    "ids with any characters are ids of their own",
    Effect.gen(function* () {
      const directory = yield* seed
      const strange = ["user\0", "user\0x", "user%0000", "user ", "USER", "us\ud800er", "ユーザー"]
      for (const id of strange)
        assert.deepStrictEqual(yield* rightsOf(Caller.make(id, [])), { ...none, storeMember: true })
      for (const id of strange) {
        yield* directory.putUser({ id, roles: ["buyer-checkout"] })
        yield* directory.putAccountMember("account", id)
        assert.deepStrictEqual(yield* rightsOf(Caller.make(id, [])), all)
      }
    })
  )
}

const leaving = (test: Test): void => {
  test(
    "a membership needs both its ends, and says which one is missing",
    Effect.gen(function* () {
      const directory = yield* Directory.Directory
      const join = Effect.flip(directory.putAccountMember("account", "user"))
      assert.deepStrictEqual(yield* join, Directory.unknownEntry("account", "account"))
      yield* directory.putAccount({ id: "account", active: true })
      assert.deepStrictEqual(yield* join, Directory.unknownEntry("user", "user"))
      const enter = Effect.flip(directory.putStoreMember("store", "stranger"))
      assert.deepStrictEqual(yield* enter, Directory.unknownEntry("store", "store"))
      yield* directory.putStore("store")
      assert.deepStrictEqual(yield* enter, Directory.unknownEntry("account", "stranger"))
    })
  )
  test(
    "a membership goes with either of its ends, and does not come back with it",
    Effect.gen(function* () {
      const directory = yield* seed
      yield* directory.removeUser("user")
      yield* directory.putUser({ id: "user", roles: ["buyer-checkout"] })
      assert.deepStrictEqual(yield* rightsOf(), { ...none, mayInvoke: true, storeMember: true })
      yield* seed
      yield* directory.removeStore("store")
      yield* directory.putStore("store")
      assert.deepStrictEqual(yield* rightsOf(), { ...all, storeMember: false })
      yield* seed
      yield* directory.removeAccount("account")
      yield* directory.putAccount({ id: "account", active: true })
      assert.deepStrictEqual(yield* rightsOf(), { ...none, mayInvoke: true })
    })
  )
  test(
    "what is not there can be removed",
    Effect.gen(function* () {
      const directory = yield* Directory.Directory
      yield* directory.removeUser("user")
      yield* directory.removeAccount("account")
      yield* directory.removeAccountMember("account", "user")
      yield* directory.removeStore("store")
      yield* directory.removeStoreMember("store", "account")
      yield* directory.removeCart("cart")
      assert.deepStrictEqual(yield* rightsOf(), none)
    })
  )
}

const cart: Carts.Cart = { id: "cart", storeId: "store", accountId: "account", ownerId: "owner", status: "Active" }

const find = (id: string) => Effect.flatMap(Carts.Carts, (found) => found.find(id))

const carts = (test: Test): void => {
  test(
    "a cart is found as it was put, and is gone when removed",
    Effect.gen(function* () {
      const directory = yield* Directory.Directory
      assert.isNull(yield* find("cart"))
      yield* directory.putCart(cart)
      assert.deepStrictEqual(yield* find("cart"), cart)
      const strange = { ...cart, id: "c\0%\ud800", storeId: "s\0", accountId: "%0000", ownerId: "\udc00" }
      yield* directory.putCart(strange)
      assert.deepStrictEqual(yield* find(strange.id), strange)
      yield* directory.putCart({ ...cart, ownerId: "another" })
      assert.deepStrictEqual(yield* find("cart"), { ...cart, ownerId: "another" })
      yield* directory.removeCart("cart")
      assert.isNull(yield* find("cart"))
    })
  )
  test(
    "a cart takes every status, and one that is not there takes none",
    Effect.gen(function* () {
      const directory = yield* Directory.Directory
      yield* directory.putCart(cart)
      for (const status of Carts.cartStatuses) {
        yield* directory.setCartStatus("cart", status)
        assert.deepStrictEqual(yield* find("cart"), { ...cart, status })
      }
      assert.deepStrictEqual(
        yield* Effect.flip(directory.setCartStatus("no cart", "Closed")),
        Directory.unknownEntry("cart", "no cart")
      )
      assert.isNull(yield* find("no cart"))
    })
  )
}

const roles = (test: Test): void => {
  test(
    "the directory's roles count like those of the token, and the last ones put are in force",
    Effect.gen(function* () {
      const directory = yield* seed
      const mayRelease = Effect.flatMap(Access.Access, (access) => access.mayInvoke(user, "release-claim"))
      for (const role of Caller.roles) {
        yield* directory.putUser({ id: "user", roles: [role] })
        assert.strictEqual(yield* mayRelease, role === "modify-all-data")
      }
      yield* directory.putUser({ id: "user", roles: [] })
      assert.isFalse((yield* rightsOf()).mayInvoke)
      assert.isTrue((yield* rightsOf(Caller.make("user", ["buyer-checkout"]))).mayInvoke)
    })
  )
  test(
    "a privileged role sees everything, and still needs a valid account in the store",
    Effect.gen(function* () {
      const directory = yield* seed
      yield* directory.putUser({ id: "robot", roles: ["commerce-integrator"] })
      const robot = Caller.make("robot", [])
      assert.deepStrictEqual(yield* rightsOf(robot), all)
      yield* directory.removeStoreMember("store", "account")
      yield* directory.putAccount({ id: "account", active: false })
      assert.deepStrictEqual(yield* rightsOf(robot), { ...all, accountAccessible: false, storeMember: false })
    })
  )
}
