/**
 * Check a run of your own: callers race, a recorder between them and the service records every answer and its time, and
 * `checkHistory` decides whether one order of the calls explains every answer. Then it detects one forged answer.
 */
import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Caller, CheckoutSessions, Onelane } from "@onelane/sdk"
import { checkHistory, Recorder, TimeLine } from "@onelane/sdk/check"
import { Effect } from "effect"

const states = ["Inventory", "Taxes", "Delivery Method"]

const record = Effect.gen(function* () {
  const service = yield* CheckoutSessions.CheckoutSessions
  const recorder = Recorder.make()
  const opened = yield* recorder.client(0, service).open(Caller.host, { cartId: "cart-1" })
  const checkoutSessionId = opened.session.id
  const race = (process: number) =>
    Effect.gen(function* () {
      const mine = recorder.client(process, service)
      for (const nextState of states) {
        const { state } = yield* mine.get(Caller.host, { checkoutSessionId })
        yield* Effect.yieldNow()
        yield* Effect.either(mine.update(Caller.host, { checkoutSessionId, expCurrentState: state, nextState }))
      }
    })
  yield* Effect.all([1, 2, 3, 4].map(race), { concurrency: "unbounded" })
  return recorder.history()
})

const flow = "any"
const history = await Effect.runPromise(Effect.provide(record, Onelane.layer({ storage: ":memory:", flow })))
const verdict = checkHistory(history)
console.log(`${verdict.operations} calls of ${verdict.sessions} session: ${verdict.valid ? "linearizable" : "broken"}`)

const loser = history.findIndex(({ error }) => error === "ExpectedStateMismatch")
const forged = history.map((each, index) =>
  index === loser ? { ...each, outcome: "ok" as const, error: undefined } : each
)
for (const violation of checkHistory(forged).violations) {
  console.log(TimeLine.toText(violation))
  const file = join(mkdtempSync(join(tmpdir(), "onelane-")), "violation.svg")
  writeFileSync(file, TimeLine.toSvg(violation))
  console.log(`the same as a picture: ${file}`)
}
