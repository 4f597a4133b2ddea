/** The shop of examples/08-shop: its tables and its sessions agree. Killed at every point: Shop.long.test.ts. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { Flow, Onelane } from "@onelane/sdk"
import { postgresForThisFile } from "@onelane/testkit/PostgresForFile"
import { points } from "../../../examples/08-shop/crash.js"
import { node, root } from "./Program.js"
import { one, open, pay, selling } from "./Shop.js"

const server = postgresForThisFile()

const states = { Payment: ["Receipt", "Declined"], Declined: ["Payment"], Receipt: [] } as const

const page = readFileSync(join(root, "docs/recipes/your-database.md"), "utf8")

describe("08-shop", { timeout: 120_000 }, () => {
  it("a double click in two processes is one order, and a declined payment is tried again under a new key", () => {
    let declines = true
    const seen = (what: string, { cartId }: { readonly cartId?: string }) => {
      if (what !== "charge" || cartId !== "cart-2" || !declines) return
      declines = false
      return false
    }
    return selling(
      server(),
      async ({ fateOf, query, start }) => {
        const [left, right] = await Promise.all([start(), start()])
        const id = await open(left, "cart-1")
        const answers = await Promise.all([left, right, left, right].map((process) => pay(process, id)))
        assert.deepStrictEqual(new Set(answers.map((answer) => answer?.state)), new Set(["Receipt"]))
        assert.deepStrictEqual(await fateOf("cart-1", right), one)
        const second = await open(right, "cart-2")
        assert.strictEqual((await pay(right, second))?.state, "Declined")
        assert.strictEqual((await pay(left, second))?.state, "Receipt")
        assert.deepStrictEqual(await fateOf("cart-2", left), one)
        assert.lengthOf(await query("SELECT 1 FROM orders"), 2)
      },
      seen
    )
  })

  it("a payment whose session is cancelled meanwhile is found by the query of the recipe, for its refund", async () => {
    const [sql] = [...page.matchAll(/^```sql\n(.*?)```$/gms)].map(([, block]) => block!)
    let cancel = async (): Promise<void> => {}
    const test: Parameters<typeof selling>[1] = async ({ env, query, start }) => {
      const process = await start()
      const [kept, id] = [await open(process, "cart-1"), await open(process, "cart-2")]
      assert.strictEqual((await pay(process, kept))?.state, "Receipt")
      const flow = Flow.defineFlow({ name: "shop", initial: "Payment", transitions: states, tasks: { Payment: {} } })
      await using operator = await Onelane.open({ storage: env.CHECKOUT_STORAGE!, flow })
      cancel = async () => void (await operator.cancelOrThrow({ checkoutSessionId: id }))
      await pay(process, id)
      const outcome = () => query("SELECT outcome FROM purchase WHERE session_id = $1", [id])
      while ((await outcome())[0].outcome === null) await pause(50)
      while ((await query("SELECT 1 FROM orders")).length < 2) await pause(50)
      const [found, ...others] = await query(sql!)
      assert.deepStrictEqual(others, [])
      assert.deepInclude(found, { session_id: id, charge_id: "charge-2" })
    }
    await selling(server(), test, (what, { cartId }) =>
      what === "charge" && cartId === "cart-2" ? cancel() : undefined
    )
  })

  it("twenty tries at once under one work key place one order and one message", () =>
    selling(server(), async ({ env, query }) => {
      const orders = join(root, "examples/dist/08-shop/orders.js")
      const program = `import { close, place, prepare } from ${JSON.stringify(orders)}
          await prepare()
          const order = { workKey: "key", sessionId: "cs-1", cents: 5, chargeId: "charge" }
          const ids = await Promise.all(Array.from({ length: 20 }, () => place(order)))
          console.log(new Set(ids).size)
          await close()`
      const { stderr, stdout } = await node(["--input-type=module", "-e", program], env).ended
      assert.deepStrictEqual([stdout, stderr], ["1\n", ""])
      assert.lengthOf(await query("SELECT 1 FROM orders"), 1)
      assert.lengthOf(await query("SELECT 1 FROM outbox"), 1)
    }))

  it("the recipe has a row for every point at which the example can be killed, and shows its code as it is", () => {
    const rows = [...page.matchAll(/^\| \d+ \| ([^|]+) \|/gm)].map(([, point]) => point!.trim())
    assert.deepStrictEqual(rows, [...points])
    const code = readFileSync(join(root, "examples/08-shop/orders.ts"), "utf8")
    const shown = [...page.matchAll(/^```ts\n(.*?)```$/gms)].map(([, block]) => block!)
    assert.isNotEmpty(shown)
    for (const block of shown) assert.include(code, block)
  })
})
