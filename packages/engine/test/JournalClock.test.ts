import { assert, describe, it } from "@effect/vitest"
import { JournalClock } from "@onelane/engine"

describe("JournalClock", () => {
  const started = () => {
    let monotonic = 500
    const clock = JournalClock.make(() => monotonic)
    return {
      clock,
      /** Time passes here. */
      pass: (millis: number) => void (monotonic += millis),
      /** The store said `at`, asked `wayMillis` ago. */
      say: (at: number, wayMillis = 0) => clock.heard(monotonic - wayMillis, at)
    }
  }

  it("goes on from what the store said, by the monotonic clock", () => {
    const { clock, pass, say } = started()
    say(1_000_000)
    pass(250)
    assert.strictEqual(clock.nowMillis(), 1_000_250)
  })

  it("is never ahead of the store: an answer that was long on its way counts as said just now", () => {
    const { clock, pass, say } = started()
    say(1_000_000, 400)
    assert.strictEqual(clock.nowMillis(), 1_000_000)
    pass(100)
    say(1_000_490, 10) // a quicker answer tells more exactly
    assert.strictEqual(clock.nowMillis(), 1_000_490)
    pass(100)
    say(1_000_300, 400) // and one that is slow again takes nothing back
    assert.strictEqual(clock.nowMillis(), 1_000_590)
  })

  it("follows a store whose own clock is set, forward and back", () => {
    const { clock, say } = started()
    say(1_000_000)
    say(8_200_000, 20)
    assert.strictEqual(clock.nowMillis(), 8_200_000)
    say(1_000_000, 20)
    assert.strictEqual(clock.nowMillis(), 1_000_020) // as far as the answer was on its way, at most
  })
})
