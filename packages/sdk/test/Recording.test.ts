/** The recorder before the Promise API: embedded, and over the small client. */
import { assert, describe, it } from "@effect/vitest"
import { Caller, Onelane, OnelaneError } from "@onelane/sdk"
import { checkHistory, type History, HistoryLines, Recorder, TimeLine } from "@onelane/sdk/check"

/** An update of a session whose flow is any: its states are texts here. */
const step = (checkoutSessionId: string, expCurrentState: string, nextState: string, more: object = {}) =>
  ({ checkoutSessionId, expCurrentState, nextState, ...more }) as never
const shown = (history: History.History) =>
  history.map(({ action, error, observed, outcome }) =>
    [action, outcome, error, observed?.version, observed?.state].filter((each) => each !== undefined).join(" ")
  )
const judgedFromText = (history: History.History) => {
  const read = HistoryLines.fromText(HistoryLines.toText(history))
  return read.ok ? checkHistory(read.value) : assert.fail(read.error.message)
}

describe("Recorder before the Promise API", () => {
  it("notes results, thrown errors, aborted calls and callers of their own, and changes nothing", async () => {
    await using checkout = await Onelane.open({ storage: ":memory:", flow: "any" })
    const recorder = Recorder.make()
    const mine = recorder.checkout(3, checkout)
    const { session } = await mine.openOrThrow({ cartId: "c", checkoutSessionId: "s", ownerId: "ann" })
    assert.strictEqual(session.id, "s")
    const updated = await mine.update(step("s", "Start", "Taxes", { idempotencyKey: "k" }))
    assert.isTrue(updated.ok)
    const again = await mine.updateOrThrow(step("s", "Start", "Taxes", { idempotencyKey: "k" }))
    assert.isTrue(again.replayed)
    const thrown = await mine.updateOrThrow(step("s", "Start", "Taxes")).catch((error: unknown) => error)
    assert.instanceOf(thrown, OnelaneError)
    const ann = mine.as({ userId: "ann", roles: ["buyer-checkout"], actingAccountId: null })
    await ann.get({ checkoutSessionId: "gone" })
    await mine.get({ checkoutSessionId: "gone" })
    await mine.get({ checkoutSessionId: "s" }, { wait: "screen" })
    const aborted = await mine.update(step("s", "Taxes", "Start"), { signal: AbortSignal.abort() })
    assert.deepInclude(aborted, { ok: false })
    await mine.update(step("s", "", 5 as never, { data: 1n }))
    await ann.update(step("s", "Taxes", "Start", { idempotencyKey: "k" }))
    await mine.cancel({ cartId: "c" })
    assert.deepStrictEqual(shown(recorder.history()), [
      "open ok 1 Start",
      "update ok 2 Taxes",
      "update ok 2 Taxes",
      "update fail ExpectedStateMismatch 2 Taxes",
      "read fail SessionInaccessible",
      "read fail SessionInaccessible 0 ",
      "update fail Aborted",
      "update fail InvalidInput",
      "update ok 3 Start",
      "cancel ok 4 Start"
    ])
    assert.deepInclude(recorder.history()[1], { process: 3, session: "s", key: "update host k", replayed: false })
    assert.deepInclude(recorder.history()[8], { key: "update ann k" })
    assert.isTrue(judgedFromText(recorder.history()).valid)
  })

  it("notes what a caller hands over as it was then, not as the caller changes it later", async () => {
    const recorder = Recorder.make()
    const data = { items: 1 }
    const door = recorder.checkout(0, {
      update: async () => ({ ok: false, error: { _tag: "Odd", applied: "unknown" } })
    })
    await (door.update as (input: unknown) => Promise<unknown>)(step("s", "A", "A", { data }))
    data.items = 2
    assert.deepInclude(recorder.history()[0], { patch: { items: 1 }, outcome: "info", error: "Odd" })
  })

  it("a defect and a call that still runs are unknown; what was thrown reaches the caller", async () => {
    const recorder = Recorder.make()
    const defect = new Error("a bug")
    const door = recorder.checkout(0, {
      get: (_: object) => Promise.reject(defect),
      cancel: (_: object) => new Promise<unknown>(() => {})
    })
    assert.strictEqual(await door.get({ checkoutSessionId: "s" }).catch((thrown: unknown) => thrown), defect)
    void door.cancel({ checkoutSessionId: "s" })
    assert.deepStrictEqual(
      recorder.history().map(({ outcome, returned }) => [outcome, returned]),
      [
        ["info", 1],
        ["info", Number.POSITIVE_INFINITY]
      ]
    )
  })

  it("a race over Promises and over the Effect service is judged as one history, from its lines as well", async () => {
    await using checkout = await Onelane.open({ storage: ":memory:", flow: "any" })
    const recorder = Recorder.make()
    const host = recorder.checkout(0, checkout)
    await host.openOrThrow({ cartId: "c", checkoutSessionId: "s" })
    const states = ["Inventory", "Taxes", "Delivery Method", "Shipping Address"]
    const race = async (process: number) => {
      const mine = recorder.checkout(process, process % 2 === 0 ? checkout : checkout.as(Caller.host))
      for (let round = 0; round < 30; round++) {
        const { state } = await mine.getOrThrow({ checkoutSessionId: "s" })
        await mine.update(step("s", state, states[(process + round) % states.length]!))
      }
    }
    await Promise.all([1, 2, 3, 4, 5].map(race))
    const history = recorder.history()
    const verdict = judgedFromText(history)
    assert.deepStrictEqual(verdict.violations.map(TimeLine.toText), [])
    assert.isTrue(verdict.valid)
    assert.isAbove(history.filter((each) => each.error === "ExpectedStateMismatch").length, 20)
    const loser = history.findIndex((each) => each.error === "ExpectedStateMismatch")
    const forged = history.map((each, at) =>
      at === loser ? { ...each, outcome: "ok" as const, error: undefined } : each
    )
    assert.isFalse(judgedFromText(forged).valid)
  })
})
