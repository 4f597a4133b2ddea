import { assert, describe, it } from "@effect/vitest"
import * as Checkout from "@onelane/checkout"
import { Caller, type CheckoutSessions } from "@onelane/checkout"
import { Effect, Layer } from "effect"
import * as CheckoutServer from "../src/CheckoutServer.js"
import * as Authentication from "../src/core/Authentication.js"
import * as HttpCore from "../src/core/HttpCore.js"
import type { WireRequest } from "../src/core/WireRequest.js"

const buyer = Caller.make("buyer", ["buyer-checkout"])

describe("static tokens", () => {
  it.effect("give the caller of a known token and refuse every other for good", () =>
    Effect.gen(function* () {
      const { authenticate } = yield* Authentication.Authentication
      assert.deepStrictEqual(yield* authenticate("secret"), buyer)
      for (const token of ["", "Secret", "secret ", "__proto__", "x".repeat(100_000)]) {
        const refused = yield* Effect.flip(authenticate(token))
        assert.deepStrictEqual(refused, Authentication.tokenRefused("unknown token", true))
      }
    }).pipe(Effect.provide(Authentication.layerStatic({ secret: buyer })))
  )
})

const request: WireRequest = {
  method: "GET",
  path: "/services/data",
  query: "",
  headers: { authorization: "Bearer t" },
  read: (_, onBody) => onBody("")
}

/** The door with an identity provider that answers thus; no session is ever asked for. */
const knock = (answer: ReturnType<Authentication.AuthenticationShape["authenticate"]>, path = request.path) =>
  Effect.flatMap(CheckoutServer.core(), (core) => HttpCore.ask(core, { ...request, path })).pipe(
    Effect.scoped,
    Effect.provide(
      Layer.merge(
        Layer.succeed(Authentication.Authentication, { authenticate: () => answer }),
        Layer.succeed(Checkout.CheckoutSessions.CheckoutSessions, {} as CheckoutSessions.CheckoutSessionsShape)
      )
    )
  )

describe("what an identity provider may say", () => {
  it.effect("A1 a token that may yet become valid is answered without the sentence that ends renewing", () =>
    Effect.gen(function* () {
      const expired = yield* knock(Effect.fail(Authentication.tokenRefused("expired", false)))
      const forged = yield* knock(Effect.fail(Authentication.tokenRefused("bad signature", true)))
      assert.deepStrictEqual([expired.status, forged.status], [401, 401])
      assert.notInclude(expired.body as string, "not valid for use with the REST API")
      assert.include(forged.body as string, "This session is not valid for use with the REST API")
      for (const { body } of [expired, forged]) assert.notMatch(body as string, /expired token|signature/)
    })
  )
  it.effect("A2 no answer is a 503 in the format of the route", () =>
    Effect.gen(function* () {
      const down = Effect.fail({ _tag: "PortUnavailable", port: "Authentication" } as const)
      const standard = yield* knock(down)
      assert.deepInclude(standard, { status: 503 })
      assert.strictEqual(standard.headers["retry-after"], "1")
      assert.strictEqual(JSON.parse(standard.body as string)[0].errorCode, "SERVER_UNAVAILABLE")
      const native = yield* knock(down, "/v1/checkout-sessions/x")
      assert.deepInclude(JSON.parse(native.body as string), { status: 503, code: "SERVER_UNAVAILABLE", applied: "no" })
    })
  )
  it.effect("A3 a defect is a 500 with a body", () =>
    Effect.gen(function* () {
      const { status, body } = yield* knock(Effect.die("boom"))
      assert.strictEqual(status, 500)
      assert.strictEqual(JSON.parse(body as string)[0].errorCode, "UNKNOWN_EXCEPTION")
    })
  )
})
