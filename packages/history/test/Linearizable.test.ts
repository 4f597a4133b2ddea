import { assert, describe, it } from "@effect/vitest"
import type { Operation } from "../src/History.js"
import { type CheckOptions, checkHistory } from "../src/Linearizable.js"
import type { Fault } from "../src/Verdict.js"
import { withoutVersions } from "./RandomHistory.js"

type Fields = Partial<Operation>

const session = "cs_1"
const opened: Operation = {
  process: 0,
  session,
  action: "open",
  outcome: "ok",
  invoked: 0,
  returned: 1,
  observed: { version: 1, state: "Start", next: null, archived: false }
}
const at = (version: number, state: string, more: Operation["observed"] = {}) => ({
  observed: { version, state, next: null, archived: false, ...more }
})
const call = (action: Operation["action"], invoked: number, returned: number, fields: Fields): Operation => ({
  process: invoked,
  session,
  action,
  outcome: "ok",
  invoked,
  returned,
  ...fields
})
const update = (invoked: number, returned: number, way: string, fields: Fields): Operation => {
  const [expected, next] = way.split(">")
  return call("update", invoked, returned, { expected, next, ...fields })
}
const read = (invoked: number, returned: number, fields: Fields) => call("read", invoked, returned, fields)
const mismatch = { outcome: "fail", error: "ExpectedStateMismatch" } as const
const unknown = { outcome: "info" } as const

const faults = (history: ReadonlyArray<Operation>, options?: CheckOptions): ReadonlyArray<Fault> =>
  checkHistory([opened, ...history], options).violations.map((each) => each.rule)

/** Accepted with versions and without. */
const accepts = (history: ReadonlyArray<Operation>, options?: CheckOptions) => {
  assert.deepStrictEqual(faults(history, options), [])
  assert.deepStrictEqual(faults(withoutVersions(history), options), [])
}

/** Refused by the named rule with versions, and without them as having no order. */
const rejects = (rule: Fault, history: ReadonlyArray<Operation>, options?: CheckOptions) => {
  assert.deepStrictEqual(faults(history, options), [rule])
  assert.deepStrictEqual(faults(withoutVersions(history), options), ["no order"])
}

describe("checkHistory", () => {
  it("accepts a race with one winner, whoever was first to ask", () =>
    accepts([
      update(2, 6, "Start>A", { ...mismatch, ...at(2, "B") }),
      update(3, 5, "Start>B", at(2, "B")),
      read(4, 7, at(1, "Start")),
      read(8, 9, at(2, "B"))
    ]))

  it("rejects a double win", () =>
    rejects("double win", [update(2, 4, "Start>A", at(2, "A")), update(3, 5, "Start>B", at(2, "B"))]))

  it("rejects a double win that is numbered as if it were two visits", () =>
    rejects("conflicting answers", [update(2, 4, "Start>A", at(2, "A")), update(3, 5, "Start>B", at(3, "B"))]))

  it("rejects a stale read", () =>
    rejects("stale answer", [update(2, 3, "Start>A", at(2, "A")), read(4, 5, at(1, "Start"))]))

  it("rejects a lost update", () =>
    rejects("stale answer", [
      update(2, 3, "Start>A", at(2, "A")),
      update(4, 5, "A>B", { ...mismatch, ...at(1, "Start") })
    ]))

  it("rejects an update lost and overwritten at its own version", () =>
    rejects("double win", [update(2, 3, "Start>A", at(2, "A")), update(6, 7, "Start>B", at(2, "B"))]))

  it("rejects a lost session", () =>
    rejects("stale answer", [
      read(2, 3, { ...mismatch, error: "SessionInaccessible", observed: { version: 0, state: null } })
    ]))

  it("rejects a resurrected write: certainly not done, and there it is", () =>
    rejects("resurrected write", [
      update(2, 3, "Start>A", { outcome: "fail", error: "Overloaded" }),
      read(4, 5, at(2, "A"))
    ]))

  it("rejects a change that nobody asked for", () => rejects("unexplained change", [read(4, 5, at(2, "A"))]))

  it("rejects an acceptance that leads elsewhere", () => rejects("wrong effect", [update(2, 3, "Start>A", at(2, "B"))]))

  it("rejects a refusal that contradicts itself", () =>
    rejects("wrong refusal", [update(2, 3, "Start>A", { ...mismatch, ...at(1, "Start") })]))

  it("rejects versions that run against time", () =>
    rejects("out of order", [update(2, 3, "A>B", at(3, "B")), update(4, 5, "Start>A", at(2, "A"))]))

  it("rejects a change to an archived session", () =>
    rejects("conflicting answers", [
      call("cancel", 2, 3, at(2, "Start", { archived: true })),
      update(4, 5, "Start>A", at(3, "A"))
    ]))

  it("accepts an unknown update that happened, that never did, and that happened late", () => {
    const lost = update(2, 3, "Start>A", unknown)
    accepts([lost, read(4, 5, at(2, "A"))])
    accepts([lost, read(4, 5, at(1, "Start"))])
    accepts([lost, read(4, 5, at(1, "Start")), read(6, 7, at(2, "A"))])
  })

  it("rejects an unknown update that happened twice, or before it was sent, or was undone", () => {
    const lost = update(2, 3, "Start>A", unknown)
    const back = update(6, 7, "A>Start", at(3, "Start"))
    rejects("unexplained change", [lost, read(4, 5, at(2, "A")), back, read(8, 9, at(4, "A"))])
    rejects("unexplained change", [read(2, 3, at(2, "A")), update(4, 5, "Start>A", unknown)])
    rejects("stale answer", [lost, read(4, 5, at(2, "A")), read(6, 7, at(1, "Start"))])
  })

  it("finds the causes of several versions in a row that nobody saw", () => {
    const lost = [update(2, 3, "Start>A", unknown), update(4, 5, "A>B", unknown), update(6, 7, "A>C", unknown)]
    accepts([...lost, read(8, 9, at(3, "B"))])
    accepts([...lost, read(8, 9, at(3, "C"))])
    assert.deepStrictEqual(faults([...lost, read(8, 9, at(4, "C"))]), ["unexplained change"])
  })

  it("takes a claim for one version and its completion for another", () => {
    const claimed = update(2, 3, "Start>A", at(2, "Start", { next: "A" }))
    const pending = { outcome: "fail", error: "SessionProcessing" } as const
    const completed = call("completeTask", 6, 7, at(3, "A"))
    accepts([claimed, update(4, 5, "Start>A", { ...pending, ...at(2, "Start", { next: "A" }) }), completed])
    accepts([claimed, call("failTask", 6, 7, at(3, "Error"))])
    accepts([claimed, call("releaseClaim", 6, 7, at(3, "Start"))])
    rejects("conflicting answers", [claimed, update(6, 7, "Start>B", at(3, "B"))])
    rejects("unexplained change", [claimed, read(6, 7, at(3, "A"))])
    accepts([claimed, read(6, 7, at(3, "A"))], { spontaneous: ["task"] })
    rejects("unexplained change", [claimed, read(6, 7, at(3, "B"))], { spontaneous: ["task"] })
  })

  it("lets a session expire only where the flow allows it", () => {
    const gone = read(4, 5, at(2, "Start", { archived: true }))
    rejects("unexplained change", [gone])
    accepts([gone], { spontaneous: ["expiry"] })
  })

  it("knows the state after a claim no one was told about", () => {
    const lost = update(2, 3, "Start>A", unknown)
    accepts([lost, call("completeTask", 4, 5, at(3, "A"))])
    accepts([lost, read(4, 5, at(3, "A"))], { spontaneous: ["task"] })
  })
})

