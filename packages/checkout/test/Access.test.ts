import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import * as Access from "../src/ports/Access.js"
import * as Caller from "../src/ports/Caller.js"
import { authorise } from "../src/ports/Guard.js"

const subject: Access.Subject = { cartId: "cart", storeId: "store", accountId: "account", ownerId: "owner" }
const facts: Access.AccessFacts = { roles: [], belongsToAccount: true, accountValid: true, storeMember: true }
const verdict = (caller: Caller.Caller, action: Access.Action, known: Partial<Access.AccessFacts> = {}) =>
  authorise(subject, Access.decideRights(caller, action, subject, { ...facts, ...known }))?._tag ?? "allowed"

const actions: ReadonlyArray<Access.Action> = ["open", "update", "cancel", "read", "complete-task", "release-claim"]

describe("Access", () => {
  it("each role may do what it may, wherever it was granted, and nobody may do anything by default", () => {
    const allowed = (roles: ReadonlyArray<Caller.Role>, granted: ReadonlyArray<Caller.Role> = []) =>
      actions.filter((action) => Access.roleAllows(Caller.make("u", roles), granted, action))
    assert.deepStrictEqual(allowed([]), [])
    assert.deepStrictEqual(allowed(["buyer-checkout"]), ["open", "update", "cancel", "read"])
    assert.deepStrictEqual(allowed(["commerce-integrator"]), ["open", "update", "cancel", "read", "complete-task"])
    assert.deepStrictEqual(allowed(["modify-all-data"]), actions)
    for (const role of Caller.roles) assert.deepStrictEqual(allowed([], [role]), allowed([role]))
  })

  it("a buyer needs to belong to the account; a privileged caller does not", () => {
    const buyer = Caller.make("u", ["buyer-checkout"])
    assert.strictEqual(verdict(buyer, "update"), "allowed")
    assert.strictEqual(verdict(buyer, "update", { belongsToAccount: false }), "SessionInaccessible")
    for (const role of ["modify-all-data", "commerce-integrator"] as const)
      assert.strictEqual(verdict(Caller.make("u", [role]), "update", { belongsToAccount: false }), "allowed")
  })

  it("the owner who left the account sees the session and may not act on it", () =>
    assert.strictEqual(
      verdict(Caller.make("owner", ["buyer-checkout"]), "update", { belongsToAccount: false }),
      "AccountInaccessible"
    ))

  it("an acting account must be the cart's, even for a privileged caller", () => {
    for (const role of Caller.roles) {
      assert.strictEqual(verdict(Caller.make("u", [role], "account"), "update"), "allowed")
      assert.strictEqual(verdict(Caller.make("u", [role], "other"), "update"), "AccountInaccessible")
    }
  })

  it("refuses in the order of the contract: invoke, see, account, store", () => {
    const none = { belongsToAccount: false, accountValid: false, storeMember: false }
    const buyer = Caller.make("u", ["buyer-checkout"])
    assert.strictEqual(verdict(Caller.make("u", []), "update", none), "ActionNotPermitted")
    assert.strictEqual(verdict(buyer, "update", none), "SessionInaccessible")
    assert.strictEqual(verdict(buyer, "update", { ...none, belongsToAccount: true }), "AccountInaccessible")
    assert.strictEqual(verdict(buyer, "update", { storeMember: false }), "NotStoreMember")
    assert.strictEqual(authorise(null, null)?._tag, "SessionInaccessible")
  })

  it("a missing session and a forbidden one answer with the same object", () => {
    const rights = Access.decideRights(Caller.make("u", ["buyer-checkout"]), "read", subject, {
      ...facts,
      belongsToAccount: false
    })
    assert.strictEqual(authorise(subject, rights), authorise(null, null))
  })

  it.effect(
    "asks the directory for roles only where the token's do not suffice, and answers at once where it does",
    () =>
      Effect.gen(function* () {
        const asked: Array<string> = []
        const port = Access.fromFacts({
          roles: (userId) => Exit.succeed(asked.push(userId) > 0 ? (["buyer-checkout"] as const) : []),
          facts: () => Exit.succeed(facts)
        })
        assert.isTrue(Exit.isExit(port.rights(Caller.make("a", []), "update", subject)))
        assert.isTrue(yield* port.mayInvoke(Caller.make("a", ["buyer-checkout"]), "update"))
        assert.deepStrictEqual(asked, [])
        assert.isTrue(yield* port.mayInvoke(Caller.make("b", []), "update"))
        assert.isFalse(yield* port.mayInvoke(Caller.make("c", []), "release-claim"))
        assert.deepStrictEqual(asked, ["b", "c"])
      })
  )
})
