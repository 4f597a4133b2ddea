import { assert, describe, it } from "@effect/vitest"
import * as Fc from "effect/FastCheck"
import * as Json from "../src/session/Json.js"
import * as MergePatch from "../src/session/MergePatch.js"

/** RFC 7396, appendix A, the cases whose target and patch are objects. */
const cases: ReadonlyArray<readonly [target: string, patch: string, result: string]> = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', "{}"],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ['{"a":"text"}', '{"a":{"b":1}}', '{"a":{"b":1}}'],
  ['{"a":[1]}', '{"a":{"0":2}}', '{"a":{"0":2}}'],
  ["{}", '{"a":[null,{"b":null}]}', '{"a":[null,{"b":null}]}'],
  ['{"constructor":{"a":1}}', '{"constructor":{"b":2}}', '{"constructor":{"a":1,"b":2}}']
]

const object = Fc.dictionary(
  Fc.constantFrom("a", "b", "c", "constructor"),
  Fc.jsonValue({ maxDepth: 3 })
) as Fc.Arbitrary<Record<string, Json.JsonValue>>

/** The pseudo-code of RFC 7396, section 2. */
const reference = (target: any, patch: any): any => {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch
  const merged = new Map<string, unknown>(
    typeof target === "object" && target !== null && !Array.isArray(target) ? Object.entries(target) : []
  )
  for (const [name, value] of Object.entries(patch))
    if (value === null) merged.delete(name)
    else merged.set(name, reference(merged.get(name), value))
  return Object.fromEntries(merged)
}

describe("MergePatch", () => {
  for (const [target, patch, result] of cases)
    it(`${patch} on ${target} is ${result}`, () => {
      const [before, change] = [JSON.parse(target), JSON.parse(patch)]
      assert.isTrue(Json.isSame(MergePatch.apply(before, change), JSON.parse(result)))
      assert.strictEqual(JSON.stringify(before), target)
      assert.strictEqual(JSON.stringify(change), patch)
    })

  it("any patch does what RFC 7396 says, and changes neither side", () => {
    Fc.assert(
      Fc.property(object, object, (target, patch) => {
        if (JSON.stringify([target, patch]).includes("__proto__")) return
        const texts = [JSON.stringify(target), JSON.stringify(patch)]
        assert.isTrue(Json.isSame(MergePatch.apply(target, patch), reference(target, patch)))
        assert.deepStrictEqual([JSON.stringify(target), JSON.stringify(patch)], texts)
      }),
      { numRuns: 500 }
    )
  })

  it("a patch is taken once: a copy is not copied again, and its size is known", () => {
    const given = { a: { b: "c" } }
    const taken = MergePatch.take(given) as Json.JsonObject
    assert.notStrictEqual(taken, given)
    assert.strictEqual(MergePatch.take(taken), taken)
    assert.strictEqual(MergePatch.bytesOf(taken), 15)
    given.a.b = "changed"
    assert.deepStrictEqual(taken, { a: { b: "c" } })
  })

  it("only an object is a patch; one that is too large or too deep is refused later than one that is no JSON", () => {
    for (const given of [1, "x", true, [], [{}], () => 1])
      assert.deepInclude(MergePatch.take(given), { kind: "NO_JSON", path: "" })
    assert.isFalse(MergePatch.isPatch(MergePatch.take({ a: new Date(0) })))
    const large = MergePatch.take({ a: "x".repeat(MergePatch.maxBytes) })
    assert.deepInclude(large, { kind: "TOO_LARGE" })
    assert.isTrue(MergePatch.isPatch(large))
    assert.isUndefined(MergePatch.take(undefined))
    assert.isNull(MergePatch.take(null))
  })
})
