import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import type { Caller, CheckoutError } from "@onelane/checkout"
import type { Token } from "@onelane/client"
import { Effect, Exit, Stream } from "effect"
import * as CheckoutClient from "../src/CheckoutClient.js"
import * as AdapterError from "../src/contract/AdapterError.js"
import * as WireError from "../src/contract/WireError.js"

const ignored = null as unknown as Caller.Caller
const one = { checkoutSessionId: "cs_1" }
const update = { ...one, expCurrentState: "Start", nextState: "Inventory" }

/** A server that takes the tokens in `good`, answers 404 to those, and notes every token that it was sent. */
const guarded = (good: Set<string>, respond?: (request: IncomingMessage, response: ServerResponse) => boolean) =>
  Effect.gen(function* () {
    const seen: Array<string> = []
    const server = createServer((request, response) => {
      const token = String(request.headers.authorization).replace("Bearer ", "")
      seen.push(token)
      if (respond?.(request, response)) return
      const { body, headers, status } = WireError.problem(
        good.has(token) ? AdapterError.notFound : AdapterError.tokenRefused(false)
      )
      response.writeHead(status, { ...headers }).end(body)
    })
    yield* Effect.acquireRelease(
      Effect.async<Server>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))),
      () => Effect.sync(() => server.closeAllConnections() ?? server.close())
    )
    return { seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
  })

const clientAt = (url: string, token: NonNullable<Token>, timeoutMillis = 5_000) =>
  CheckoutClient.make({ url, token, timeoutMillis })

const tagOf = <A, E extends CheckoutError.CheckoutError>(call: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(call), ({ _tag, applied, reason, retryable }) => ({ _tag, reason, applied, retryable }))

const unavailable = { _tag: "NotAuthenticated", reason: "TOKEN_UNAVAILABLE", applied: "no", retryable: true } as const
const refused = { _tag: "NotAuthenticated", reason: "TOKEN_REFUSED", applied: "no", retryable: false } as const

describe("a token function", () => {
  it.scopedLive("is asked with the first call, once for all that call at the same time, and not again", () =>
    Effect.gen(function* () {
      const { seen, url } = yield* guarded(new Set(["t1"]))
      let asked = 0
      const sessions = yield* clientAt(url, async () => `t${++asked}`)
      assert.strictEqual(asked, 0)
      yield* Effect.all(
        Array.from({ length: 16 }, () => Effect.flip(sessions.get(ignored, one))),
        { concurrency: "unbounded" }
      )
      yield* Effect.flip(sessions.update(ignored, update))
      assert.strictEqual(asked, 1)
      assert.deepStrictEqual(
        seen,
        Array.from({ length: 17 }, () => "t1")
      )
    })
  )
  it.scopedLive("is asked once more after a 401, once for all calls that got it, and the call goes out again", () =>
    Effect.gen(function* () {
      const good = new Set(["t1"])
      const { seen, url } = yield* guarded(good)
      let asked = 0
      const sessions = yield* clientAt(url, () => `t${++asked}`)
      assert.strictEqual((yield* tagOf(sessions.get(ignored, one))).reason, "NOT_FOUND")
      good.clear()
      good.add("t2")
      const answers = yield* Effect.all(
        Array.from({ length: 8 }, () => tagOf(sessions.update(ignored, update))),
        { concurrency: "unbounded" }
      )
      for (const { reason } of answers) assert.strictEqual(reason, "NOT_FOUND")
      assert.strictEqual(asked, 2)
      assert.strictEqual(seen.filter((token) => token === "t2").length, 8)
    })
  )
  it.scopedLive("whose second token is refused as well ends the call: it is not asked a third time", () =>
    Effect.gen(function* () {
      const { seen, url } = yield* guarded(new Set())
      let asked = 0
      const sessions = yield* clientAt(url, () => `t${++asked}`)
      assert.deepStrictEqual(yield* tagOf(sessions.update(ignored, update)), refused)
      assert.deepStrictEqual(seen, ["t1", "t2"])
      assert.deepStrictEqual(yield* tagOf(Stream.runDrain(sessions.changes(ignored, one))), refused)
      assert.strictEqual(asked, 4)
    })
  )
  it.scopedLive("that throws, rejects, or gives what no header can carry is a typed error, and nothing is sent", () =>
    Effect.gen(function* () {
      const { seen, url } = yield* guarded(new Set())
      const secret = "a secret with spaces"
      const broken: ReadonlyArray<() => unknown> = [
        () => {
          throw new Error(secret)
        },
        () => Promise.reject(new Error(secret)),
        () => secret,
        () => "line\nbreak",
        () => "",
        () => undefined,
        async () => 7
      ]
      for (const give of broken) {
        const sessions = yield* clientAt(url, give as () => string)
        const error = yield* Effect.flip(sessions.update(ignored, update))
        assert.deepInclude(error, unavailable)
        assert.notInclude(error.message, "secret")
        assert.deepStrictEqual(yield* tagOf(Stream.runDrain(sessions.changes(ignored, one))), unavailable)
      }
      assert.deepStrictEqual(seen, [])
    })
  )
  it.scopedLive("that failed, or took too long, is asked again by the next call", () =>
    Effect.gen(function* () {
      const { seen, url } = yield* guarded(new Set(["t3"]))
      let asked = 0
      const give = (): Promise<string> => {
        asked++
        if (asked === 1) return Promise.reject(new Error("down"))
        return asked === 2 ? new Promise(() => {}) : Promise.resolve(`t${asked}`)
      }
      const sessions = yield* clientAt(url, give, 200)
      assert.deepStrictEqual(yield* tagOf(sessions.update(ignored, update)), unavailable)
      assert.deepStrictEqual(yield* tagOf(sessions.update(ignored, update)), unavailable)
      assert.strictEqual((yield* tagOf(sessions.get(ignored, one))).reason, "NOT_FOUND")
      assert.deepStrictEqual(seen, ["t3"])
    })
  )
  it.scopedLive("a 401 of a gateway in front of the server is a refused token too, certainly not applied", () =>
    Effect.gen(function* () {
      const { url } = yield* guarded(new Set(), (_, response) => {
        response.writeHead(401, { "content-type": "text/html" }).end("<html>sign in</html>")
        return true
      })
      const sessions = yield* clientAt(url, "fixed")
      assert.deepStrictEqual(yield* tagOf(sessions.update(ignored, update)), refused)
    })
  )
  it.scopedLive("a stream whose token expires says that another one may help, and the next stream asks for it", () =>
    Effect.gen(function* () {
      const ended = `event: error\ndata: ${WireError.problem(AdapterError.tokenRefused(false)).body}\n\n`
      const { seen, url } = yield* guarded(new Set(), (_, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" }).end(ended)
        return true
      })
      let asked = 0
      const sessions = yield* clientAt(url, () => `t${++asked}`)
      const follow = Stream.runDrain(sessions.changes(ignored, { ...one, afterVersion: 0 }))
      assert.deepStrictEqual(yield* tagOf(follow), { ...refused, retryable: true })
      yield* Effect.exit(follow)
      assert.deepStrictEqual(seen, ["t1", "t2"])
      const fixed = yield* clientAt(url, "fixed")
      const exit = yield* Effect.exit(Stream.runDrain(fixed.changes(ignored, { ...one, afterVersion: 0 })))
      assert.isTrue(Exit.isFailure(exit))
      assert.deepStrictEqual(yield* tagOf(exit), refused)
    })
  )
})
