import { createServer, type Server, type ServerResponse } from "node:http"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpApiClient from "@effect/platform/HttpApiClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { assert, describe, it } from "@effect/vitest"
import { type Caller, type CheckoutError, CheckoutSessions } from "@onelane/checkout"
import * as ErrorSchema from "@onelane/checkout/CheckoutErrorSchema"
import { Effect, Either, Exit, Layer, Schema, Stream } from "effect"
import * as CheckoutClient from "../src/CheckoutClient.js"
import { CheckoutApi } from "../src/contract/CheckoutApi.js"
import { Base, byEveryAdapter, callers, newSession, serving } from "./HttpWorld.js"

const input = { checkoutSessionId: "cs_1", expCurrentState: "Start", nextState: "Inventory" }
const ignored = null as unknown as Caller.Caller

const clientAt = (url: string, timeoutMillis = 5_000) => CheckoutClient.make({ url, token: "buyer", timeoutMillis })

const client = Effect.flatMap(Base, ({ url }) => clientAt(url))

const current = {
  state: "Start",
  version: 3,
  nextState: null,
  isProcessing: false,
  isArchived: false,
  orderId: null,
  lastRequestId: "req_1"
}
const no = { message: "A sentence; with “signs” and \n a line.", retryable: false, applied: "no" } as const

/** One of every tag, with every field it can have. */
const errors: ReadonlyArray<CheckoutError.CheckoutError> = [
  { _tag: "NotAuthenticated", reason: "TOKEN_REFUSED", ...no },
  { _tag: "NotAuthenticated", reason: "TOKEN_UNAVAILABLE", ...no, retryable: true },
  { _tag: "ActionNotPermitted", reason: "ACTION_NOT_PERMITTED", ...no },
  { _tag: "InvalidInput", reason: "REQUIRED_FIELD_MISSING", fields: ["nextState"], ...no },
  { _tag: "InvalidInput", reason: "INVALID_INPUT", fields: [], ...no },
  { _tag: "InvalidCheckoutSessionId", reason: "INVALID_CHECKOUT_SESSION_ID", ...no },
  { _tag: "InvalidState", reason: "INVALID_STATE", fields: ["expCurrentState"], ...no },
  { _tag: "SessionInaccessible", reason: "SESSION_INACCESSIBLE", ...no },
  { _tag: "AccountInaccessible", reason: "ACCOUNT_INVALID_OR_INACCESSIBLE", ...no },
  { _tag: "NotStoreMember", reason: "NOT_A_STORE_MEMBER", ...no },
  { _tag: "IdempotencyConflict", reason: "IDEMPOTENCY_KEY_REUSED", requestId: "req_0", ...no },
  { _tag: "SessionClosed", reason: "EXPIRED", checkoutSessionId: "cs_1", orderId: null, current, ...no },
  { _tag: "CartNotUpdatable", reason: "CART_NOT_UPDATABLE", cartStatus: "Closed", current: null, ...no },
  { _tag: "StateRetired", reason: "STATE_RETIRED", current, ...no },
  { _tag: "ExpectedStateMismatch", reason: "VERSION_MISMATCH", current, ...no },
  { _tag: "SessionProcessing", reason: "ALREADY_IN_PROCESS", retryAfterMillis: 250, current, ...no, retryable: true },
  { _tag: "TransitionNotAllowed", reason: "TRANSITION_NOT_ALLOWED", allowed: ["Inventory"], current, ...no },
  { _tag: "OperationNotCurrent", reason: "OPERATION_LATE", recorded: true, current, ...no },
  { _tag: "VersionAhead", reason: "VERSION_AHEAD", current, ...no },
  { _tag: "Overloaded", reason: "MAILBOX_FULL", retryAfterMillis: 1_000, ...no, retryable: true },
  { _tag: "StorageUnavailable", reason: "DISK_FULL", retryAfterMillis: 1_000, ...no, retryable: true },
  { _tag: "StorageUnavailable", reason: "FSYNC", retryAfterMillis: 1_000, ...no, applied: "unknown", retryable: true }
]

/** A service that answers everything with one error: what is under test here is the wire, not the rules. */
const refusing = (error: CheckoutError.CheckoutError) =>
  Layer.succeed(
    CheckoutSessions.CheckoutSessions,
    new Proxy({} as CheckoutSessions.CheckoutSessionsShape, {
      get: () => () => Effect.fail(error)
    })
  )

