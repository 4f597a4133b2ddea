/** What one request may cost: bodies that are small to send and dear to look at are refused early, and little is repeated. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Door from "./Door.js"
import { dial, statuses } from "./Wire.js"

const names = (count: number) => Array.from({ length: count }, (_, index) => `"n${index}":0`).join(",")

const told = (door: Door.Door, said: Door.Said) =>
  dial(door.port, Door.request({ ...said, headers: "Connection: close\r\n" })).heard

describe("the cost of one request", { timeout: 60_000 }, () => {
  const bodies: Readonly<Record<string, string>> = {
    "100,000 unknown names": `{${names(100_000)}}`,
    "100,000 elements": `{"cartId":[${"0,".repeat(99_999)}0]}`,
    "100,000 empty objects": `{"cartId":[${"{},".repeat(99_999)}{}]}`,
    "inputs of an action": `{"inputs":[${"{},".repeat(50_000)}{}]}`
  }
  for (const [what, body] of Object.entries(bodies)) {
    it.scopedLive(`W6 ${what} are refused before parsing, in a short answer`, () =>
      Effect.gen(function* () {
        const door = yield* Door.make({ limits: { bodyMaxBytes: 4 * 2 ** 20 } })
        for (const path of ["/v1/checkout-sessions", Door.standardPath]) {
          const { text } = yield* told(door, { path, body })
          assert.deepStrictEqual(statuses(text), [400])
          assert.include(text, "A body has at most 10000 values")
          assert.isBelow(text.length, 2_000)
        }
      })
    )
  }

  it.scopedLive("W6 the largest allowed number of values is checked quickly, and few unknown names are repeated", () =>
    Effect.gen(function* () {
      const door = yield* Door.make()
      const body = `{${names(9_990)}}`
      const single = `{"inputs":[{${names(9_980)}}]}`
      const cpu = process.cpuUsage()
      for (const said of [
        { path: "/v1/checkout-sessions", body },
        { path: Door.standardPath, body: single }
      ]) {
        const { text } = yield* told(door, said)
        assert.deepStrictEqual(statuses(text), [400])
        assert.isBelow(text.length, 2_000)
      }
      const { user } = process.cpuUsage(cpu)
      assert.isBelow(user / 1_000, 400)
    })
  )

  it.scopedLive("W6 a call with 200 full inputs is far below the limit of values", () =>
    Effect.gen(function* () {
      const door = yield* Door.make()
      const { id } = yield* Door.newSession(door)
      const input = { checkoutSessionId: id, ...Door.update, expectedVersion: 9, idempotencyKey: null, a: 1, b: 2 }
      const { text } = yield* told(door, { path: Door.standardPath, body: { inputs: Array(200).fill(input) } })
      assert.notInclude(text, "LIMIT_EXCEEDED")
    })
  )
})

describe("the rate of one caller", () => {
  it.scopedLive("Q7 rate: the inputs of an action count, not its calls", () =>
    Effect.gen(function* () {
      const door = yield* Door.make({ limits: { callsPerSecond: 1, burstCount: 10 } })
      const bulk = (count: number) =>
        told(door, { path: Door.standardPath, body: { inputs: Array(count).fill({ checkoutSessionId: "none" }) } })
      assert.deepStrictEqual(statuses((yield* bulk(6)).text), [400])
      const { text } = yield* bulk(6)
      assert.deepStrictEqual(statuses(text), [429])
      assert.match(text, /retry-after: [12]\r/i)
      assert.deepStrictEqual(statuses((yield* bulk(1)).text), [400])
    })
  )

  it.scopedLive("Q7 rate: a full bucket accepts a bulk larger than the burst, and later calls wait for it", () =>
    Effect.gen(function* () {
      const door = yield* Door.make({ limits: { callsPerSecond: 100, burstCount: 10 } })
      const bulk = { inputs: Array(60).fill({ checkoutSessionId: "none" }) }
      const first = yield* told(door, { path: Door.standardPath, body: bulk })
      assert.deepStrictEqual(statuses(first.text), [400])
      const { text } = yield* told(door, { path: Door.standardPath, body: bulk })
      assert.deepStrictEqual(statuses(text), [429])
    })
  )

  it.scopedLive("Q7 rate: buyers have a default limit, integrators and operators have none", () =>
    Effect.gen(function* () {
      const door = yield* Door.make({ limits: { burstCount: 3, buyerCallsPerSecond: 1 } })
      const ask = (token: string) =>
        told(door, { method: "GET", path: "/v1/checkout-sessions/none", token, type: null })
      const answers = yield* Effect.forEach(Array(5).fill("buyer"), ask)
      assert.deepStrictEqual(
        answers.flatMap(({ text }) => statuses(text)),
        [400, 400, 400, 429, 429]
      )
      const shop = yield* Effect.forEach(Array(5).fill("host"), ask)
      assert.deepStrictEqual([...new Set(shop.flatMap(({ text }) => statuses(text)))], [400])
    })
  )
})
