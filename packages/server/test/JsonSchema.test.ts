/** The part of JSON Schema that a flow file may use: what each keyword accepts and refuses, and every mistake in a schema. */
import { assert, describe, it } from "@effect/vitest"
import * as JsonSchema from "../src/app/JsonSchema.js"

const compiled = (schema: unknown) => {
  const wrong: Array<string> = []
  const standard = JsonSchema.compile(schema, ["data"], (path, why) => void wrong.push(`/${path.join("/")}: ${why}`))
  return { wrong, validate: standard["~standard"].validate }
}

const pathsOf = (schema: unknown, value: unknown): ReadonlyArray<string> => {
  const { validate, wrong } = compiled(schema)
  assert.deepStrictEqual(wrong, [])
  const answer = validate(value)
  return "issues" in answer ? answer.issues.map(({ path }) => path.map((name) => `/${String(name)}`).join("")) : []
}

/** A schema, values that it accepts, and values that it refuses at the value itself. */
const table: ReadonlyArray<[schema: object, accepts: ReadonlyArray<unknown>, refuses: ReadonlyArray<unknown>]> = [
  [{}, [1, "a", null, {}, []], []],
  [{ type: "string" }, ["", "a"], [1, null, {}, [], true]],
  [{ type: "number" }, [1, 1.5, -0], ["1", null]],
  [{ type: "integer" }, [1, -3, 1e3], [1.5, "1"]],
  [{ type: "boolean" }, [true, false], [0, "true"]],
  [{ type: "object" }, [{}, { a: 1 }], [[], null, "a"]],
  [{ type: "array" }, [[], [1]], [{}, "a"]],
  [{ type: ["string", "null"] }, ["a", null], [1, {}]],
  [{ enum: ["a", 1, null, { b: 1, a: [2] }] }, ["a", 1, null, { a: [2], b: 1 }], ["b", "1", {}, { a: [2] }]],
  [{ const: { a: [1, { b: 2 }] } }, [{ a: [1, { b: 2 }] }], [{ a: [1] }, null]],
  [{ minimum: 1, maximum: 3 }, [1, 2.5, 3, "0", null], [0, 3.01]],
  [{ exclusiveMinimum: 1, exclusiveMaximum: 3 }, [1.5, "9"], [1, 3]],
  [{ minLength: 2, maxLength: 3 }, ["ab", "𝒶𝒷𝒸", 5], ["a", "abcd", "𝒶"]],
  [{ pattern: "^[a-z]+$" }, ["abc", 5], ["", "A", "a1"]],
  [{ pattern: "b" }, ["abc"], ["ac"]],
  [{ minItems: 1, maxItems: 2 }, [[1], [1, 2], {}], [[], [1, 2, 3]]],
  [
    { uniqueItems: true },
    [[1, "1"], [], [{ a: 1 }, { a: 2 }]],
    [
      [1, 1],
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 }
      ]
    ]
  ],
  [{ uniqueItems: false }, [[1, 1]], []],
  [{ minProperties: 1, maxProperties: 1 }, [{ a: 1 }, []], [{}, { a: 1, b: 2 }]],
  [{ anyOf: [{ type: "string" }, { type: "object", required: ["a"] }] }, ["x", { a: 1 }], [1, {}]],
  [{ title: "A", description: "B", default: 1, examples: [2], $comment: "C", deprecated: true }, [0], []]
]

const address = {
  type: "object",
  required: ["city"],
  properties: { city: { type: "string", minLength: 1 }, zip: { type: "string", pattern: "^[0-9]{5}$" } },
  additionalProperties: false
}

