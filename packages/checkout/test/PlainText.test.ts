import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as TaskResult from "../src/flow/TaskResult.js"
import { cut, isPlain } from "../src/session/PlainText.js"

describe("PlainText", () => {
  it("text with control characters or half a surrogate pair is not plain, other text is", () => {
    for (const odd of ["\u0000", "a\tb", "a\r\n", "\u007f", "\u0085", "\ud83d", "\ude00", "\ude00\ud83d", "x\ud83dy"]) {
      assert.isFalse(isPlain(odd), JSON.stringify(odd))
    }
    for (const plain of ["", "a b", "clé", "😀", "中文", "\u200d"]) assert.isTrue(isPlain(plain), plain)
  })

  it("a text is never cut inside a character", () => {
    assert.strictEqual(cut("ab😀", 3), "ab")
    assert.strictEqual(cut("ab😀c", 4), "ab😀")
    assert.strictEqual(cut("ab", 2), "ab")
    const text = FastCheck.string({ unit: "binary", maxLength: 50 })
    const isKept = FastCheck.property(text, FastCheck.integer({ min: 1, max: 60 }), (whole, maxLength) => {
      const short = cut(whole, maxLength)
      return whole.startsWith(short) && short.length <= maxLength && !/\p{Surrogate}/u.test(short)
    })
    FastCheck.assert(isKept, { numRuns: 300 })
  })

  it("what a task failed with is bounded and stays well-formed text", () => {
    const long = `${"a".repeat(TaskResult.messageMaxLength - 1)}😀`
    for (const thrown of [{ message: long }, new Error(long), long]) {
      const { message } = TaskResult.failureOf(thrown)
      assert.strictEqual(message, "a".repeat(TaskResult.messageMaxLength - 1))
    }
    const { code } = TaskResult.failureOf({ code: `${"c".repeat(TaskResult.wordMaxLength - 1)}😀` })
    assert.strictEqual(code, "c".repeat(TaskResult.wordMaxLength - 1))
  })
})
