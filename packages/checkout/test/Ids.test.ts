import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck as fc, TestClock } from "effect"
import * as Ids from "../src/session/Ids.js"

describe("Ids", () => {
  it("takes 1..64 characters of the id alphabet for a session id, and nothing else", () => {
    for (const id of ["a", "A-z_0", "x".repeat(64)]) assert.isTrue(Ids.isSessionId(id), id)
    for (const id of ["", "x".repeat(65), "a b", "a/b", "ä", "a\n", "a\u0000", "1GS1\u200b"])
      assert.isFalse(Ids.isSessionId(id), JSON.stringify(id))
  })

  it("takes any text of 1..255 characters without control characters for an opaque id", () => {
    for (const id of ["cart 1", "ä/ö", "x".repeat(255)]) assert.isTrue(Ids.isOpaqueId(id), id)
    for (const id of ["", "x".repeat(256), "a\u0000b", "a\nb", "\u007f"])
      assert.isFalse(Ids.isOpaqueId(id), JSON.stringify(id))
  })

  it("makes ids that sort by time, never repeat, and are session ids", () => {
    let nowMillis = 1_000
    const ids = Ids.make(() => nowMillis, "0123456789")
    const early = Array.from({ length: 1_000 }, () => ids.next("cs"))
    nowMillis += 1
    const late = ids.next("cs")
    assert.strictEqual(new Set([...early, late]).size, 1_001)
    assert.isTrue(early.every((id) => Ids.isSessionId(id) && id < late))
  })

  it.effect("two processes never meet, and a clock set back makes none repeat", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* Ids.makeRandom, yield* Ids.makeRandom]
      yield* TestClock.setTime(5_000)
      const made = [a.next("req"), b.next("req")]
      yield* TestClock.setTime(1_000)
      made.push(a.next("req"), b.next("req"))
      yield* TestClock.setTime(5_000)
      made.push(a.next("req"), b.next("req"))
      assert.strictEqual(new Set(made).size, made.length)
    })
  )

  it.prop("syntax is decided for any text, by the pattern alone", [fc.fullUnicodeString({ maxLength: 70 })], ([text]) =>
    assert.strictEqual(
      Ids.isSessionId(text),
      text.length <= 64 && text.length > 0 && /^[\w-]*$/.test(text) && !/\n$/.test(text)
    )
  )
})