describe("JSON Schema of data", () => {
  it("each keyword accepts and refuses what the standard says, and lets values of other types pass", () => {
    for (const [schema, accepts, refuses] of table) {
      for (const value of accepts)
        assert.deepStrictEqual(pathsOf(schema, value), [], `${JSON.stringify(schema)} ${JSON.stringify(value)}`)
      for (const value of refuses)
        assert.deepStrictEqual(pathsOf(schema, value), [""], `${JSON.stringify(schema)} ${JSON.stringify(value)}`)
    }
  })

  it("a fault inside is told with its place: a missing member, a strange one, an item, a member of any name", () => {
    const schema = {
      type: "object",
      properties: { address, lines: { type: "array", items: { type: "object", required: ["id"] } } },
      additionalProperties: { type: "number" }
    }
    assert.deepStrictEqual(pathsOf(schema, { address: { city: "A", zip: "12345" }, lines: [{ id: 1 }], more: 1 }), [])
    const found = pathsOf(schema, { address: { zip: "1", street: "B" } })
    assert.deepStrictEqual(found, ["/address/city", "/address/zip", "/address/street"])
    assert.deepStrictEqual(pathsOf(schema, { lines: [{ id: 1 }, {}, 5], more: "1" }), [
      "/lines/1/id",
      "/lines/2",
      "/more"
    ])
  })

  it("names of Object's own members are names like others", () => {
    const schema = {
      properties: { toString: { type: "string" } },
      required: ["constructor"],
      additionalProperties: false
    }
    assert.deepStrictEqual(pathsOf(schema, {}), ["/constructor"])
    assert.deepStrictEqual(pathsOf(schema, { constructor: 1, toString: 2 }), ["/toString", "/constructor"])
  })

  it("a text that is too long is refused before its pattern is tried", () => {
    const slow = { maxLength: 20, pattern: "^(a+)+$" }
    assert.deepStrictEqual(pathsOf(slow, `${"a".repeat(60_000)}!`), [""])
  })

  const mistakes: ReadonlyArray<[unknown, ReadonlyArray<RegExp>]> = [
    [[], [/^\/data: it must be a schema/]],
    [{ typ: "string" }, [/^\/data\/typ: it is none of type, enum, /]],
    [{ $ref: "#/x" }, [/^\/data\/\$ref: it is none of /]],
    [{ properties: { a: { format: "email" } } }, [/^\/data\/properties\/a\/format: it is none of /]],
    [{ type: "text" }, [/^\/data\/type: it must be one of string, /]],
    [{ type: [] }, [/^\/data\/type: /]],
    [{ minimum: "1" }, [/^\/data\/minimum: it must be a number/]],
    [{ maxLength: -1, minItems: 1.5 }, [/^\/data\/maxLength: /, /^\/data\/minItems: /]],
    [{ pattern: "(" }, [/^\/data\/pattern: it must be a regular expression/]],
    [{ enum: [] }, [/^\/data\/enum: /]],
    [{ required: [1] }, [/^\/data\/required: it must be a list of names/]],
    [{ items: [{}] }, [/^\/data\/items: it must be a schema/]],
    [{ properties: { a: 1 } }, [/^\/data\/properties\/a: it must be a schema/]],
    [{ additionalProperties: "no" }, [/^\/data\/additionalProperties: /]],
    [{ anyOf: [{ type: "a" }] }, [/^\/data\/anyOf\/0\/type: /]],
    [JSON.parse('{ "constructor": 1, "__proto__": 2 }'), [/^\/data\/constructor: /, /^\/data\/__proto__: /]]
  ]
  it("every mistake in a schema is told with its place, and an unknown keyword is one", () => {
    for (const [schema, expected] of mistakes) {
      const { wrong } = compiled(schema)
      assert.strictEqual(wrong.length, expected.length, wrong.join("; "))
      for (const [index, each] of expected.entries()) assert.match(wrong[index]!, each)
    }
  })

  it("a schema has at most 32 levels", () => {
    const nested = (levels: number): object => (levels === 1 ? {} : { items: nested(levels - 1) })
    assert.deepStrictEqual(compiled(nested(32)).wrong, [])
    assert.match(compiled(nested(40)).wrong[0]!, /: it lies deeper than 32 levels$/)
  })
})
