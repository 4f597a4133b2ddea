import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { type CheckoutError, Refusal } from "@onelane/checkout"
import * as AdapterError from "../src/contract/AdapterError.js"
import * as WireError from "../src/contract/WireError.js"

const protocol = readFileSync(new URL("../PROTOCOL.md", import.meta.url), "utf8")

const head = { message: "why", retryable: false, applied: "no" } as const
const current = {
  state: "Taxes",
  version: 7,
  nextState: null,
  isProcessing: false,
  isArchived: false,
  orderId: null,
  lastRequestId: null
}
const mismatch: CheckoutError.ExpectedStateMismatch = {
  _tag: "ExpectedStateMismatch",
  reason: "STATE_MISMATCH",
  current,
  ...head
}

describe("the table of errors", () => {
  it("X1 is the one printed in PROTOCOL.md, row by row", () => {
    const printed = [...protocol.matchAll(/^\| `(\w+)` \| (\d{3})[^|]* \| ([A-Z_ /]+) \|$/gm)].map(
      ([, tag, status, code]) => ({ tag, status: Number(status), codes: code!.split(" / ") })
    )
    assert.deepStrictEqual(printed.map(({ tag }) => tag).sort(), Object.keys(WireError.rows).sort())
    for (const { tag, status, codes } of printed) {
      const row = WireError.rows[tag as keyof typeof WireError.rows]
      assert.strictEqual(row.status, status, tag)
      assert.include(codes, row.code, tag)
    }
  })
  it("X2 a missing input has a code of its own", () => {
    const missing = { _tag: "InvalidInput", reason: "REQUIRED_FIELD_MISSING", fields: ["nextState"], ...head } as const
    assert.strictEqual(WireError.codeOf(missing), "REQUIRED_FIELD_MISSING")
    assert.strictEqual(WireError.codeOf({ ...missing, reason: "INVALID_INPUT" }), "INVALID_INPUT")
  })
  it("X3 a mismatch is 412 exactly when the version of If-Match is not the session's", () => {
    assert.strictEqual(WireError.statusOf(mismatch), 409)
    assert.strictEqual(WireError.statusOf(mismatch, 7), 409)
    assert.strictEqual(WireError.statusOf(mismatch, 6), 412)
    const closed = {
      ...mismatch,
      _tag: "SessionClosed",
      reason: "CANCELLED",
      checkoutSessionId: "cs_1",
      orderId: null
    } as const
    assert.strictEqual(WireError.statusOf(closed, 6), 409)
  })
  it("X4 Retry-After is in whole seconds, never 0, and only where waiting helps", () => {
    assert.deepStrictEqual(WireError.retryAfter(1), { "retry-after": "1" })
    assert.deepStrictEqual(WireError.retryAfter(1_001), { "retry-after": "2" })
    assert.deepStrictEqual(WireError.retryAfter(0), {})
    assert.deepStrictEqual(WireError.retryAfter(undefined), {})
  })
  it("X5 a problem has the five members of RFC 9457 and reads back into the error", () => {
    const { status, headers, body } = WireError.problem(mismatch)
    assert.strictEqual(headers["content-type"], "application/problem+json")
    const read = JSON.parse(body as string)
    assert.deepInclude(read, { type: "urn:onelane:problem:expected-state-mismatch", status, detail: "why" })
    assert.isString(read.title)
    assert.isUndefined(read.instance)
    assert.deepStrictEqual<unknown>(WireError.fromProblem(read), mismatch)
    for (const other of [null, 5, {}, { detail: "why" }, { ...read, current: {} }, { ...read, _tag: "Other" }]) {
      assert.isNull(WireError.fromProblem(other))
    }
  })
  it("X8 the title is the sentence of the error, whatever its reason, without a full stop", () => {
    for (const [tag, sentence] of Object.entries(Refusal.sentences)) {
      assert.strictEqual(`${WireError.titleOf(tag as WireError.Tag)}.`, sentence)
    }
    const { title, detail } = JSON.parse(WireError.problem(Refusal.actionNotPermitted).body as string)
    assert.strictEqual(detail, `${title}.`)
  })
  it("X6 what the adapter refuses says that it was not applied", () => {
    const read = JSON.parse(WireError.problem(AdapterError.notFound).body as string)
    assert.deepInclude(read, { type: "urn:onelane:problem:not-found", status: 404, code: "NOT_FOUND", applied: "no" })
  })
})
