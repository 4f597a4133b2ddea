/** Ten times too many callers. The long form is `npm run prove -- --only overload`, on a machine that does nothing else. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Overload from "../src/prove/Overload.js"
import * as Unread from "../src/prove/Unread.js"

describe("Overload", () => {
  it.live(
    "ten times the room is refused in words, hot and spread, and memory stays bounded",
    () =>
      Effect.gen(function* () {
        const outcomes = yield* Overload.run({ seed: 1, room: 4, millis: 500, calmMillis: 200 })
        assert.deepStrictEqual(
          outcomes.map(({ shape }) => shape),
          ["hot", "spread"]
        )
        for (const each of outcomes) {
          assert.deepStrictEqual(Overload.wrong(each), [])
          assert.isAtLeast(each.refused, each.accepted)
        }
      }),
    120_000
  )

  it.live(
    "a server that takes everything is found out",
    () =>
      Effect.gen(function* () {
        const outcomes = yield* Overload.run({ seed: 1, room: 4, plantedRoom: 10_000, millis: 500, calmMillis: 200 })
        for (const each of outcomes) assert.deepStrictEqual(Overload.wrong(each), ["nothing was refused: no overload"])
      }),
    120_000
  )

  it.live(
    "clients who do not read hold nobody up and take no memory",
    () =>
      Effect.gen(function* () {
        for (const each of yield* Overload.runUnread()) assert.deepStrictEqual(Unread.wrong(each), [])
      }),
    120_000
  )

  it.live(
    "a server that takes any number of requests on one connection is found out",
    () =>
      Effect.gen(function* () {
        const outcomes = yield* Overload.runUnread({ unansweredMaxCount: 100_000 })
        for (const each of outcomes) assert.isNotEmpty(Unread.wrong(each))
      }),
    120_000
  )
})
