import { existsSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Onelane } from "@onelane/sdk"
import { inFolder, toInventory } from "./fixture.js"

const rejection = (promise: Promise<unknown>): Promise<any> =>
  promise.then(
    () => assert.fail("it did not reject"),
    (error) => error
  )

describe("backup", () => {
  it("copies an open store, and the copy opens as one", () =>
    inFolder(async (storage) => {
      const copy = `${storage}.copy`
      const checkout = await Onelane.open({ storage })
      const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
      const [made] = await Promise.all([checkout.backup(copy), checkout.updateOrThrow(toInventory(session.id))])
      assert.deepInclude(made, { path: copy, sessions: 1, carts: 1, format: 1 })
      assert.deepInclude(await rejection(checkout.backup(copy)), { _tag: "BackupRefused", reason: "EXISTS" })
      await checkout.close()
      await using again = await Onelane.open({ storage: copy })
      assert.strictEqual((await again.getOrThrow({ checkoutSessionId: session.id })).id, session.id)
    }))

  it("is refused in memory, after closing, and for a path that is none", () =>
    inFolder(async (storage) => {
      const checkout = await Onelane.open({ storage: ":memory:" })
      assert.deepInclude(await rejection(checkout.backup(storage)), { _tag: "BackupRefused", reason: "NOT_A_FILE" })
      assert.instanceOf(await rejection(checkout.backup("")), TypeError)
      assert.instanceOf(await rejection(checkout.backup(undefined as never)), TypeError)
      await checkout.close()
      assert.deepInclude(await rejection(checkout.backup(storage)), { name: "OnelaneError" })
      assert.isFalse(existsSync(storage))
    }))
})
