/** An update through the door of a server: what succeeds, what is refused, what is limited, with updates as effects, too. */
import { assert, describe, it } from "@effect/vitest"
import { Caller, type CheckoutError, CheckoutSessions } from "@onelane/checkout"
import { Directory } from "@onelane/directory"
import { Effect } from "effect"
import * as Listener from "../src/serve/Listener.js"
import * as ListenerLimits from "../src/settings/ListenerLimits.js"
import {
  aliasPath,
  type Door,
  type How,
  isEmpty,
  make,
  native,
  newSession,
  request,
  type Said,
  standard,
  told,
  update
} from "./Door.js"

type Names = Effect.Effect.Success<ReturnType<typeof newSession>>

const directory = (door: Door, change: (to: Directory.DirectoryShape) => Effect.Effect<unknown, any>) =>
  Effect.provide(Effect.orDie(Effect.flatMap(Directory.Directory, change)), door.context)

const service = <A>(door: Door, use: (to: CheckoutSessions.CheckoutSessionsShape) => Effect.Effect<A, any>) =>
  Effect.provide(Effect.orDie(Effect.flatMap(CheckoutSessions.CheckoutSessions, use)), door.context)

const move = (door: Door, checkoutSessionId: string, expCurrentState: string, nextState: string) =>
  service(door, (to) => to.update(Caller.host, { checkoutSessionId, expCurrentState, nextState }))

/** Every refusal of CONTRACT §3 that a caller can bring about: what makes it, and the status it has. */
const refusals: ReadonlyArray<{
  readonly tag: CheckoutError.CheckoutError["_tag"]
  readonly status: number
  readonly said?: Said
  readonly input?: object
  readonly before?: (door: Door, names: Names) => Effect.Effect<unknown>
}> = [
  { tag: "ActionNotPermitted", status: 400, said: { token: "nobody" } },
  { tag: "InvalidInput", status: 400, input: { nextState: null } },
  { tag: "InvalidInput", status: 400, input: { expectedVersion: "1" } },
  { tag: "InvalidInput", status: 400, input: { more: true } },
  { tag: "InvalidState", status: 400, input: { nextState: "Nowhere" } },
  { tag: "InvalidState", status: 400, input: { nextState: "Start" } },
  { tag: "SessionInaccessible", status: 400, said: { token: "stranger" } },
  {
    tag: "AccountInaccessible",
    status: 400,
    before: (door, { accountId }) => directory(door, (to) => to.putAccount({ id: accountId, active: false }))
  },
  {
    tag: "NotStoreMember",
    status: 400,
    before: (door, { accountId, storeId }) => directory(door, (to) => to.removeStoreMember(storeId, accountId))
  },
  {
    tag: "SessionClosed",
    status: 409,
    before: (door, { id }) => service(door, (to) => to.cancel(Caller.host, { checkoutSessionId: id }))
  },
  {
    tag: "CartNotUpdatable",
    status: 409,
    before: (door, { accountId, cartId, storeId }) =>
      directory(door, (to) => to.putCart({ id: cartId, accountId, storeId, ownerId: "buyer", status: "Closed" }))
  },
  { tag: "ExpectedStateMismatch", status: 409, input: { expectedVersion: 7 } },
  { tag: "ExpectedStateMismatch", status: 409, before: (door, { id }) => move(door, id, "Start", "Shipping Address") },
  {
    tag: "SessionProcessing",
    status: 409,
    input: { expCurrentState: "Inventory", nextState: "Confirm Price" },
    before: (door, { id }) =>
      Effect.zipRight(move(door, id, "Start", "Inventory"), move(door, id, "Inventory", "Confirm Price"))
  },
  { tag: "TransitionNotAllowed", status: 409, input: { nextState: "Complete" } }
]

const hows: ReadonlyArray<How> = ["served", "effects"]