describe("checkHistory on idempotency keys", () => {
  const lost = update(2, 3, "Start>A", { ...unknown, key: "k" })
  const replay = (invoked: number, requestId: string) =>
    update(invoked, invoked + 1, "Start>A", { key: "k", replayed: true, requestId, ...at(2, "A") })

  it("takes a replayed answer for the first call's, not for the session as it is now", () =>
    accepts([lost, update(4, 5, "A>B", at(3, "B")), replay(6, "r1"), read(8, 9, at(3, "B"))]))

  it("knows that a retry that was accepted afresh means the first try was not", () => {
    const fresh = update(6, 7, "Start>A", { key: "k", requestId: "r1", ...at(2, "A") })
    accepts([lost, read(4, 5, at(1, "Start")), fresh])
    assert.deepStrictEqual(faults([lost, read(4, 5, at(2, "A")), fresh]), ["stale answer"])
  })

  it("rejects a key accepted twice, replayed in two ways, or replayed from nothing", () => {
    const fresh = update(2, 3, "Start>A", { key: "k", requestId: "r1", ...at(2, "A") })
    const again = update(8, 9, "Start>A", { key: "k", requestId: "r2", ...at(4, "A") })
    assert.deepStrictEqual(faults([fresh, update(4, 5, "A>Start", at(3, "Start")), again]), ["repeated key"])
    assert.deepStrictEqual(faults([fresh, replay(6, "r2")]), ["repeated key"])
    assert.deepStrictEqual(faults([replay(6, "r1")]), ["repeated key"])
    assert.deepStrictEqual(faults([fresh, replay(6, "r1")]), [])
  })
})

describe("checkHistory on many sessions", () => {
  it("judges each alone and names the bad one, with no more than shows it", () => {
    const elsewhere = (history: ReadonlyArray<Operation>) => history.map((each) => ({ ...each, session: "cs_2" }))
    const good = [opened, update(2, 3, "Start>A", at(2, "A")), read(10, 11, at(2, "A"))]
    const bad = elsewhere([...good, read(4, 5, at(2, "A")), read(6, 7, at(1, "Start"))])
    const verdict = checkHistory([...good, ...bad])
    assert.deepInclude(verdict, { valid: false, sessions: 2, operations: 8, undecided: [] })
    assert.deepStrictEqual(verdict.violations, [
      { session: "cs_2", rule: "stale answer", operations: [bad[1]!, bad[4]!] }
    ])
  })

  it("shrinks a bad history without versions", () => {
    const noise = Array.from({ length: 20 }, (_, index) => read(20 + index, 21 + index, at(2, "A")))
    const bad = [update(2, 3, "Start>A", at(2, "A")), ...noise, read(50, 51, at(1, "Start")), ...noise]
    const verdict = checkHistory(withoutVersions([opened, ...bad]))
    assert.deepStrictEqual(
      verdict.violations[0]?.operations.map((each) => each.invoked),
      [0, 2, 50]
    )
  })

  it("says which sessions it could not decide", () => {
    const calls = ["AB", "BA", "BC", "CA", "AC", "CB"].map(([expected, next], index) =>
      call("update", 2, 3, { process: index, expected, next, observed: {} })
    )
    const verdict = checkHistory([...calls, read(4, 5, { observed: { state: "D" } })], { budget: 3 })
    assert.deepInclude(verdict, { valid: false, undecided: [session], violations: [] })
  })
})
