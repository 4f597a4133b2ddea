import { assert, describe, it } from "@effect/vitest"
import { classify, notSent } from "../src/postgres/PostgresFailure.js"

describe("PostgresFailure", () => {
  it("an ERROR was taken back, whatever went wrong", () => {
    const error = (code: string) => classify({ severity: "ERROR", code })
    assert.deepStrictEqual(error("53100"), { reason: "DISK_FULL", applied: "no", ends: false })
    assert.deepStrictEqual(error("57014"), { reason: "TIMEOUT", applied: "no", ends: false })
    assert.deepStrictEqual(error("40P01"), { reason: "BUSY", applied: "no", ends: false })
    assert.deepStrictEqual(error("23505"), { reason: "CONSTRAINT", applied: "no", ends: false })
    assert.deepStrictEqual(error("25006"), { reason: "READONLY", applied: "no", ends: false })
    assert.deepStrictEqual(error("42P01"), { reason: "SQL", applied: "no", ends: false })
  })

  it("a connection whose prepared statements are worth nothing any more is given up, and nothing was applied", () => {
    for (const code of ["0A000", "26000"])
      assert.deepStrictEqual(classify({ severity: "ERROR", code }), { reason: "SQL", applied: "no", ends: true })
  })

  it("the end of a session or of the server leaves it open what was committed before", () => {
    const ended = { applied: "unknown", ends: true } as const
    assert.deepStrictEqual(classify({ severity: "FATAL", code: "57P01" }), { reason: "DISCONNECTED", ...ended })
    assert.deepStrictEqual(classify({ severity: "PANIC", code: "53100" }), { reason: "DISK_FULL", ...ended })
    assert.deepStrictEqual(classify({ severity: "PANIC", code: "58030" }), { reason: "IO", ...ended })
    assert.deepStrictEqual(classify({ code: "ECONNRESET" }), { reason: "DISCONNECTED", ...ended })
    assert.deepStrictEqual(classify(new Error("Query read timeout")), { reason: "DISCONNECTED", ...ended })
    for (const odd of [undefined, null, "text", 7]) assert.strictEqual(classify(odd).applied, "unknown")
    // A server that speaks another language: nothing is claimed.
    assert.strictEqual(classify({ severity: "FEHLER", code: "23505" }).applied, "unknown")
  })

  it("a statement that found no connection was never sent", () => {
    assert.deepStrictEqual(classify(notSent(new Error("refused"))), {
      reason: "DISCONNECTED",
      applied: "no",
      ends: false
    })
  })
})
