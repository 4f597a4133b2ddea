/** Data and a new version of the flow: patches that are kept beside the data yet are part of the session that migrates. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Flow } from "@onelane/checkout"
import { Onelane } from "@onelane/sdk"
import { Schema } from "effect"
import { afterAll, assert, describe, it } from "vitest"

const folder = mkdtempSync(join(tmpdir(), "onelane-data-migration-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const data = Schema.Struct({ note: Schema.String, items: Schema.Record({ key: Schema.String, value: Schema.Number }) })

const first = Flow.defineFlow({ name: "shop", initial: "Cart", transitions: { Cart: ["Pay"], Pay: [] }, data })

const second = Flow.defineFlow({
  name: "shop",
  version: 2,
  initial: "Basket",
  transitions: { Basket: ["Payment"], Payment: [] },
  migrate: { Cart: "Basket", Pay: "Payment" },
  data
})

/** Two thousand bytes, beside which a patch is small and is written by itself. */
const note = "n".repeat(2_000)

const opened = async <F extends Flow.Flow>(storage: string, flow: F) => Onelane.open({ storage, flow })

describe("a new version of the flow", () => {
  for (const patches of [0, 1, 7, 40])
    it(`keeps ${patches} patches that are not merged into the stored data yet, before its migration and after`, async () => {
      const storage = join(folder, `${patches}.db`)
      const items: Record<string, number> = {}
      const one = await opened(storage, first)
      const made = await one.open({ cartId: "c", data: { note, items } })
      assert(made.ok)
      const { id } = made.value.session
      for (let n = 0; n < patches; n++) {
        items[`item ${n}`] = n
        const edited = await one.update({
          checkoutSessionId: id,
          expCurrentState: "Cart",
          nextState: "Cart",
          expectedVersion: 1 + n,
          data: { items: { [`item ${n}`]: n } }
        })
        assert(edited.ok, JSON.stringify(edited))
      }
      await one.close()

      const two = await opened(storage, second)
      const read = await two.get({ checkoutSessionId: id })
      assert(read.ok)
      assert.deepStrictEqual(read.value.data, { note, items })
      assert.deepInclude(read.value, { state: "Basket", version: 2 + patches })
      items.after = 1
      const moved = await two.update({
        checkoutSessionId: id,
        expCurrentState: "Basket",
        nextState: "Payment",
        data: { items: { after: 1 } }
      })
      assert(moved.ok)
      await two.close()

      const three = await opened(storage, second)
      const again = await three.get({ checkoutSessionId: id })
      assert(again.ok)
      assert.deepStrictEqual(again.value.data, { note, items })
      assert.deepInclude(again.value, { state: "Payment", version: 3 + patches })
      await three.close()
    }, 30_000)
})