describe.each(hows)("an update through the door (%s)", (how) => {
  it.scopedLive("update: succeeds in both formats, and the same key replays the answer", () =>
    Effect.gen(function* () {
      const door = yield* make({}, how)
      const key = { headers: 'idempotency-key: k\r\nif-match: "1"\r\n' }
      const { id } = yield* newSession(door)
      assert.match(yield* told(door, [native(id, key)]), /^HTTP\/1.1 200 .*"version":2.*\[enough\]$/s)
      assert.match(yield* told(door, [native(id, key)]), /idempotent-replayed: true/)
      assert.match(yield* told(door, [native(id, { headers: 'if-match: "1"\r\n' })]), /^HTTP\/1.1 412 /)
      const other = yield* newSession(door)
      const once = { idempotencyKey: "k" }
      assert.match(yield* told(door, [standard(other.id, once)]), /^HTTP\/1.1 200 .*"isSuccess":true/s)
      assert.match(yield* told(door, [standard(other.id, once)]), /idempotent-replayed: true/)
      const third = yield* newSession(door)
      assert.match(yield* told(door, [standard(third.id, {}, { path: aliasPath })]), /^HTTP\/1.1 200 /)
      isEmpty(door)
    })
  )

  it.scopedLive("update: a refusal has its status in both formats", () =>
    Effect.gen(function* () {
      const door = yield* make({}, how)
      for (const { before, input = {}, said = {}, status, tag } of refusals) {
        const names = yield* newSession(door)
        if (before !== undefined) yield* before(door, names)
        const answer = yield* told(door, [native(names.id, { body: { ...update, ...input }, ...said })])
        assert.include(answer, `HTTP/1.1 ${status} `)
        assert.include(answer, `"_tag":"${tag}"`)
        assert.include(yield* told(door, [standard(names.id, input, said)]), `HTTP/1.1 ${status} `)
      }
      const { id } = yield* newSession(door)
      yield* told(door, [native(id, { headers: "idempotency-key: k\r\n" })])
      const reused = { body: { ...update, nextState: "Inventory" }, headers: "idempotency-key: k\r\n" }
      assert.include(yield* told(door, [native(id, reused)]), '"_tag":"IdempotencyConflict"')
      assert.include(yield* told(door, [native("a".repeat(65))]), '"_tag":"InvalidCheckoutSessionId"')
      assert.include(yield* told(door, [native("none")]), '"_tag":"SessionInaccessible"')
      isEmpty(door)
    })
  )

  it.scopedLive("update: split, pipelined and final bytes of a connection are answered", () =>
    Effect.gen(function* () {
      const door = yield* make({}, how)
      const { id } = yield* newSession(door)
      const other = yield* newSession(door)
      const bytes = Buffer.from(native(id, { body: { ...update, idempotencyKey: "é€😀" } }))
      const pieces = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
      assert.match(yield* told(door, pieces), /^HTTP\/1.1 200 /)
      const line = [
        standard(other.id),
        native(other.id),
        native("none"),
        request({ path: "/v1/none" }),
        standard(id)
      ].join("")
      assert.match(yield* told(door, [line], { answers: 5 }), /\[enough\]$/)
      const garbage = yield* told(door, [`${native(id)}GARBAGE\r\n\r\n`], { answers: 2 })
      assert.match(garbage, /^HTTP\/1.1 409 .*HTTP\/1.1 400 /s)
      assert.match(yield* told(door, [native(id)], { ends: true }), /^HTTP\/1.1 409 .*\[closed\]$/s)
      const closing = native(id, { headers: "connection: close\r\n" })
      assert.match(yield* told(door, [closing], { answers: 2 }), /connection: close.*\[closed\]$/is)
      isEmpty(door)
    })
  )

  it.scopedLive("update: the limits of concurrency, bytes, rate and time apply", () =>
    Effect.gen(function* () {
      const listener = { requestMillis: 400, headersMillis: 200 }
      const slow = yield* make({ listener, limits: { bodiesMaxBytes: 300, requestsMaxCount: 1 } }, how)
      const { id } = yield* newSession(slow)
      const half = native(id).slice(0, -3)
      const [late, refused] = yield* Effect.all(
        [told(slow, [half], { answers: 2 }), Effect.delay(told(slow, [native(id)]), 100)],
        { concurrency: 2 }
      )
      assert.match(late, /^HTTP\/1.1 408 .*\[closed\]$/s)
      assert.match(refused, /^HTTP\/1.1 503 /)
      const isFree = () => slow.metrics.inside().requests === 0
      yield* Effect.repeat(Effect.sleep(10), { until: isFree, times: 200 })
      assert.match(yield* told(slow, [native(id)]), /^HTTP\/1.1 200 /)
      isEmpty(slow)
      const often = yield* make({ limits: { callsPerSecond: 1, burstCount: 2 } }, how)
      const names = yield* newSession(often)
      const answers = yield* Effect.forEach([1, 2, 3], () => told(often, [native(names.id)]))
      assert.deepStrictEqual(
        answers.map((text) => text.slice(9, 12)),
        ["200", "409", "429"]
      )
      isEmpty(often)
    })
  )

  it.scopedLive("update: is answered with CORS headers, and while the server closes", () =>
    Effect.gen(function* () {
      const door = yield* make({ corsOrigins: ["https://shop.example"] }, how)
      const { id } = yield* newSession(door)
      for (const origin of ["https://shop.example", "https://other.example"]) {
        assert.match(yield* told(door, [native(id, { headers: `origin: ${origin}\r\n` })]), /vary: Origin/)
      }
      const closing = Listener.close(door.listener, {
        ...ListenerLimits.defaults,
        lingerMillis: 1_000,
        closeMillis: 500
      })
      const asked = Effect.delay(told(door, [native(id)], { answers: 2 }), 100)
      const [, answer] = yield* Effect.all([closing, asked], { concurrency: 2 })
      assert.match(answer, /^HTTP\/1.1 409 .*connection: close.*\[closed\]$/is)
    })
  )
})
