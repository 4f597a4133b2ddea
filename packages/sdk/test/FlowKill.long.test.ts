/** Real processes that are killed while they migrate the sessions of a file, until one of them gets to its end. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Flow, Onelane } from "@onelane/sdk"
import { assert, describe, it } from "vitest"

const count = 200

const first = Flow.defineFlow({
  name: "shop",
  initial: "Cart",
  transitions: { Cart: ["Pay"], Pay: ["Done", "Gone"], Gone: ["Pay"], Done: [] },
  tasks: { Pay: { deadlineMillis: 86_400_000 } }
})

const definition = {
  name: "shop",
  version: 2,
  initial: "Basket",
  transitions: { Basket: ["Payment"], Payment: ["Done"], Done: [] },
  migrate: { Cart: "Basket", Pay: "Payment" }
} as const

const second = Flow.defineFlow(definition)

/** A process that reads every session under the second flow, and says of each that it has. */
const reader = (storage: string): ChildProcess => {
  const program = `
    import { Flow, Onelane } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)}
    const flow = Flow.defineFlow(${JSON.stringify(definition)})
    const checkout = await Onelane.open({ storage: ${JSON.stringify(storage)}, flow })
    for (let n = 0; n < ${count}; n++) {
      await checkout.getOrThrow({ checkoutSessionId: "cs-" + n })
      console.log(n)
    }
    await checkout.close()`
  return spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] })
}

describe("a process that is killed while it migrates", () => {
  it("leaves every session migrated or not, never in between; each is migrated once and has a way on", async () => {
    const folder = mkdtempSync(join(tmpdir(), "onelane-"))
    try {
      const storage = join(folder, "checkout.db")
      {
        await using checkout = await Onelane.open({ storage, flow: first })
        for (let n = 0; n < count; n++) {
          const checkoutSessionId = `cs-${n}`
          const initialState = (["Cart", "Pay", "Gone"] as const)[n % 3]!
          await checkout.openOrThrow({ cartId: `cart-${n}`, checkoutSessionId, initialState })
          const update = {
            checkoutSessionId,
            expCurrentState: "Pay",
            nextState: n % 2 === 0 ? "Done" : "Gone"
          } as const
          if (initialState === "Pay") await checkout.updateOrThrow(update)
        }
      }
      for (const after of [1, 40, 110, Number.POSITIVE_INFINITY]) {
        const child = reader(storage)
        let seen = 0
        child.stdout!.on("data", (chunk: Buffer) => {
          seen += String(chunk).split("\n").length - 1
          if (seen >= after) child.kill("SIGKILL")
        })
        const [code] = (await once(child, "close")) as [number | null]
        assert.strictEqual(code, Number.isFinite(after) ? null : 0)
      }
      await using checkout = await Onelane.open({ storage, flow: second })
      for (let n = 0; n < count; n++) {
        const checkoutSessionId = `cs-${n}`
        const { nextState, state, version } = await checkout.getOrThrow({ checkoutSessionId })
        const types = (await checkout.historyOrThrow({ checkoutSessionId })).map(({ type }) => type)
        assert.strictEqual(types.length, version)
        const [what, isRetired] = [n % 3, n % 3 === 2]
        const claim = what === 1 ? ["Claimed"] : []
        assert.deepStrictEqual(types, ["Opened", ...claim, ...(isRetired ? [] : ["Migrated"])])
        const expected = [["Basket", null], n % 2 === 0 ? ["Payment", "Done"] : ["Error", null], ["Gone", null]][what]
        assert.deepStrictEqual([state, nextState] as ReadonlyArray<unknown>, expected)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  }, 180_000)
})
