/** `onelane sessions prune` on the storage itself. */
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Onelane } from "@onelane/sdk"
import { asked, run } from "./Command.js"
import { inFolder } from "./Program.js"

describe("onelane sessions prune", { timeout: 120_000 }, () => {
  it("sessions prune: deletes sessions archived before a date and reports how many", () =>
    inFolder(async (folder) => {
      const storage = join(folder, "checkout.db")
      const env = { ONELANE_STORAGE: storage }
      const missing = await run(["sessions", "prune", "--archived-before", "2100-01-01"], env)
      assert.strictEqual(missing.code, 1)
      assert.include(missing.stderr, "onelane migrate")
      {
        await using checkout = await Onelane.open({ storage })
        const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
        await checkout.cancel({ checkoutSessionId: session.id })
        await checkout.openOrThrow({ cartId: "cart-2" })
      }
      assert.deepStrictEqual(await asked(["sessions", "prune", "--archived-before", "2000-01-01"], env), { pruned: 0 })
      assert.deepStrictEqual(await asked(["sessions", "prune", "--archived-before", "2100-01-01"], env), { pruned: 1 })
      assert.strictEqual((await asked(["sessions", "list", "--archived"], env)).sessions.length, 1)
      assert.strictEqual((await run(["sessions", "prune", "--archived-before", "soon"], env)).code, 2)
    }))

  it("sessions prune: --keep-completed keeps each cart's completed session known", () =>
    inFolder(async (folder) => {
      const storage = join(folder, "checkout.db")
      const env = { ONELANE_STORAGE: storage }
      const complete = async (cartId: string) => {
        await using checkout = await Onelane.open({ storage })
        const { session } = await checkout.openOrThrow({ cartId, initialState: "Order Confirmation" })
        const move = { expCurrentState: "Order Confirmation", nextState: "Complete" } as const
        await checkout.updateOrThrow({ checkoutSessionId: session.id, ...move })
        return session.id
      }
      const prune = ["sessions", "prune", "--archived-before", "2100-01-01"]
      const kept = await complete("kept")
      assert.deepStrictEqual(await asked([...prune, "--keep-completed"], env), { pruned: 1 })
      await complete("forgotten")
      assert.deepStrictEqual(await asked(prune, env), { pruned: 1 })
      await using checkout = await Onelane.open({ storage })
      const refused = await checkout.open({ cartId: "kept" })
      assert.deepInclude(refused.ok ? {} : refused.error, {
        reason: "COMPLETED",
        checkoutSessionId: kept,
        current: null
      })
      assert.isTrue((await checkout.open({ cartId: "kept", again: true })).ok)
      assert.isTrue((await checkout.openOrThrow({ cartId: "forgotten" })).created)
    }))
})
