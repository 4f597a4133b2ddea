import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import * as Input from "../src/commands/Input.js"

const fields: Input.Fields = {
  id: Input.syntax,
  name: Input.textUpTo(5),
  note: Input.optionalTextUpTo(3),
  count: Input.optionalWhole(1, 9)
}

describe("Input", () => {
  it("takes its fields, the optional ones absent or null", () => {
    for (const input of [
      { id: "", name: "a" },
      { id: "x", name: "abcde", note: null, count: undefined },
      { id: "x", name: "a", note: "abc", count: 9 }
    ])
      assert.isNull(Input.accept(input, fields), JSON.stringify(input))
  })

  it("names what is missing first; null counts as missing", () => {
    const refused = Input.accept({ name: null, note: 1, other: 1 }, fields)
    assert.deepInclude(refused, { _tag: "InvalidInput", reason: "REQUIRED_FIELD_MISSING", fields: ["id", "name"] })
  })

  it("names wrong values next, and unknown names last", () => {
    const wrong = Input.accept({ id: 1, name: "abcdef", note: "", count: 1.5, other: 1 }, fields)
    assert.deepInclude(wrong, { reason: "INVALID_INPUT", fields: ["id", "name", "note", "count"] })
    assert.deepInclude(Input.accept({ id: "x", name: "a", other: 1 }, fields), { fields: ["other"] })
  })

  it("says of each wrong value what is allowed, with its range, and never the value", () => {
    const wrong = Input.accept({ id: "x", name: "abcdef", count: 10 }, fields)
    assert.strictEqual(
      wrong?.message,
      "name must be text of 1 to 5 characters; count must be a whole number from 1 to 9."
    )
  })

  it("shows at most five unknown names, and no more than 40 characters of each", () => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`${n}`.padStart(100, "x"), n]))
    const refused = Input.accept({ id: "x", name: "a", ...many }, fields)
    assert.strictEqual(refused?.fields.length, 5)
    assert.isTrue(refused?.fields.every((name) => name.length === 40))
  })

  it("keys of the prototype are unknown names like any other", () => {
    const input = JSON.parse('{"id":"x","name":"a","__proto__":{"name":"b"}}') as unknown
    assert.deepInclude(Input.accept(input, fields), { reason: "INVALID_INPUT", fields: ["__proto__"] })
    assert.deepInclude(Input.accept({ id: "x", name: "a", constructor: 1 }, fields), { fields: ["constructor"] })
  })

  it.prop("is never a defect, whatever was sent", [fc.anything()], ([input]) => {
    const refused = Input.accept(input, fields)
    assert.isTrue(refused === null || refused._tag === "InvalidInput")
  })
})
