/** Both ways an update can come in give the same bytes: what succeeds, what is refused, what is limited. */
import { assert, describe, it } from "@effect/vitest"
import { Caller, type CheckoutError, CheckoutSessions } from "@onelane/checkout"
import { Directory } from "@onelane/directory"
import { Effect } from "effect"
import * as Listener from "../src/serve/Listener.js"
import * as ListenerLimits from "../src/settings/ListenerLimits.js"
import {
  aliasPath,
  type Both,
  both,
  make,
  native,
  newSession,
  onBoth,
  request,
  type Said,
  sameNumbers,
  standard,
  update
} from "./TwoWays.js"

type Names = Effect.Effect.Success<ReturnType<typeof newSession>>

const directory = (servers: Both, change: (to: Directory.DirectoryShape) => Effect.Effect<unknown, any>) =>
  onBoth(servers, Effect.orDie(Effect.flatMap(Directory.Directory, change)))

const move = (servers: Both, { id }: Names, nextState: string) =>
  onBoth(
    servers,
    Effect.flatMap(CheckoutSessions.CheckoutSessions, (to) =>
      Effect.orDie(to.update(Caller.host, { checkoutSessionId: id, expCurrentState: "Start", nextState }))
    )
  )

/** Every refusal of SEMANTICS §3 that a caller can bring about: what makes it, and the status it has. */
const refusals: ReadonlyArray<{
  readonly tag: CheckoutError.CheckoutError["_tag"]
  readonly status: number
  readonly said?: Said
  readonly input?: object
  readonly before?: (servers: Both, names: Names) => Effect.Effect<unknown>
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
    before: (servers, { accountId }) => directory(servers, (to) => to.putAccount({ id: accountId, active: false }))
  },
  {
    tag: "NotStoreMember",
    status: 400,
    before: (servers, { accountId, storeId }) => directory(servers, (to) => to.removeStoreMember(storeId, accountId))
  },
  {
    tag: "SessionClosed",
    status: 409,
    before: (servers, { id }) =>
      onBoth(
        servers,
        Effect.flatMap(CheckoutSessions.CheckoutSessions, (to) =>
          Effect.orDie(to.cancel(Caller.host, { checkoutSessionId: id }))
        )
      )
  },
  {
    tag: "CartNotUpdatable",
    status: 409,
    before: (servers, { accountId, cartId, storeId }) =>
      directory(servers, (to) => to.putCart({ id: cartId, accountId, storeId, ownerId: "buyer", status: "Closed" }))
  },
  { tag: "ExpectedStateMismatch", status: 409, input: { expectedVersion: 7 } },
  { tag: "ExpectedStateMismatch", status: 409, before: (servers, names) => move(servers, names, "Shipping Address") },
  {
    tag: "SessionProcessing",
    status: 409,
    input: { expCurrentState: "Inventory", nextState: "Confirm Price" },
    before: (servers, names) => Effect.zipRight(move(servers, names, "Inventory"), onBoth(servers, claim(names.id)))
  },
  { tag: "TransitionNotAllowed", status: 409, input: { nextState: "Complete" } }
]

const claim = (checkoutSessionId: string) =>
  Effect.flatMap(CheckoutSessions.CheckoutSessions, (to) =>
    Effect.either(
      to.update(Caller.host, { checkoutSessionId, expCurrentState: "Inventory", nextState: "Confirm Price" })
    )
  )

