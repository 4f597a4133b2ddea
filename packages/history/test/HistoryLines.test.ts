import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { History, Operation } from "../src/History.js"
import * as HistoryLines from "../src/HistoryLines.js"
import { checkHistory } from "../src/Linearizable.js"

const call: Operation = { process: 0, session: "s", action: "read", outcome: "ok", invoked: 0, returned: 1 }
const line = (members: object): string => JSON.stringify({ ...call, ...members })
const refusalOf = (text: string, limits: Partial<HistoryLines.HistoryLimits> = {}) => {
  const read = HistoryLines.fromText(text, limits)
  return read.ok ? assert.fail(`was taken: ${text.slice(0, 80)}`) : `${read.error.line}: ${read.error.message}`
}
const read = (text: string): History => {
  const reading = HistoryLines.fromText(text)
  return reading.ok ? reading.value : assert.fail(reading.error.message)
}

const text = fc.string({ unit: "binary", maxLength: 12 })
const optional = <A>(arbitrary: fc.Arbitrary<A>) => fc.option(arbitrary, { nil: undefined })
const operation: fc.Arbitrary<Operation> = fc
  .record({
    process: fc.nat(9),
    session: text,
    action: fc.constantFrom("open", "read", "cancel", "completeTask", "failTask", "releaseClaim"),
    outcome: fc.constantFrom("ok", "fail", "info"),
    invoked: fc.double({ noNaN: true, min: -1e9, max: 1e9 }),
    expectedVersion: optional(fc.nat()),
    patch: optional(fc.jsonValue()),
    key: optional(text),
    requestId: optional(text),
    late: optional(fc.boolean()),
    error: optional(text),
    observed: optional(
      fc.record({
        version: optional(fc.nat()),
        state: optional(fc.option(text)),
        next: optional(fc.option(text)),
        archived: optional(fc.boolean()),
        requestId: optional(fc.option(text))
      })
    )
  })
  .chain((each) =>
    fc
      .double({ noNaN: true, min: each.invoked, max: 2e9 })
      .map(
        (returned) =>
          ({ ...each, returned: each.outcome === "info" ? Number.POSITIVE_INFINITY : returned }) as Operation
      )
  )

describe("HistoryLines", () => {
  it("a history comes back from its text as it was, whatever its names hold", () => {
    const plain = (history: History) => JSON.parse(JSON.stringify(history).replaceAll("-0,", "0,"))
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 8 }), (history) => {
        const written = HistoryLines.toText(history)
        assert.strictEqual(written.split("\n").length, history.length + 1)
        const again = read(written)
        assert.deepStrictEqual(plain(again), plain(history))
        assert.deepStrictEqual(
          again.map((each) => each.returned === Number.POSITIVE_INFINITY),
          history.map((each) => each.outcome === "info")
        )
      }),
      { numRuns: 300 }
    )
  })

  it("the pieces in which the bytes come make no difference", () => {
    const written = new TextEncoder().encode(HistoryLines.toText([{ ...call, session: "ä → 𝄞" }, call, call]))
    fc.assert(
      fc.property(fc.array(fc.nat(written.length), { maxLength: 6 }), (cuts) => {
        const reader = HistoryLines.reader()
        const memory = new Uint8Array(written.length)
        let from = 0
        for (const to of [...cuts.sort((a, b) => a - b), written.length]) {
          memory.set(written.subarray(from, to))
          assert.isNull(reader.push(memory.subarray(0, to - from)))
          from = to
        }
        const end = reader.end()
        assert.isTrue(end.ok && end.value.length === 3 && end.value[0]!.session === "ä → 𝄞")
      }),
      { numRuns: 200 }
    )
  })

  it("a line that the checker would misread is refused with its number and its member", () => {
    for (const [bad, why] of [
      ["{", "the line is not JSON"],
      ["[]", "the line must be a JSON object"],
      ["null", "the line must be a JSON object"],
      ["{}", "process is missing"],
      [line({ process: -1 }), "process must be a whole number from 0 on"],
      [line({ action: "write" }), "action must be one of open, update"],
      [line({ outcome: "maybe" }), "outcome must be one of ok, fail, info"],
      [line({ invoked: "1" }), "invoked must be a number"],
      [line({}).replace('"invoked":0', '"invoked":-1e999'), "invoked must be a number"],
      [line({ returned: undefined }), "returned is missing"],
      [line({ returned: -1 }), "returned must not be before invoked"],
      [line({ expectd: "Start" }), '"expectd" is no member; there are process, session'],
      [line({}).replace("{", '{"__proto__":{},'), '"__proto__" is no member'],
      [line({ observed: { vers: 1 } }), 'observed."vers" is no member'],
      [line({ observed: { version: 1.5 } }), "observed.version must be a whole number"],
      [line({ observed: { data: "{" } }), "observed.data must be JSON text"],
      [line({ observed: null }), "observed must be an object"],
      [line({ action: "update", expected: "A" }), "an update needs expected and next"],
      [line({ action: "move" }), "a move needs next"],
      [line({ replayed: true }), "a replayed answer needs the key"]
    ] as const) {
      assert.include(refusalOf(`${line({})}\n\n${bad}\n${line({})}`), `3: ${why}`)
    }
    const isBroken = new Uint8Array([...new TextEncoder().encode(`${line({})}\n"`), 0xff])
    const reader = HistoryLines.reader()
    reader.push(isBroken)
    assert.deepInclude(reader.end(), { error: { _tag: "HistoryRefused", line: 2, message: "the line is not UTF-8" } })
  })

  it("every bound is reached: bytes of the text and of a line, operations, levels of nesting", () => {
    const one = `${line({})}\n`
    assert.include(refusalOf(one + one, { operationsMaxCount: 1 }), "2: more than 1 operations")
    assert.include(
      refusalOf(one + one, { textMaxBytes: 2 * one.length - 1 }),
      `has more than ${2 * one.length - 1} bytes`
    )
    assert.isTrue(HistoryLines.fromText(one + one, { textMaxBytes: 2 * one.length, operationsMaxCount: 2 }).ok)
    assert.include(refusalOf(one, { lineMaxBytes: one.length - 2 }), "1: the line has more than")
    assert.isTrue(HistoryLines.fromText(one, { lineMaxBytes: one.length - 1 }).ok)
    const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`
    const patched = (levels: number) => line({ patch: "@" }).replace('"@"', nested(levels))
    assert.strictEqual(read(patched(64)).length, 1)
    assert.include(refusalOf(patched(65)), "patch is nested deeper than 64 levels")
    assert.include(refusalOf(patched(200_000)), "patch is nested deeper than 64 levels")
    assert.include(refusalOf(line({ observed: { data: nested(200_000) } })), "observed.data must be JSON text")
  })

  it("data written by hand is compared by its members, not by their order", () => {
    const data = ['{"a":1,"b":2}', '{ "b": 2, "a": 1 }']
    const history = read(
      data.map((each, at) => line({ invoked: at, returned: at, observed: { data: each } })).join("\n")
    )
    assert.strictEqual(history[0]!.observed!.data, history[1]!.observed!.data)
    assert.isTrue(checkHistory(history).valid)
  })
})
