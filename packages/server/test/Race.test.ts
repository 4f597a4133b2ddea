/** The race: planted faults are found, a correct checkout raises no alarm, and a run in which too little happened does not pass. */
import { assert, describe, it } from "@effect/vitest"
import { checkHistory, TimeLine } from "@onelane/history"
import type { Adapter } from "../src/race/Adapter.js"
import * as AdapterModule from "../src/race/Adapter.js"
import * as Race from "../src/race/Race.js"
import * as Report from "../src/race/RaceReport.js"
import { manyRuns, untilFound } from "./race/Runs.js"
import * as StandIn from "./race/StandIn.js"

describe("race", { timeout: 120_000 }, () => {
  for (const fault of StandIn.faults) {
    it(`race: a checkout with the fault "${fault}" is found wrong`, async () => {
      const found = await untilFound(fault, StandIn.adapter)
      assert.strictEqual(found.outcome.verdict, "wrong", Report.sentenceOf(found.outcome))
      const { violation } = found.outcome.scenarios.find((each) => each.violation !== null)!
      // The proof stands alone: those calls by themselves are a broken history, or a part of one that the checker explains.
      assert.isAtMost(violation!.operations.length, 12, TimeLine.toText(violation!))
      assert.isFalse(checkHistory(found.outcome.history, { initial: "Cart", finals: ["Done"] }).valid)
    })
  }

  it("race: 50 runs against a correct checkout raise no alarm, with versions and without", async () => {
    for (const adapter of [StandIn.adapter, StandIn.withoutVersions]) {
      const runs = await manyRuns(25, adapter)
      assert.deepStrictEqual(runs.alarms, [])
      // One session a scenario is little: where no calls overlapped, a run is not judged, and no alarm either.
      assert.isAtLeast(runs.correct, 12, runs.reasons.join("\n"))
      assert.isAtLeast(runs.races, 250)
    }
  })

  it("race: a run ends within its bounds of calls and of time, and what it left out is said", async () => {
    const { http } = StandIn.make(null, 1)
    const few = await Race.run({ adapter: StandIn.adapter, http, run: "r", callsMaxCount: 30 })
    assert.strictEqual(few.calls, 30)
    assert.strictEqual(few.verdict, "not judged")
    assert.include(few.reasons.join("; "), "readers in between: the bounds left no room for it")
    const slow: Adapter = { ...StandIn.adapter, read: () => new Promise(() => {}) }
    const begun = performance.now()
    const late = await Race.run({ adapter: slow, http, run: "r", millis: 150, deadlineMillis: 100 })
    assert.isBelow(performance.now() - begun, 1_500)
    assert.strictEqual(late.verdict, "not judged")
    for (const wrong of [{ rounds: 0 }, { rounds: 1_001 }, { callsMaxCount: 1.5 }, { millis: 600_001 }]) {
      const rejected = await Race.run({ adapter: StandIn.adapter, http, run: "r", ...wrong }).catch(
        (error: unknown) => error
      )
      assert.instanceOf(rejected, RangeError)
    }
  })

  it("race: a checkout that refuses everything, opens nothing or answers nonsense is not judged, and does not pass", async () => {
    const { http } = StandIn.make(null, 1)
    const told = async (adapter: Partial<Adapter>) => {
      const outcome = await Race.run({ adapter: { ...StandIn.adapter, ...adapter }, http, run: "r", rounds: 2 })
      assert.strictEqual(outcome.verdict, "not judged", Report.sentenceOf(outcome))
      assert.include(Report.junitOf(outcome, "here"), "<error type=")
      return Report.sentenceOf(outcome)
    }
    const refusing: Partial<Adapter> = {
      update: async () => ({ outcome: "refused", error: "TransitionNotAllowed" }),
      complete: async () => ({ outcome: "refused" }),
      cancel: async () => ({ outcome: "refused" })
    }
    assert.include(await told(refusing), "two tabs: no race took place")
    assert.include(
      await told({ create: async () => ({ outcome: "refused", error: "closed" }) }),
      "no session could be opened"
    )
    assert.include(await told({ create: async () => ({ outcome: "accepted" }) }), "create told no session")
    assert.include(await told({ update: async () => ({ outcome: "done" }) as never }), "no race took place")
    assert.include(
      await told({ read: () => Promise.reject(new Error("a bug")), update: () => Promise.reject(new Error("a bug")) }),
      "got no answer that says whether they were done"
    )
  })

  it("race: a checkout without keys or cancel is raced in the ways that are left", async () => {
    const { http } = StandIn.make(null, 1)
    const { cancel: _, ...rest } = StandIn.adapter
    const outcome = await Race.run({ adapter: { ...rest, keys: "none" }, http, run: "r", rounds: 3 })
    assert.strictEqual(outcome.verdict, "correct", Report.sentenceOf(outcome))
    assert.deepStrictEqual(
      outcome.scenarios.filter(({ skipped }) => skipped !== null).map(({ name }) => name),
      ["complete beside cancel", "same key in flight", "same request under a fresh key"]
    )
  })

  it("race: repeated answers that a checkout does not mark count as one where they say the same, and as two where not", async () => {
    const unmarked = (again: (version: number) => number): Adapter => {
      const update: Adapter["update"] = async (call) => {
        const answer = await StandIn.adapter.update(call)
        if (answer.outcome !== "accepted") return answer
        const { replayed, seen } = answer
        return {
          outcome: "accepted",
          seen: { ...seen, version: replayed === true ? again(seen!.version!) : seen!.version, requestId: undefined }
        }
      }
      return { ...StandIn.adapter, update, complete: undefined }
    }
    const run = (adapter: Adapter) => Race.run({ adapter, http: StandIn.make(null, 3).http, run: "r", rounds: 4 })
    const same = await run(unmarked((version) => version))
    assert.strictEqual(same.verdict, "correct", Report.textOf(same))
    const different = await run(unmarked((version) => version + 1))
    assert.strictEqual(different.verdict, "wrong")
    assert.include(Report.sentenceOf(different), "repeated key")
  })

  it("race: the outcome is a table, a time line, JUnit XML and a picture; none of them obeys what the checkout answered", async () => {
    const evil = "\u001b[2J]]>&<b>\u0000"
    const { http } = StandIn.make("read, then write", 2)
    const adapter: Adapter = {
      ...StandIn.adapter,
      update: async (call) => {
        const answer = await StandIn.adapter.update(call)
        return answer.outcome === "accepted" ? { ...answer, requestId: `${answer.requestId}${evil}` } : answer
      },
      complete: undefined
    }
    const outcome = await Race.run({ adapter, http, run: "r", rounds: 20 })
    assert.strictEqual(outcome.verdict, "wrong")
    const junit = Report.junitOf(outcome, "http://127.0.0.1")
    const svg = Report.svgOf(outcome)!
    for (const text of [Report.textOf(outcome), junit, svg]) {
      assert.isFalse(/[^\P{Cc}\n]/u.test(text))
      assert.match(text, /update Cart → \w+: ok/)
    }
    const failures = outcome.scenarios.filter(({ violation }) => violation !== null).length
    assert.include(junit, `tests="8" failures="${failures}" errors="0" skipped="0"`)
    assert.strictEqual(junit.match(/<failure type=/g)?.length, failures)
    for (const text of [junit, svg]) assert.notInclude(text, "<b>")
  })

  it("adapter: what is no adapter is refused with a sentence that names the member", () => {
    const { adapter } = StandIn
    assert.isNull(AdapterModule.faultOf(adapter))
    for (const [wrong, why] of [
      [null, "an adapter is an object"],
      [{ ...adapter, read: undefined }, "read must be a function"],
      [{ ...adapter, transitions: { Cart: "Done" } }, "transitions must be an object of states to lists of states"],
      [{ ...adapter, initial: "None" }, "transitions must name the initial state"],
      [{ ...adapter, transitions: { Cart: ["A"], A: ["Cart"] } }, "must lead to a state without followers"],
      [{ ...adapter, keys: "some" }, 'keys must be "none", "optional" or "required"'],
      [{ ...adapter, edits: { members: [] } }, "edits must be { members: […] }"],
      [{ ...adapter, creat: adapter.create }, "creat is nothing that an adapter has"]
    ] as const)
      assert.include(AdapterModule.faultOf(wrong), why)
  })
})