describe("an update the short way and through the platform's server", () => {
  it.scopedLive("is answered alike, on both lanes, where it succeeds", () =>
    Effect.gen(function* () {
      const servers = yield* make()
      const key = { headers: 'idempotency-key: k\r\nif-match: "1"\r\n' }
      const { id } = yield* newSession(servers)
      assert.match(yield* both(servers, [native(id, key)]), /^HTTP\/1.1 200 .*"version":2.*\[enough\]$/s)
      assert.match(yield* both(servers, [native(id, key)]), /idempotent-replayed: true/)
      assert.match(yield* both(servers, [native(id, { headers: 'if-match: "1"\r\n' })]), /^HTTP\/1.1 412 /)
      const other = yield* newSession(servers)
      const once = { idempotencyKey: "k" }
      assert.match(yield* both(servers, [standard(other.id, once)]), /^HTTP\/1.1 200 .*"isSuccess":true/s)
      assert.match(yield* both(servers, [standard(other.id, once)]), /idempotent-replayed: true/)
      const third = yield* newSession(servers)
      assert.match(yield* both(servers, [standard(third.id, {}, { path: aliasPath })]), /^HTTP\/1.1 200 /)
      assert.strictEqual(servers.hot.hot(), 6)
      sameNumbers(servers)
    })
  )

  it.scopedLive("is answered alike, on both lanes, where the service refuses it", () =>
    Effect.gen(function* () {
      const servers = yield* make()
      for (const { before, input = {}, said = {}, status, tag } of refusals) {
        const names = yield* newSession(servers)
        if (before !== undefined) yield* before(servers, names)
        const answer = yield* both(servers, [native(names.id, { body: { ...update, ...input }, ...said })])
        assert.include(answer, `HTTP/1.1 ${status} `)
        assert.include(answer, `"_tag":"${tag}"`)
        assert.include(yield* both(servers, [standard(names.id, input, said)]), `HTTP/1.1 ${status} `)
      }
      const { id } = yield* newSession(servers)
      yield* both(servers, [native(id, { headers: "idempotency-key: k\r\n" })])
      const reused = { body: { ...update, nextState: "Inventory" }, headers: "idempotency-key: k\r\n" }
      assert.include(yield* both(servers, [native(id, reused)]), '"_tag":"IdempotencyConflict"')
      assert.include(yield* both(servers, [native("a".repeat(65))]), '"_tag":"InvalidCheckoutSessionId"')
      assert.include(yield* both(servers, [native("none")]), '"_tag":"SessionInaccessible"')
      assert.strictEqual(servers.hot.hot(), 2 * refusals.length + 4)
      sameNumbers(servers)
    })
  )

  it.scopedLive(
    "is answered alike where its bytes come in pieces, behind each other, or with the last of a client",
    () =>
      Effect.gen(function* () {
        const servers = yield* make()
        const { id } = yield* newSession(servers)
        const other = yield* newSession(servers)
        const bytes = Buffer.from(native(id, { body: { ...update, idempotencyKey: "é€😀" } }))
        const pieces = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
        assert.match(yield* both(servers, pieces), /^HTTP\/1.1 200 /)
        const line = [
          standard(other.id),
          native(other.id),
          native("none"),
          request({ path: "/v1/none" }),
          standard(id)
        ].join("")
        assert.match(yield* both(servers, [line], { answers: 5 }), /\[enough\]$/)
        const garbage = yield* both(servers, [`${native(id)}GARBAGE\r\n\r\n`], { answers: 2 })
        assert.match(garbage, /^HTTP\/1.1 409 .*HTTP\/1.1 400 /s)
        assert.match(yield* both(servers, [native(id)], { ends: true }), /^HTTP\/1.1 409 .*\[closed\]$/s)
        const closing = native(id, { headers: "connection: close\r\n" })
        assert.match(yield* both(servers, [closing], { answers: 2 }), /connection: close.*\[closed\]$/is)
        assert.strictEqual(servers.hot.hot(), 8)
        sameNumbers(servers)
      })
  )

  it.scopedLive("is limited alike: how many at once, how many bytes, how often, how long", () =>
    Effect.gen(function* () {
      const listener = { requestMillis: 400, headersMillis: 200 }
      const slow = yield* make({ listener, limits: { bodiesMaxBytes: 300, requestsMaxCount: 1 } })
      const { id } = yield* newSession(slow)
      const half = native(id).slice(0, -3)
      const [late, refused] = yield* Effect.all(
        [both(slow, [half], { answers: 2 }), Effect.delay(both(slow, [native(id)]), 100)],
        { concurrency: 2 }
      )
      assert.match(late, /^HTTP\/1.1 408 .*\[closed\]$/s)
      assert.match(refused, /^HTTP\/1.1 503 /)
      const isFree = () => [slow.hot, slow.platform].every(({ metrics }) => metrics.inside().requests === 0)
      yield* Effect.repeat(Effect.sleep(10), { until: isFree, times: 200 })
      assert.match(yield* both(slow, [native(id)]), /^HTTP\/1.1 200 /)
      sameNumbers(slow)
      const often = yield* make({ limits: { callsPerSecond: 1, burstCount: 2 } })
      const names = yield* newSession(often)
      const answers = yield* Effect.forEach([1, 2, 3], () => both(often, [native(names.id)]))
      assert.deepStrictEqual(
        answers.map((text) => text.slice(9, 12)),
        ["200", "409", "429"]
      )
      sameNumbers(often)
    })
  )

  it.scopedLive("is answered alike for pages of other origins, and while the server closes", () =>
    Effect.gen(function* () {
      const servers = yield* make({ corsOrigins: ["https://shop.example"] })
      const { id } = yield* newSession(servers)
      for (const origin of ["https://shop.example", "https://other.example"]) {
        assert.match(yield* both(servers, [native(id, { headers: `origin: ${origin}\r\n` })]), /vary: Origin/)
      }
      const closing = Effect.all(
        [servers.hot, servers.platform].map(({ listener }) =>
          Listener.close(listener, { ...ListenerLimits.defaults, lingerMillis: 1_000, closeMillis: 500 })
        ),
        { concurrency: 2 }
      )
      const asked = Effect.delay(both(servers, [native(id)], { answers: 2 }), 100)
      const [, answer] = yield* Effect.all([closing, asked], { concurrency: 2 })
      assert.match(answer, /^HTTP\/1.1 409 .*connection: close.*\[closed\]$/is)
      assert.strictEqual(servers.hot.hot(), 3)
    })
  )
})
