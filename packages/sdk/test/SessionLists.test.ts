/** The table behind lists on a file: written behind commits, filled by a walk after a crash, and emptied with what is removed. */
import { setTimeout } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { Onelane } from "@onelane/sdk"
import { SqliteClient, Statements } from "@onelane/sql"
import { Effect } from "effect"
import { inFolder, toInventory } from "./fixture.js"

type Row = { readonly id: string; readonly sequence: number; readonly state: string }

/** What the table holds while nobody has the file open; `change` is done to it before. */
const tableOf = (filename: string, change?: string): Promise<ReadonlyArray<Row>> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const { read, write } = yield* Statements.Statements
      if (change !== undefined) yield* write(change, [])
      return (yield* read("SELECT id, sequence, state FROM session_list ORDER BY id", [])) as ReadonlyArray<Row>
    }).pipe(Effect.provide(SqliteClient.layer({ filename })), Effect.scoped, Effect.orDie)
  )

const until = async (isThere: () => Promise<boolean>): Promise<void> => {
  for (let tries = 0; tries < 100; tries++) {
    if (await isThere()) return
    await setTimeout(50)
  }
  assert.fail("the list did not come to it")
}

describe("the table of sessions on a file", { timeout: 30_000 }, () => {
  it("has what was committed before the checkout was closed", () =>
    inFolder(async (storage) => {
      const checkout = await Onelane.open({ storage })
      const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
      await checkout.updateOrThrow(toInventory(session.id))
      await checkout.close()
      assert.deepStrictEqual([...(await tableOf(storage))], [{ id: session.id, sequence: 2, state: "Inventory" }])
    }))

  it("shows a change within a second, and an update does not wait for it", () =>
    inFolder(async (storage) => {
      await using checkout = await Onelane.open({ storage })
      const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
      await checkout.updateOrThrow(toInventory(session.id))
      const beganAt = performance.now()
      await until(async () => (await checkout.sessionsOrThrow({ state: "Inventory" })).sessions.length === 1)
      assert.isBelow(performance.now() - beganAt, 5_000)
    }))

  for (const [what, change] of [
    ["is empty, as that of an older release", "DELETE FROM session_list"],
    ["misses the last second of a crash", "UPDATE session_list SET sequence = 1, state = 'Start'"]
  ] as const)
    it(`is filled from the states when it ${what}`, () =>
      inFolder(async (storage) => {
        {
          await using checkout = await Onelane.open({ storage })
          for (const cartId of ["cart-1", "cart-2", "cart-3"]) {
            const { session } = await checkout.openOrThrow({ cartId })
            await checkout.updateOrThrow(toInventory(session.id))
          }
        }
        await tableOf(storage, change)
        await using checkout = await Onelane.open({ storage })
        await until(async () => (await checkout.sessionsOrThrow({ state: "Inventory" })).sessions.length === 3)
        assert.lengthOf((await checkout.sessionsOrThrow({ state: "Start" })).sessions, 0)
      }))

  it("forgets what is pruned and erased", () =>
    inFolder(async (storage) => {
      const checkout = await Onelane.open({ storage })
      const kept = await checkout.openOrThrow({ cartId: "kept" })
      for (const cartId of ["pruned", "erased"]) {
        const { session } = await checkout.openOrThrow({ cartId })
        await checkout.cancelOrThrow({ checkoutSessionId: session.id })
        if (cartId === "erased") continue
        assert.deepInclude(await checkout.prune({ archivedBefore: Number.MAX_SAFE_INTEGER }), { ok: true })
      }
      assert.deepInclude(await checkout.erase({ cartId: "erased" }), { ok: true })
      await checkout.close()
      assert.deepStrictEqual(
        (await tableOf(storage)).map(({ id }) => id),
        [kept.session.id]
      )
    }))
})
