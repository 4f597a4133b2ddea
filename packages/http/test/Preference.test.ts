/** How long a client prefers to wait, and what the answer says of it. */
import { connect } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { CheckoutSessions } from "@onelane/checkout"
import { Effect } from "effect"
import * as DoorMetrics from "../src/core/DoorMetrics.js"
import * as Preference from "../src/core/Preference.js"
import type { WireRequest } from "../src/core/WireRequest.js"
import { Base, byEveryAdapter, callers, newSession, send, update } from "./HttpWorld.js"

const waitOf = (prefer?: string) =>
  Preference.waitMillisOf({ headers: prefer === undefined ? {} : { prefer } } as unknown as WireRequest)

describe("Prefer: wait", () => {
  it("N18 is read in seconds, the first one of several, and at most a minute", () => {
    const cases: ReadonlyArray<[string | undefined, number | null]> = [
      [undefined, null],
      ["wait=10", 10_000],
      ["WAIT = 10", 10_000],
      ['wait="10"', 10_000],
      ["wait=0.25", 250],
      ["respond-async, wait=5", 5_000],
      ["wait=5, wait=7", 5_000],
      ['note="wait=9, wait=8", wait=3; strict', 3_000],
      ["wait=3600", 60_000],
      ["wait=0", null],
      ["wait", null],
      ["wait=", null],
      ["wait=-1", null],
      ["wait=soon", null],
      ["wait=1e3", null],
      ["waiting=10", null],
      ['note="wait=9', null],
      [",;=,", null]
    ]
    for (const [prefer, millis] of cases) assert.strictEqual(waitOf(prefer), millis, prefer)
    for (const millis of [1, 250, 9_995, 10_000]) assert.strictEqual(waitOf(Preference.waitText(millis)), millis)
  })
})

const metrics = DoorMetrics.make()

const until = (isSo: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (isSo() ? Effect.void : Effect.delay(until(isSo), 5)))

/** A session in Inventory, whose work the host does. */
const inInventory = Effect.gen(function* () {
  const { id } = yield* newSession
  yield* update(id, "Start", "Inventory")
  return id
})

const operationOf = (id: string) =>
  Effect.flatMap(CheckoutSessions.CheckoutSessions, (sessions) =>
    Effect.map(sessions.get(callers.admin, { checkoutSessionId: id }), ({ operationId }) => operationId)
  )

const claimed = (id: string): Effect.Effect<string, unknown, CheckoutSessions.CheckoutSessions> =>
  Effect.flatMap(operationOf(id), (operation) =>
    operation === null ? Effect.delay(claimed(id), 5) : Effect.succeed(operation)
  )

byEveryAdapter("waiting over HTTP", { limits: { waitsMaxCount: 1 }, metrics }, (it) => {
  it.effect("N18 an update that prefers to wait is answered when its work is done, and says so", () =>
    Effect.gen(function* () {
      const id = yield* inInventory
      const headers = { prefer: "wait=20", "idempotency-key": "k1" }
      const [answer] = yield* Effect.all(
        [
          update(id, "Inventory", "Confirm Price", { headers }),
          Effect.flatMap(claimed(id), (operation) =>
            send("POST", `/v1/checkout-sessions/${id}/operations/${operation}/complete`, { as: "integrator", body: {} })
          )
        ],
        { concurrency: "unbounded" }
      )
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(answer.headers["preference-applied"], "wait=20")
      assert.strictEqual(answer.headers.etag, '"4"')
      assert.deepInclude(answer.body, { arrived: true, replayed: false })
      assert.deepInclude(answer.body.session, { state: "Confirm Price", isProcessing: false })
      const again = yield* update(id, "Inventory", "Confirm Price", { headers })
      assert.deepStrictEqual(again.body, { ...answer.body, replayed: true })
      assert.strictEqual(metrics.inside().waits, 0)
    })
  )

  it.effect("N18 an answer to a client that prefers nothing says nothing of waiting", () =>
    Effect.gen(function* () {
      const id = yield* inInventory
      const answer = yield* update(id, "Inventory", "Confirm Price", { headers: { prefer: "return=minimal" } })
      assert.deepInclude(answer.body.session, { isProcessing: true })
      assert.notProperty(answer.body, "arrived")
      assert.notProperty(answer.headers, "preference-applied")
    })
  )

  it.effect("N18 a wait that is over is a 200 with the accepted update", () =>
    Effect.gen(function* () {
      const id = yield* inInventory
      const answer = yield* update(id, "Inventory", "Confirm Price", { headers: { prefer: "wait=0.05" } })
      assert.deepInclude(answer.body, { arrived: false })
      assert.deepInclude(answer.body.session, { isProcessing: true, version: 3 })
      assert.deepInclude(answer.headers, { "preference-applied": "wait=0.05", etag: '"3"' })
      const read = yield* send("GET", `/v1/checkout-sessions/${id}?afterVersion=3`, {
        headers: { prefer: "wait=0.05" }
      })
      assert.deepInclude(read.body, { isProcessing: true, version: 3 })
      assert.strictEqual(read.headers["preference-applied"], "wait=0.05")
      assert.strictEqual((yield* send("GET", `/v1/checkout-sessions/${id}?afterVersion=3`)).status, 400)
    })
  )

  it.effect("Q8 a request that leaves makes room at once; one too many is answered as it is, without the header", () =>
    Effect.gen(function* () {
      const { port } = yield* Base
      const id = yield* inInventory
      yield* update(id, "Inventory", "Confirm Price")
      const socket = connect(port, "127.0.0.1")
      socket.on("error", () => {})
      const get = `GET /v1/checkout-sessions/${id} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer buyer\r\nPrefer: wait=60\r\n\r\n`
      socket.write(get)
      yield* until(() => metrics.inside().waits === 1)
      const full = yield* send("GET", `/v1/checkout-sessions/${id}`, { headers: { prefer: "wait=60" } })
      assert.deepInclude(full.body, { isProcessing: true })
      assert.notProperty(full.headers, "preference-applied")
      socket.destroy()
      yield* until(() => metrics.inside().waits === 0)
      yield* until(() => metrics.inside().requests === 0)
    })
  )
})
