import { assert, describe, it } from "@effect/vitest"
import { decide } from "../src/commands/Expire.js"
import * as Flow from "../src/flow/Flow.js"
import { after, claim, open, resultOf, turnAt, verdictOf } from "./rules.js"

const expiring = { ...open, expiresAt: 10 }
const judged = (state: ReturnType<typeof after>, nowMillis: number) =>
  verdictOf(decide(Flow.b2b, state, { tag: "Expire" }, turnAt(nowMillis)))

describe("Expire", () => {
  it("archives a session whose time has come, and only then", () => {
    assert.strictEqual(judged(after(expiring), 9), "shown")
    assert.strictEqual(judged(after(expiring), 10), "Expired")
    assert.strictEqual(judged(after(open), 1e15), "shown")
    const { state } = resultOf(after(expiring), decide(Flow.b2b, after(expiring), { tag: "Expire" }, turnAt(10)))
    assert.strictEqual(state.session?.closedBy, "EXPIRED")
    assert.strictEqual(judged(state, 11), "shown")
  })

  it("does not cut a running task off", () =>
    assert.strictEqual(judged(after(expiring, claim("Inventory")), 99), "shown"))

  it("an alarm for a session that was never opened changes nothing", () =>
    assert.strictEqual(judged(after(), 99), "SessionInaccessible/SESSION_INACCESSIBLE"))
})
