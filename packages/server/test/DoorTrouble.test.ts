/** What the door says where the service is in trouble, and that it says nothing to a caller who left. */
import { assert, describe, it } from "@effect/vitest"
import type { CheckoutError, CheckoutSessions } from "@onelane/checkout"
import { Effect, Exit } from "effect"
import { type How, isEmpty, make, native, type Options, standard, told } from "./Door.js"

const answeredBy = (
  exit: Exit.Exit<CheckoutSessions.Updated, CheckoutError.UpdateError>,
  isLate: boolean
): Options => ({
  behind: {
    update: () => (isLate ? Effect.delay(exit, 1) : exit),
    startUpdate: () =>
      isLate
        ? { isBegun: true, listen: (onExit) => void setImmediate(() => onExit(exit)), withdraw: () => false }
        : exit
  }
})

const unavailable = {
  reason: "FSYNC",
  message: "The disk “gave” no answer.",
  retryable: true,
  applied: "unknown"
} as const

const hows: ReadonlyArray<How> = ["served", "effects", "platform"]

describe.each(hows)("a service in trouble (%s)", (how) => {
  it.scopedLive("overload, store timeouts and defects are answered in both formats, at once or later", () =>
    Effect.gen(function* () {
      const exits: ReadonlyArray<readonly [Exit.Exit<never, CheckoutError.UpdateError>, number, string]> = [
        [
          Exit.fail({ _tag: "StorageUnavailable", retryAfterMillis: 1_500, ...unavailable }),
          500,
          "The disk “gave” no answer."
        ],
        [
          Exit.fail({
            _tag: "Overloaded",
            reason: "MAILBOX_FULL",
            message: "Too much.",
            retryable: true,
            applied: "no",
            retryAfterMillis: 250
          }),
          503,
          "MAILBOX_FULL"
        ],
        [Exit.die(new Error("a defect")), 500, "INTERNAL_ERROR"]
      ]
      for (const [exit, status, text] of exits) {
        for (const isLate of [false, true]) {
          const door = yield* make(answeredBy(exit, isLate), how)
          for (const bytes of [native("any"), standard("any")]) {
            const answer = Buffer.from(yield* told(door, [bytes]), "latin1").toString()
            assert.include(answer, `HTTP/1.1 ${status} `)
            assert.include(answer, text)
          }
          isEmpty(door)
        }
      }
    })
  )

  it.scopedLive("the update of a caller who hangs up is withdrawn, and nothing is counted", () =>
    Effect.gen(function* () {
      let withdrawn = 0
      const door = yield* make(
        {
          behind: {
            update: () =>
              Effect.onInterrupt(Effect.never, () =>
                Effect.sync(() => {
                  withdrawn += 1
                })
              ),
            startUpdate: () => ({
              isBegun: false,
              listen: () => {},
              withdraw: () => {
                withdrawn += 1
                return true
              }
            })
          }
        },
        how
      )
      assert.match(yield* told(door, [native("any")], { lateMillis: 200 }), /^\[late\]$/)
      assert.match(yield* told(door, [standard("any")], { lateMillis: 200 }), /^\[late\]$/)
      assert.match(yield* told(door, [native("any").slice(0, -1)], { lateMillis: 200 }), /^\[late\]$/)
      const isDone = () => withdrawn === 2 && door.metrics.inside().requests === 0
      yield* Effect.repeat(Effect.sleep(10), { until: isDone, times: 200 })
      assert.strictEqual(withdrawn, 2)
      assert.strictEqual(door.metrics.answers.size, 0)
      isEmpty(door)
    })
  )

  it.scopedLive("a caller who left before its update could be withdrawn gets no answer", () =>
    Effect.gen(function* () {
      let end = (): void => {}
      const door = yield* make(
        {
          behind: {
            update: () =>
              Effect.uninterruptible(
                Effect.async<never>((resume) => void (end = () => resume(Effect.die("too late"))))
              ),
            startUpdate: () => ({
              isBegun: true,
              listen: (onExit) => void (end = () => onExit(Exit.die("too late"))),
              withdraw: () => false
            })
          }
        },
        how
      )
      assert.match(yield* told(door, [native("any")], { lateMillis: 200 }), /^\[late\]$/)
      yield* Effect.sleep(50)
      assert.strictEqual(door.metrics.inside().requests, 1)
      end()
      yield* Effect.repeat(Effect.sleep(10), { until: () => door.metrics.inside().requests === 0, times: 200 })
      assert.strictEqual(door.metrics.answers.size, 0)
      isEmpty(door)
    })
  )
})