describe("every error arrives as it was made", () => {
  for (const error of errors) {
    it.live(`${error._tag} (${error.reason}, applied: ${error.applied})`, () =>
      Effect.gen(function* () {
        const sessions = yield* client
        const one = { checkoutSessionId: "cs_1" }
        const of = { ...one, operationId: "op_1" }
        const calls = [
          [ErrorSchema.UpdateError, sessions.update(ignored, input)],
          [ErrorSchema.OpenError, sessions.open(ignored, { cartId: "cart" })],
          [ErrorSchema.CancelError, sessions.cancel(ignored, one)],
          [ErrorSchema.CompleteError, sessions.completeTask(ignored, of)],
          [ErrorSchema.OperationError, sessions.failTask(ignored, { ...of, code: "C" })],
          [ErrorSchema.OperationError, sessions.releaseClaim(ignored, { ...of, reason: "r" })],
          [ErrorSchema.MoveError, sessions.move(ignored, { ...one, state: "Start", reason: "r" })],
          [ErrorSchema.AccessError, sessions.get(ignored, one)],
          [ErrorSchema.HistoryError, sessions.history(ignored, one)],
          [ErrorSchema.HistoryError, Stream.runDrain(sessions.changes(ignored, one))]
        ] as const
        for (const [index, [known, call]] of calls.entries()) {
          const answer: CheckoutError.CheckoutError = yield* Effect.flip(call as Effect.Effect<unknown, typeof error>)
          // An unknown outcome carries the key to ask with.
          const key =
            index < 7 && error.applied === "unknown" && "idempotencyKey" in answer ? answer.idempotencyKey : null
          const told = key === null ? error : { ...error, idempotencyKey: key }
          if (Schema.is(known as Schema.Schema.AnyNoContext)(error)) assert.deepStrictEqual(answer, told)
          else {
            const applied = index < 7 ? "unknown" : "no"
            assert.deepInclude(answer, { _tag: "StorageUnavailable", reason: "UNREADABLE_ANSWER", applied })
          }
        }
      }).pipe(Effect.provide(serving(refusing(error))))
    )
  }
  it.live("a defect of the service is an internal error, unknown for a write and no for a read", () =>
    Effect.gen(function* () {
      const sessions = yield* client
      const write = yield* Effect.flip(sessions.update(ignored, input))
      assert.deepInclude(write, { _tag: "StorageUnavailable", reason: "INTERNAL_ERROR", applied: "unknown" })
      assert.notInclude(JSON.stringify(write), "secret")
      const read = yield* Effect.flip(sessions.get(ignored, input))
      assert.deepInclude(read, { _tag: "StorageUnavailable", reason: "INTERNAL_ERROR", applied: "no" })
    }).pipe(
      Effect.provide(
        serving(
          Layer.succeed(
            CheckoutSessions.CheckoutSessions,
            new Proxy({} as CheckoutSessions.CheckoutSessionsShape, { get: () => () => Effect.die("secret") })
          )
        )
      )
    )
  )
})

