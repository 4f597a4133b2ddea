/** Both ways an update can come in give the same bytes where the service is in trouble, and none to a caller who left. */
import { assert, describe, it } from "@effect/vitest"
import type { CheckoutError, CheckoutSessions } from "@onelane/checkout"
import { Effect, Exit } from "effect"
import { both, make, native, type Options, sameNumbers, standard } from "./TwoWays.js"

const answeredBy = (
  exit: Exit.Exit<CheckoutSessions.Updated, CheckoutError.UpdateError>,
  isLate: boolean
): Options => ({
  behind: {
    update: () => (isLate ? Effect.delay(exit, 1) : exit),
    updateNow: (_caller, _input, onExit) => {
      if (isLate) setImmediate(() => onExit(exit))
      else onExit(exit)
      return null
    }
  }
})

const unavailable = {
  reason: "FSYNC",
  message: "The disk “gave” no answer.",
  retryable: true,
  applied: "unknown"
} as const

describe("what only a service in trouble says", () => {
  it.scopedLive("comes out alike: overload, a store without an answer, a defect, an end; at once or later", () =>
    Effect.gen(function* () {
      const exits: ReadonlyArray<Exit.Exit<never, CheckoutError.UpdateError>> = [
        Exit.fail({ _tag: "StorageUnavailable", retryAfterMillis: 1_500, ...unavailable }),
        Exit.fail({
          _tag: "Overloaded",
          reason: "MAILBOX_FULL",
          message: "Too much.",
          retryable: true,
          applied: "no",
          retryAfterMillis: 250
        }),
        Exit.die(new Error("a defect"))
      ]
      for (const exit of exits) {
        for (const isLate of [false, true]) {
          const servers = yield* make(answeredBy(exit, isLate))
          assert.match(yield* both(servers, [native("any")]), /^HTTP\/1.1 50[03] /)
          assert.match(yield* both(servers, [standard("any")]), /^HTTP\/1.1 50[03] /)
          assert.strictEqual(servers.hot.hot(), 2)
          sameNumbers(servers)
        }
      }
    })
  )

  it.scopedLive("a caller who hangs up is withdrawn, and leaves nothing counted", () =>
    Effect.gen(function* () {
      let withdrawn = 0
      const servers = yield* make({
        behind: {
          update: () =>
            Effect.onInterrupt(Effect.never, () =>
              Effect.sync(() => {
                withdrawn += 1
              })
            ),
          updateNow: () => () => {
            withdrawn += 1
            return true
          }
        }
      })
      assert.match(yield* both(servers, [native("any")], { lateMillis: 200 }), /^\[late\]$/)
      assert.match(yield* both(servers, [standard("any")], { lateMillis: 200 }), /^\[late\]$/)
      assert.match(yield* both(servers, [native("any").slice(0, -1)], { lateMillis: 200 }), /^\[late\]$/)
      yield* Effect.repeat(Effect.sleep(10), { until: () => withdrawn === 4, times: 200 })
      assert.strictEqual(withdrawn, 4)
      yield* Effect.sleep(50)
      assert.strictEqual(servers.hot.hot(), 3)
      assert.strictEqual(servers.hot.metrics.answers.size, 0)
      sameNumbers(servers)
    })
  )
})
