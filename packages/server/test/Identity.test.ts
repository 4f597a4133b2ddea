import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Caller } from "@onelane/checkout"
import { Authentication } from "@onelane/http"
import { ApiKeysSql, SqliteClient } from "@onelane/sql"
import { Effect, Layer, Schema, TestClock } from "effect"
import * as jose from "jose"
import * as ApiKey from "../src/identity/ApiKey.js"
import * as Identity from "../src/identity/Identity.js"
import { JwtSettings } from "../src/identity/JwtSettings.js"
import { temporaryFolder } from "./Program.js"

const wanted: ApiKey.Wanted = {
  label: "export",
  userId: "robot",
  roles: ["commerce-integrator"],
  accountId: null,
  expiresAt: null
}

const keys = Layer.provide(ApiKeysSql.layer, SqliteClient.layer({ filename: ":memory:" }))

const withIdentity = (settings: Partial<Identity.IdentitySettings>) =>
  Identity.layer({ tokens: {}, jwt: null, apiKeys: false, ...settings }).pipe(
    Layer.provideMerge(keys),
    Layer.fresh,
    Layer.build,
    Effect.map((context) => Effect.provide(context))
  )

const caller = (token: string) => Effect.flatMap(Authentication.Authentication, (_) => _.authenticate(token))
const reason = (token: string) =>
  Effect.map(Effect.flip(caller(token)), (error) => (error._tag === "TokenRefused" ? error.reason : error._tag))

describe("API keys", () => {
  it.scoped("an API key acts for its user until it expires or is revoked; its stored form is no token", () =>
    Effect.gen(function* () {
      const provide = yield* withIdentity({ apiKeys: true })
      yield* Effect.gen(function* () {
        const table = yield* ApiKeysSql.ApiKeys
        const { id, token, key } = yield* ApiKey.create({ ...wanted, accountId: "acme", expiresAt: 5_000 })
        assert.match(token, /^olk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/)
        assert.deepStrictEqual(yield* table.find(id), key)
        assert.notInclude(JSON.stringify(key), token.slice(21))
        assert.deepStrictEqual(yield* caller(token), Caller.make("robot", ["commerce-integrator"], "acme"))
        yield* TestClock.setTime(5_000)
        assert.strictEqual(yield* reason(token), "expired key")
        yield* table.revoke(id, 6_000)
        assert.strictEqual(yield* reason(token), "revoked key")
      }).pipe(provide)
    })
  )

  it.scoped("the log distinguishes malformed and unknown API keys and wrong secrets", () =>
    Effect.gen(function* () {
      const provide = yield* withIdentity({ apiKeys: true })
      yield* Effect.gen(function* () {
        const { token } = yield* ApiKey.create(wanted)
        const other = yield* ApiKey.mint
        const secret = token.slice(21)
        assert.strictEqual(yield* reason(`olk_${other.id}_${secret}`), "unknown key")
        assert.strictEqual(yield* reason(token.slice(0, 21) + other.token.slice(21)), "wrong secret")
        for (const bad of ["olk_", `${token}x`, token.slice(0, -1), `olk_'; --_${secret}`, token.toUpperCase()]) {
          assert.include(["malformed key", "unknown token"], yield* reason(bad), bad)
        }
      }).pipe(provide)
    })
  )
})

describe("Identity", () => {
  it.scoped("the token format selects the verifier", () =>
    Effect.gen(function* () {
      const keyFile = join(yield* temporaryFolder, "key.pem")
      const { privateKey, publicKey } = yield* Effect.promise(() => jose.generateKeyPair("EdDSA"))
      writeFileSync(keyFile, yield* Effect.promise(() => jose.exportSPKI(publicKey)))
      const jwt = yield* Schema.decode(JwtSettings)({ issuer: "i", audience: ["a"], keyFile })
      const signed = yield* Effect.promise(() =>
        new jose.SignJWT({ sub: "ann", roles: [] })
          .setProtectedHeader({ alg: "EdDSA" })
          .setIssuer("i")
          .setAudience("a")
          .setExpirationTime(new Date(60_000))
          .sign(privateKey)
      )
      const tokens = { fixed: { userId: "dev", roles: ["buyer-checkout"] as const } }
      const provide = yield* withIdentity({ tokens, jwt, apiKeys: true })
      yield* Effect.gen(function* () {
        const { token } = yield* ApiKey.create(wanted)
        assert.strictEqual((yield* caller("fixed")).userId, "dev")
        assert.strictEqual((yield* caller(token)).userId, "robot")
        assert.strictEqual((yield* caller(signed)).userId, "ann")
        assert.strictEqual(yield* reason("other"), "unknown token")
        assert.strictEqual(yield* reason(`${signed}x`), "bad signature")
      }).pipe(provide)
      const nobody = yield* withIdentity({})
      for (const token of ["fixed", signed, "olk_"]) assert.strictEqual(yield* nobody(reason(token)), "unknown token")
    })
  )

  it.scoped("all refused tokens of one format look the same on the wire", () =>
    Effect.gen(function* () {
      const provide = yield* withIdentity({ apiKeys: true, tokens: {} })
      yield* Effect.gen(function* () {
        const { token, id } = yield* ApiKey.create({ ...wanted, expiresAt: -1 })
        const revoked = yield* ApiKey.create(wanted)
        yield* Effect.flatMap(ApiKeysSql.ApiKeys, (table) => table.revoke(revoked.id, 0))
        const finals = yield* Effect.forEach([token, revoked.token, `olk_${id}_x`, "unknown"], (each) =>
          Effect.map(Effect.flip(caller(each)), (error) => error._tag === "TokenRefused" && error.final)
        )
        assert.deepStrictEqual(finals, [true, true, true, true])
      }).pipe(provide)
    })
  )
})