byEveryAdapter("the client against the real engine", {}, (it) => {
  it.effect("answers are those of the service itself, instants included", () =>
    Effect.gen(function* () {
      const local = yield* CheckoutSessions.CheckoutSessions
      const sessions = yield* client
      const { id, cartId } = yield* newSession
      const one = { checkoutSessionId: id }
      assert.deepStrictEqual(yield* sessions.get(ignored, one), yield* local.get(callers.admin, one))
      const moved = { ...one, expCurrentState: "Start", nextState: "Inventory", idempotencyKey: "ключ-1" }
      const updated = yield* sessions.update(ignored, moved)
      assert.deepStrictEqual(updated.session, yield* local.get(callers.admin, one))
      assert.deepStrictEqual(yield* sessions.update(ignored, moved), { ...updated, replayed: true })
      assert.deepStrictEqual(
        yield* sessions.history(ignored, { ...one, afterVersion: 1, limit: 5 }),
        yield* local.history(callers.admin, { ...one, afterVersion: 1, limit: 5 })
      )
      assert.deepInclude(yield* sessions.open(ignored, { cartId }), { created: false, session: updated.session })
      assert.isTrue((yield* sessions.cancel(ignored, { cartId })).session?.isArchived)
    })
  )
  it.effect("inputs no URL or JSON could carry are refused as the service refuses them", () =>
    Effect.gen(function* () {
      const local = yield* CheckoutSessions.CheckoutSessions
      const sessions = yield* client
      const inputs: ReadonlyArray<object> = [
        ...["", ".", "..", "a/b", "%2e", "a?b#c", "a b", "\ud800", "ü", "x".repeat(10_000)].map(
          (checkoutSessionId) => ({
            ...input,
            checkoutSessionId
          })
        ),
        { ...input, checkoutSessionId: undefined },
        { ...input, checkoutSessionId: 7 },
        { ...input, checkoutSessionId: "..", nextState: undefined },
        { ...input, expectedVersion: Number.NaN },
        { ...input, idempotencyKey: "" },
        { ...input, more: "fields" }
      ]
      for (const one of inputs) {
        const remote = yield* Effect.flip(sessions.update(ignored, one as never))
        const embedded = yield* Effect.flip(local.update(callers.buyer, one as never))
        assert.deepStrictEqual<unknown>(remote, embedded, JSON.stringify(one))
      }
      for (const one of [{}, { cartId: ".", checkoutSessionId: "x" }, { cartId: ".." }, { checkoutSessionId: ".." }]) {
        const remote = yield* Effect.flip(sessions.cancel(ignored, one))
        assert.deepStrictEqual<unknown>(remote, yield* Effect.flip(local.cancel(callers.buyer, one)))
      }
    })
  )
  it.effect("a refused token is an error of its own, certainly not applied", () =>
    Effect.gen(function* () {
      const { url } = yield* Base
      const forged = yield* CheckoutClient.make({ url, token: "forged" })
      const refused = { _tag: "NotAuthenticated", reason: "TOKEN_REFUSED", retryable: false, applied: "no" } as const
      for (const call of [forged.update(ignored, input), forged.get(ignored, { checkoutSessionId: "cs_1" })])
        assert.deepInclude(yield* Effect.flip<unknown, CheckoutError.CheckoutError, never>(call), refused)
      const changes = Stream.runDrain(forged.changes(ignored, { checkoutSessionId: "cs_1" }))
      assert.deepInclude(yield* Effect.flip(changes), refused)
    })
  )
  it.effect("a client made from the contract alone understands answers and errors", () =>
    Effect.gen(function* () {
      const { url } = yield* Base
      const { id } = yield* newSession
      const api = yield* HttpApiClient.make(CheckoutApi, {
        baseUrl: url,
        transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken("buyer"))
      })
      const path = { checkoutSessionId: id }
      const payload = { expCurrentState: "Start", nextState: "Inventory" }
      const updated = yield* api.sessions.update({ path, payload, headers: { "if-match": '"1"' } })
      assert.strictEqual(updated.session.state, "Inventory")
      const stale = yield* Effect.flip(api.sessions.update({ path, payload, headers: { "if-match": '"1"' } }))
      assert.deepInclude(stale, { _tag: "ExpectedStateMismatch", reason: "STATE_MISMATCH" })
      const invoked = yield* api.actions.list({ path: { version: "v62.0" } })
      assert.isArray(invoked.actions)
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )
})

/** A server that is not ours: answers, hangs or hangs up as told. */
const stranger = (respond: Parameters<typeof createServer>[1] & {}) =>
  Effect.acquireRelease(
    Effect.async<Server>((resume) => {
      const server = createServer(respond)
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
  ).pipe(
    Effect.map((server) => {
      const address = server.address()
      return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
    })
  )

describe("when there is no answer", () => {
  const outcomes = (url: string, timeoutMillis?: number) =>
    Effect.gen(function* () {
      const sessions = yield* clientAt(url, timeoutMillis)
      const write = yield* Effect.either(sessions.update(ignored, input))
      const read = yield* Effect.either(sessions.get(ignored, input))
      const shown = Either.match({
        onRight: () => "answered",
        onLeft: (error: CheckoutError.CheckoutError) => `${error._tag} ${error.reason} ${error.applied}`
      })
      return [shown(write), shown(read)]
    })
  it.scopedLive("a connection that was refused sent nothing", () =>
    Effect.gen(function* () {
      const url = yield* Effect.scoped(stranger(() => {}))
      const both = "StorageUnavailable CONNECTION_REFUSED no"
      assert.deepStrictEqual(yield* outcomes(url), [both, both])
    })
  )
  it.scopedLive("a connection that breaks leaves a write unknown", () =>
    Effect.gen(function* () {
      const url = yield* stranger((request) => request.socket.destroy())
      const lost = "StorageUnavailable CONNECTION_LOST"
      assert.deepStrictEqual(yield* outcomes(url), [`${lost} unknown`, `${lost} no`])
    })
  )
  it.scopedLive("a server that hangs is given up after the time-out", () =>
    Effect.gen(function* () {
      const url = yield* stranger(() => {})
      assert.deepStrictEqual(yield* outcomes(url, 100), [
        "StorageUnavailable TIMEOUT unknown",
        "StorageUnavailable TIMEOUT no"
      ])
    })
  )
  it.effect(
    "a host that cannot be reached got nothing; a live connection that ends with the same code is in doubt",
    () =>
      Effect.gen(function* () {
        const told = (cause: object) =>
          Effect.gen(function* () {
            const fetch = () => Promise.reject(new TypeError("fetch failed", { cause }))
            const sessions = yield* CheckoutClient.make({ url: "http://127.0.0.1", token: "buyer", fetch })
            return (yield* Effect.flip(sessions.update(ignored, input))).applied
          })
        for (const code of ["EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT"]) {
          assert.strictEqual(yield* told({ code, syscall: "connect" }), "no")
          assert.strictEqual(yield* told({ code, syscall: "read" }), "unknown")
        }
        for (const code of ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"])
          assert.strictEqual(yield* told({ code }), "unknown")
      })
  )
  it.scopedLive("an answer of somebody else is not taken for one of ours", () =>
    Effect.gen(function* () {
      const strangers = [
        [200, "<html>welcome</html>"],
        [200, "{}"],
        [200, '{"session":{}}'],
        [502, "Bad Gateway"],
        [409, '{"_tag":"SessionClosed","detail":"half"}'],
        [503, '{"_tag":"AdapterError","status":503,"code":"PROXY","detail":"applied is not said"}'],
        [204, ""]
      ] as const
      for (const [status, body] of strangers) {
        const url = yield* stranger((_, response) => response.writeHead(status).end(status === 204 ? undefined : body))
        const odd = "StorageUnavailable UNREADABLE_ANSWER"
        assert.deepStrictEqual(yield* outcomes(url), [`${odd} unknown`, `${odd} no`], body)
      }
    })
  )
  it.scopedLive("a caller who leaves takes its request along", () =>
    Effect.gen(function* () {
      let closed = false
      const url = yield* stranger((request) => {
        request.socket.on("close", () => {
          closed = true
        })
      })
      const sessions = yield* clientAt(url)
      const exit = yield* Effect.exit(Effect.timeout(sessions.update(ignored, input), "100 millis"))
      assert.isTrue(Exit.isFailure(exit))
      yield* Effect.repeat(Effect.sleep("10 millis"), { times: 200, while: () => !closed })
      assert.isTrue(closed)
    })
  )
})

describe("answers that are too long", () => {
  const far = 16_777_217
  const answering = (answer: (response: ServerResponse) => void) =>
    Effect.map(
      Effect.acquireRelease(
        Effect.async<Server>((resume) => {
          const server = createServer((_, response) => answer(response))
          server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) =>
          Effect.sync(() => {
            server.closeAllConnections()
            server.close()
          })
      ),
      (server) => `http://127.0.0.1:${(server.address() as { readonly port: number }).port}`
    )
  const unread = { _tag: "StorageUnavailable", reason: "UNREADABLE_ANSWER" } as const

  for (const [title, headers] of [
    ["that says its length", { "content-length": String(far) }],
    ["in pieces", {}]
  ] as const)
    it.scopedLive(`an answer ${title} is not read beyond its bound`, () =>
      Effect.gen(function* () {
        const url = yield* answering((response) => {
          response.writeHead(200, { "content-type": "application/json", ...headers })
          response.end(Buffer.alloc(far, "x"))
        })
        const sessions = yield* clientAt(url, 20_000)
        assert.deepInclude(yield* Effect.flip(sessions.update(ignored, input)), { ...unread, applied: "unknown" })
        const get = sessions.get(ignored, { checkoutSessionId: "cs_1" })
        assert.deepInclude(yield* Effect.flip(get), { ...unread, applied: "no" })
      })
    )

  it.scopedLive("an event that never ends cuts its stream", () =>
    Effect.gen(function* () {
      const url = yield* answering((response) => {
        response.writeHead(200, { "content-type": "text/event-stream" })
        response.write("event: change\ndata: ")
        response.write(Buffer.alloc(far, "x"))
      })
      const sessions = yield* clientAt(url, 20_000)
      const changes = Stream.runDrain(sessions.changes(ignored, { checkoutSessionId: "cs_1", afterVersion: 0 }))
      assert.deepInclude(yield* Effect.flip(changes), { reason: "CONNECTION_LOST" })
    })
  )
})
