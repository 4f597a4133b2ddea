import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

const here = fileURLToPath(new URL(".", import.meta.url))

/** The modules a program loads. */
const loadedBy = (program: string): ReadonlyArray<string> => {
  const args = ["--import", "./programs/listing.mjs", "--input-type=module", "--eval", program]
  const { output, status } = spawnSync(process.execPath, args, {
    cwd: here,
    stdio: ["ignore", "pipe", "inherit", "pipe"]
  })
  assert.strictEqual(status, 0)
  return String(output[3]).trim().split("\n")
}

const use = (more = "") => `
  import { Onelane } from "@onelane/sdk"
  const checkout = await Onelane.open({ storage: ":memory:" })
  const { session } = await checkout.openOrThrow({ cartId: "cart" })
  await checkout.updateOrThrow({ checkoutSessionId: session.id, expCurrentState: "Start", nextState: "Inventory" })
  ${more}
  process.exit(0)`

// What a storage is called is read without a driver.
const heavy =
  /@effect\/|effect\/dist\/esm\/(index|Schema|Stream)\.js|fast-check|packages\/(http|server)\/|packages\/sql\/(?!dist\/Storage\.js)|sqlite/

describe("cold start", () => {
  it("an embedded engine in memory answers with nothing of HTTP, SQL, Schema or Stream loaded", () => {
    const loaded = loadedBy(use())
    assert.deepStrictEqual(
      loaded.filter((url) => heavy.test(url)),
      []
    )
    // 321 with the check of Effect's version, lists, listeners, and what the door shares with the small client.
    assert.isAtMost(loaded.length, 325)
  })

  it("nor when somebody watches", () => {
    const watching = "for await (const _ of checkout.changes({ checkoutSessionId: session.id, afterVersion: 0 })) break"
    const loaded = loadedBy(use(watching))
    assert.deepStrictEqual(
      loaded.filter((url) => heavy.test(url)),
      []
    )
  })

  it("an Effect program has streams: its layer loads them", () => {
    const building = `
      import { Onelane } from "@onelane/sdk"
      import { Effect, Layer } from "effect"
      await Effect.runPromise(Effect.scoped(Layer.build(Onelane.layer({ storage: ":memory:" }))))
      process.exit(0)`
    assert.include(loadedBy(building).join("\n"), "checkout/dist/service/Changes.js")
  })
})
