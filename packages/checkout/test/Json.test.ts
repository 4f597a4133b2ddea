import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import * as Fc from "effect/FastCheck"
import * as Json from "../src/session/Json.js"

const read = (value: unknown, maxBytes = 65_536) => Json.read(value, maxBytes)
const faultOf = (value: unknown, maxBytes?: number) => {
  const found = read(value, maxBytes)
  assert.instanceOf(found, Json.JsonFault)
  return found as Json.JsonFault
}

const nested = (depth: number): unknown => (depth === 1 ? {} : { a: nested(depth - 1) })
const nestedLists = (depth: number): unknown => (depth === 1 ? [] : [nestedLists(depth - 1)])

class Money {
  readonly amount = 1
}

// biome-ignore lint/suspicious/noSparseArray: that is what it is
const gapped = [1, , 3]

let ran = 0
const getter = {
  get secret() {
    ran += 1
    return "secret"
  }
}
const touch = <A>(answer: A): A => {
  ran += 1
  return answer
}
const proxy = new Proxy({}, { ownKeys: () => touch([]), getPrototypeOf: () => touch(null) })
const revocable = Proxy.revocable({}, {})
revocable.revoke()

/** What is no JSON, and where. */
const odd: ReadonlyArray<readonly [name: string, value: unknown, path: string]> = [
  ["undefined", { a: undefined }, "/a"],
  ["a function", { a: () => 1 }, "/a"],
  ["a symbol", { a: Symbol("x") }, "/a"],
  ["a bigint", { a: 1n }, "/a"],
  ["NaN", { a: [1, Number.NaN] }, "/a/1"],
  ["Infinity", { a: Number.POSITIVE_INFINITY }, "/a"],
  ["a Date", { a: { b: new Date(0) } }, "/a/b"],
  ["a Map", { a: new Map() }, "/a"],
  ["boxed text", { a: new String("x") }, "/a"],
  ["an instance of a class", { a: new Money() }, "/a"],
  ["an object made from another", { a: Object.create({ b: 1 }) }, "/a"],
  ["bytes", { a: Buffer.from("x") }, "/a"],
  ["a getter", { a: getter }, "/a/secret"],
  ["a Proxy", { a: proxy }, "/a"],
  ["a Proxy of a list", { a: new Proxy([1], {}) }, "/a"],
  ["a revoked Proxy", { a: revocable.proxy }, "/a"],
  ["half a character in text", { a: "\ud800" }, "/a"],
  ["half a character in a name", { "\udc00": 1 }, "/\udc00"],
  ["a name that is a symbol", { [Symbol("s")]: 1 }, "/Symbol(s)"],
  ["a hidden member", Object.defineProperty({}, "a", { value: 1 }), "/a"],
  ["a list with a gap", { a: gapped }, "/a"],
  ["a list with a name", { a: Object.assign([1], { b: 2 }) }, "/a"],
  ["the name __proto__", JSON.parse('{"a":{"__proto__":{"isAdmin":true}}}'), "/a/__proto__"]
]

describe("Json: what is read", () => {
  for (const [name, value, path] of odd)
    it(`${name} is refused, with its path, and no code of the caller runs`, () => {
      ran = 0
      assert.deepInclude(faultOf(value), { kind: "NO_JSON", path })
      assert.strictEqual(ran, 0)
    })

  it("a copy is equal and shares nothing", () => {
    Fc.assert(
      Fc.property(Fc.jsonValue({ maxDepth: 6 }), (value) => {
        if (JSON.stringify(value).includes("__proto__")) return
        const found = read(value)
        if (found instanceof Json.JsonFault) return assert.match(found.found, /half a character/)
        const copy = Json.copyOf(found.value)
        assert.deepStrictEqual(JSON.parse(JSON.stringify(copy)), JSON.parse(JSON.stringify(value)))
        assert.isTrue(Json.isSame(copy, found.value))
        if (typeof value === "object" && value !== null) assert.notStrictEqual(copy, value as never)
      }),
      { numRuns: 300 }
    )
  })

  it("its bytes are those of its JSON in UTF-8", () => {
    Fc.assert(
      Fc.property(Fc.jsonValue({ maxDepth: 5 }), Fc.fullUnicodeString(), (value, text) => {
        const given = { value, [`n${text}`]: text, list: [], none: {} }
        const found = read(given)
        if (found instanceof Json.JsonFault) return assert.strictEqual(found.kind, "NO_JSON")
        const bytes = Buffer.byteLength(JSON.stringify(found.value))
        assert.strictEqual(found.bytes, bytes)
        assert.notInstanceOf(read(given, bytes), Json.JsonFault)
        assert.strictEqual(faultOf(given, bytes - 1).kind, "TOO_LARGE")
        assert.deepStrictEqual(Json.measure(found.value, bytes), found)
        assert.deepInclude(Json.measure(found.value, bytes - 1), { kind: "TOO_LARGE" })
      }),
      { numRuns: 300 }
    )
  })

  it("negative zero is zero, as in JSON", () => {
    const found = read({ a: -0 }) as Json.Read
    assert.isTrue(Object.is((found.value as { a: number }).a, 0))
  })

  it("32 levels are read, and 33 are not; neither is a cycle", () => {
    assert.notInstanceOf(read(nested(32)), Json.JsonFault)
    assert.strictEqual(faultOf(nested(33)).kind, "TOO_DEEP")
    assert.notInstanceOf(read({ a: nestedLists(31) }), Json.JsonFault)
    assert.strictEqual(faultOf({ a: nestedLists(32) }).kind, "TOO_DEEP")
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    assert.strictEqual(faultOf(cycle).kind, "TOO_DEEP")
  })

  it("what repeats itself counts each time, and what is huge is not walked", () => {
    const wide: unknown = Array.from({ length: 1_000 }, () => "x".repeat(100))
    const many = Array.from({ length: 1_000 }, () => wide)
    const begun = performance.now()
    assert.strictEqual(faultOf({ a: Array.from({ length: 1_000 }, () => many) }).kind, "TOO_LARGE")
    assert.strictEqual(faultOf({ a: new Array(4_000_000_000) }).kind, "TOO_LARGE")
    assert.strictEqual(faultOf({ a: "x".repeat(10_000_000) }).kind, "TOO_LARGE")
    assert.isBelow(performance.now() - begun, 1_000)
  })

  it("a name like constructor is an ordinary one", () => {
    const given = JSON.parse('{"constructor":{"prototype":{"isAdmin":true}},"toString":"x"}')
    const { value } = read(given) as Json.Read
    assert.deepStrictEqual(JSON.stringify(value), JSON.stringify(given))
    assert.isUndefined(({} as { isAdmin?: boolean }).isAdmin)
  })

  it("an object of another realm, and one without a prototype, are plain", () => {
    assert.notInstanceOf(read(runInNewContext('({ a: [1, { b: "x" }] })')), Json.JsonFault)
    assert.notInstanceOf(read(Object.assign(Object.create(null), { a: 1 })), Json.JsonFault)
  })

  it("a pointer escapes its names and is cut", () => {
    assert.strictEqual(Json.pointerOf(["a/b", "c~d", 0]), "/a~1b/c~0d/0")
    assert.strictEqual(Json.pointerOf([]), "")
    assert.strictEqual(Json.pointerOf(["x".repeat(1_000)]).length, Json.pointerMaxLength)
  })
})
