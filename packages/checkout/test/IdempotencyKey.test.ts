import { assert, describe, it } from "@effect/vitest"
import * as IdempotencyKey from "../src/session/IdempotencyKey.js"

const useOf = (input: unknown) => IdempotencyKey.useOf("update", "ann", "k", input)!

describe("the input of an idempotency key", () => {
  it("an input of ordinary size is stored as it is", () => {
    assert.strictEqual(useOf({ b: 1, a: "x" }).input, '{"a":"x","b":1}')
  })

  it("a large input is stored as its digest, and still compared as JSON", () => {
    const fields = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`field ${index}`, "x".repeat(100)]))
    const { digest, input } = useOf({ data: fields, nextState: "Inventory" })
    assert.isBelow(input.length, 64)
    assert.deepStrictEqual(useOf({ nextState: "Inventory", data: { ...fields } }), { digest, input })
    assert.notStrictEqual(useOf({ data: { ...fields, "field 0": "y" }, nextState: "Inventory" }).input, input)
    assert.strictEqual(useOf({ data: { ...fields, "field 0": "y" }, nextState: "Inventory" }).digest, digest)
  })
})
