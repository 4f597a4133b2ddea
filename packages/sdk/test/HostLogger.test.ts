import { assert, describe, it } from "@effect/vitest"
import { type LogEntry, Onelane } from "@onelane/sdk"
import { Effect } from "effect"
import { vi } from "vitest"
import { tagOf } from "./fixture.js"

const broken = {
  find: (): never => {
    throw new Error("down")
  }
}
const options = { storage: ":memory:", carts: broken, retry: { limit: 0 } } as const

/** What is written on the standard streams, and by the console, while a test runs. */
const written = async (test: () => Promise<void>): Promise<ReadonlyArray<string>> => {
  const lines: Array<string> = []
  const take = (...line: ReadonlyArray<unknown>): true => {
    lines.push(line.map(String).join(" "))
    return true
  }
  const methods = ["log", "info", "warn", "error", "debug", "trace"] as const
  const spies = [
    ...methods.map((method) => vi.spyOn(console, method).mockImplementation(take)),
    vi.spyOn(process.stdout, "write").mockImplementation(take),
    vi.spyOn(process.stderr, "write").mockImplementation(take)
  ]
  try {
    await test()
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve))
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
  return lines
}

describe("logger", () => {
  it("nothing is logged by default", async () => {
    const lines = await written(async () => {
      await using checkout = await Onelane.open(options)
      assert.strictEqual(tagOf(await checkout.open({ cartId: "cart-1" })), "StorageUnavailable")
    })
    assert.deepStrictEqual(lines, [])
  })

  it("takes what there is to log, as values, and nothing is written beside it", async () => {
    const entries: Array<LogEntry> = []
    const lines = await written(async () => {
      await using checkout = await Onelane.open({ ...options, logger: (entry) => entries.push(entry) })
      await checkout.open({ cartId: "cart-1" })
    })
    assert.deepStrictEqual(lines, [])
    assert.lengthOf(entries, 1)
    const [{ annotations, at, cause, level, message }] = entries as [LogEntry]
    assert.deepStrictEqual([level, message], ["error", "a port of the host gave no answer"])
    assert.deepStrictEqual(annotations, { port: "carts.find", unlogged: 0 })
    assert.strictEqual((cause as Error).message, "down")
    assert.isAbove(at, Date.UTC(2020, 0))
  })

  it("takes the lines of a host's own Effects", async () => {
    const entries: Array<LogEntry> = []
    const find = () => Effect.as(Effect.logWarning("asked", { of: 1 }), null)
    await using checkout = await Onelane.open({ ...options, carts: { find }, logger: (entry) => entries.push(entry) })
    await checkout.open({ cartId: "cart-1" })
    assert.deepInclude(entries[0], { level: "warn", message: 'asked {"of":1}' })
    assert.isFalse("cause" in entries[0]!)
  })

  it("harms nothing when it throws or rejects", async () => {
    for (const logger of [
      () => {
        throw new Error("full")
      },
      () => Promise.reject(new Error("full"))
    ]) {
      const lines = await written(async () => {
        await using checkout = await Onelane.open({ ...options, logger })
        assert.strictEqual(tagOf(await checkout.open({ cartId: "cart-1" })), "StorageUnavailable")
      })
      assert.deepStrictEqual(lines, [])
    }
  })

  it("is a function or nothing, and is an option of connect, too", async () => {
    const odd = { logger: "console" as unknown as () => void }
    const rejected = await Onelane.open({ storage: ":memory:", ...odd }).catch(String)
    assert.match(String(rejected), /^TypeError: Onelane.open: logger must be a function/)
    const connecting = await Onelane.connect({ url: "http://127.0.0.1", token: "t", ...odd }).catch(String)
    assert.match(String(connecting), /^TypeError: Onelane.connect: logger must be a function/)
  })
})
