/** Signed tokens, by real signatures: key files, and a provider on the loopback that publishes and changes its keys. */

import { writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Caller } from "@onelane/checkout"
import { Effect, Exit, Schema, TestClock } from "effect"
import * as jose from "jose"
import { accepts, authenticator } from "../src/identity/JwtAuthentication.js"
import { JwtSettings } from "../src/identity/JwtSettings.js"
import { temporaryFolder } from "./Program.js"

const issuer = "https://id.example"
const nowSeconds = 1_000_000
const settings = (more: object) => Schema.decodeUnknownSync(JwtSettings)({ issuer, audience: ["onelane"], ...more })

const pairOf = (alg: string) => Effect.promise(() => jose.generateKeyPair(alg, { extractable: true }))

interface Signing {
  readonly alg?: string
  readonly kid?: string
  readonly claims?: Record<string, unknown>
}

/** A token of ann's, good for 300 seconds unless said otherwise. */
const sign = (key: Parameters<jose.SignJWT["sign"]>[0], { alg = "ES256", kid, claims = {} }: Signing = {}) =>
  Effect.promise(() =>
    new jose.SignJWT({
      iss: issuer,
      aud: "onelane",
      sub: "ann",
      exp: nowSeconds + 300,
      roles: ["buyer-checkout"],
      ...claims
    })
      .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) })
      .sign(key)
  )

const atNow = TestClock.setTime(nowSeconds * 1_000)

/** A key file of one ES256 key, and who judges by it. */
const withFile = (more: object = {}) =>
  Effect.gen(function* () {
    yield* atNow
    const folder = yield* temporaryFolder
    const { privateKey, publicKey } = yield* pairOf("ES256")
    const keyFile = join(folder, "key.pem")
    writeFileSync(keyFile, yield* Effect.promise(() => jose.exportSPKI(publicKey)))
    const judge = yield* authenticator(settings({ keyFile, ...more }))
    const reason = (token: string) =>
      Effect.flatMap(Effect.flip(judge.authenticate(token)), (error) =>
        error._tag === "TokenRefused" ? Effect.succeed(error) : Effect.dieMessage("it was not judged")
      )
    return { privateKey, publicKey, judge, reason, folder }
  })

const ann = Caller.make("ann", ["buyer-checkout"])

describe("JwtAuthentication", () => {
  it.scoped("a signed token with the right audience and time is accepted, whatever its key id", () =>
    Effect.gen(function* () {
      const { judge, privateKey } = yield* withFile()
      for (const kid of [undefined, "any"] as const) {
        const token = yield* sign(privateKey, kid === undefined ? {} : { kid })
        assert.isTrue(accepts(token))
        assert.deepStrictEqual(yield* judge.authenticate(token), ann)
      }
    })
  )

  it.scoped("each fault of a token has its own reason, and the error holds nothing else", () =>
    Effect.gen(function* () {
      const { privateKey, publicKey, reason } = yield* withFile()
      const other = yield* pairOf("ES256")
      const wrong: Record<string, Effect.Effect<string>> = {
        expired: sign(privateKey, { claims: { exp: nowSeconds - 6 } }),
        "not yet valid": sign(privateKey, { claims: { nbf: nowSeconds + 6 } }),
        "wrong audience": sign(privateKey, { claims: { aud: ["other"] } }),
        "wrong issuer": sign(privateKey, { claims: { iss: "https://evil.example" } }),
        "claim missing: exp": sign(privateKey, { claims: { exp: undefined } }),
        "claim missing: aud": sign(privateKey, { claims: { aud: undefined } }),
        "bad signature": sign(other.privateKey),
        "no user in claim sub": sign(privateKey, { claims: { sub: "" } }),
        "no account in claim account": sign(privateKey, { claims: { account: 5 } }),
        malformed: Effect.succeed("eyJ.e30.x")
      }
      for (const [expected, token] of Object.entries(wrong)) {
        const final = expected !== "expired" && expected !== "not yet valid"
        assert.deepStrictEqual(yield* reason(yield* token), { _tag: "TokenRefused", final, reason: expected })
      }
      // Whoever cannot sign learns nothing of times, and whoever is somebody else's user neither.
      const past = { exp: nowSeconds - 600 }
      for (const token of [
        sign(other.privateKey, { claims: past }),
        sign(other.privateKey, { claims: { nbf: nowSeconds + 600 } }),
        sign(privateKey, { claims: { ...past, aud: "other" } }),
        sign(privateKey, { claims: { ...past, iss: "https://evil.example" } })
      ]) {
        assert.isTrue((yield* reason(yield* token)).final)
      }
      const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
      const claims = { iss: issuer, aud: "onelane", sub: "ann", exp: nowSeconds + 300 }
      for (const alg of ["none", "None", "HS256", "ES384", "RS256", "XX"]) {
        const spki = yield* Effect.promise(() => jose.exportSPKI(publicKey))
        const confused = yield* sign(new TextEncoder().encode(spki), { alg: "HS256" })
        const forged = alg === "HS256" ? confused : `${encode({ alg })}.${encode(claims)}.`
        const { reason: why } = yield* reason(forged)
        assert.include(["algorithm not allowed", "unknown key", "algorithm not supported"], why, alg)
      }
    })
  )

  it.scoped("an expired token is accepted within the clock tolerance, not beyond", () =>
    Effect.gen(function* () {
      const { judge, privateKey, reason } = yield* withFile({ toleranceSeconds: 10, rememberCount: 0 })
      const late = yield* sign(privateKey, { claims: { exp: nowSeconds - 9 } })
      assert.deepStrictEqual(yield* judge.authenticate(late), ann)
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual((yield* reason(late)).reason, "expired")
    })
  )

  it.scoped("a verified token is cached, but never beyond its expiry", () =>
    Effect.gen(function* () {
      const { judge, privateKey, reason } = yield* withFile({ rememberMillis: 60_000, toleranceSeconds: 0 })
      const token = yield* sign(privateKey, { claims: { exp: nowSeconds + 30 } })
      assert.deepStrictEqual(yield* judge.authenticate(token), ann)
      yield* TestClock.adjust("29 seconds")
      assert.isTrue(Exit.isExit(judge.authenticate(token)), "answered without verifying again")
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual((yield* reason(token)).reason, "expired")
    })
  )

  it.scoped("user, roles and account are read from the configured claims", () =>
    Effect.gen(function* () {
      const claims = {
        user: "https://shop.example/user",
        roles: "realm.roles",
        account: "act",
        roleNames: { admin: "modify-all-data" }
      }
      const { judge, privateKey } = yield* withFile({ claims })
      const said = {
        "https://shop.example/user": "bob",
        realm: { roles: ["admin", "baker", "commerce-integrator"] },
        act: "acme",
        roles: ["buyer-checkout"]
      }
      const token = yield* sign(privateKey, { claims: said })
      const bob = Caller.make("bob", ["modify-all-data", "commerce-integrator"], "acme")
      assert.deepStrictEqual(yield* judge.authenticate(token), bob)
      const scoped = yield* sign(privateKey, {
        claims: { ...said, realm: { roles: "openid buyer-checkout toString" }, act: null }
      })
      assert.deepStrictEqual(yield* judge.authenticate(scoped), Caller.make("bob", ["buyer-checkout"]))
    })
  )

  it.scoped("HS256 is accepted only if it is listed and a secret file is set", () =>
    Effect.gen(function* () {
      yield* atNow
      const secretFile = join(yield* temporaryFolder, "secret")
      const secret = "s".repeat(32)
      writeFileSync(secretFile, `${secret}\n`)
      const judge = yield* authenticator(settings({ secretFile, algorithms: ["HS256"] }))
      const token = yield* sign(new TextEncoder().encode(secret), { alg: "HS256" })
      assert.deepStrictEqual(yield* judge.authenticate(token), ann)
      writeFileSync(secretFile, "short")
      const refused = yield* Effect.flip(authenticator(settings({ secretFile, algorithms: ["HS256"] })))
      assert.match(refused.message, /--jwt: secretFile .*less than 32 bytes/)
      const wrong: ReadonlyArray<readonly [object, RegExp]> = [
        [{ secretFile }, /secretFile needs algorithms/],
        [{ jwksUrl: "https://id.example/keys", algorithms: ["RS256", "HS256"] }, /HS algorithms need secretFile/],
        [{ jwksUrl: "https://id.example/keys", algorithms: ["none"] }, /none/],
        [{ jwksUrl: "http://id.example/keys" }, /https/],
        [{}, /give one of jwksUrl/],
        [{ keyFile: "a", secretFile: "b" }, /give one of jwksUrl/]
      ]
      for (const [more, sentence] of wrong) assert.throws(() => settings(more), sentence)
    })
  )

  it.scoped("a key file without public keys is refused with the name of the setting", () =>
    Effect.gen(function* () {
      const keyFile = join(yield* temporaryFolder, "keys.json")
      const { privateKey } = yield* pairOf("ES256")
      const secret = yield* Effect.promise(() => jose.exportJWK(privateKey))
      for (const text of ["{}", "nothing", '{"keys":[]}', JSON.stringify(secret), '{"kty":"oct","k":"AAAA"}']) {
        writeFileSync(keyFile, text)
        const { message } = yield* Effect.flip(authenticator(settings({ keyFile })))
        assert.match(message, /^--jwt: keyFile .*keys\.json: /, text)
      }
      const gone = yield* Effect.flip(authenticator(settings({ keyFile: `${keyFile}.gone` })))
      assert.match(gone.message, /no such file$/)
    })
  )
})

/** A provider that publishes what it is told to, and counts how often it is asked. */
const provider = Effect.gen(function* () {
  const published = { keys: [] as Array<jose.JWK>, status: 200, asked: 0 }
  const server = createServer((_, response) => {
    published.asked += 1
    response.writeHead(published.status, { "content-type": "application/json" })
    response.end(JSON.stringify({ keys: published.keys }))
  })
  yield* Effect.acquireRelease(
    Effect.async<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () => Effect.async<void>((resume) => void server.close(() => resume(Effect.void)))
  )
  yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
  const { port } = server.address() as AddressInfo
  const keyOf = (kid: string) =>
    Effect.gen(function* () {
      const { privateKey, publicKey } = yield* pairOf("RS256")
      const jwk = yield* Effect.promise(() => jose.exportJWK(publicKey))
      return { privateKey, jwk: { ...jwk, kid, alg: "RS256" } }
    })
  return { published, keyOf, jwksUrl: `http://127.0.0.1:${port}/keys` }
})

describe("keys of an url", () => {
  it.scopedLive(
    "JWKS: keys are fetched once, again for an unknown key id, and stay valid while the provider is away",
    () =>
      Effect.gen(function* () {
        const { jwksUrl, keyOf, published } = yield* provider
        const first = yield* keyOf("1")
        const second = yield* keyOf("2")
        const claims = { exp: Math.floor(Date.parse("2100-01-01") / 1_000) }
        const settingsNow = settings({ jwksUrl, cooldownMillis: 0, rememberCount: 0, cacheMillis: 100_000 })
        const judge = yield* authenticator(settingsNow)
        const tokenOf = ({ privateKey }: typeof first, kid: string) => sign(privateKey, { alg: "RS256", kid, claims })
        const early = yield* tokenOf(first, "1")

        published.status = 503
        assert.strictEqual((yield* Effect.flip(judge.authenticate(early)))._tag, "PortUnavailable")
        published.status = 200
        published.keys = [first.jwk]
        for (let round = 0; round < 5; round++) assert.deepStrictEqual(yield* judge.authenticate(early), ann)
        assert.strictEqual(published.asked, 2)

        published.keys = [second.jwk]
        const late = yield* tokenOf(second, "2")
        assert.deepStrictEqual(yield* judge.authenticate(late), ann)
        assert.strictEqual(published.asked, 3)
        const gone = yield* Effect.flip(judge.authenticate(early))
        assert.deepInclude(gone, { _tag: "TokenRefused", reason: "unknown key" })

        published.status = 503
        assert.deepStrictEqual(yield* judge.authenticate(late), ann)
        const impatient = yield* authenticator({ ...settingsNow, cacheMillis: 0, staleMillis: 0 })
        assert.strictEqual((yield* Effect.flip(impatient.authenticate(late)))._tag, "PortUnavailable")
      })
  )
  it.scopedLive("JWKS: made-up key ids do not cause a fetch each", () =>
    Effect.gen(function* () {
      const { jwksUrl, keyOf, published } = yield* provider
      const [known, unknown] = [yield* keyOf("1"), yield* keyOf("2")]
      published.keys = [known.jwk]
      const claims = { exp: Math.floor(Date.parse("2100-01-01") / 1_000) }
      const judge = yield* authenticator(settings({ jwksUrl, cooldownMillis: 60_000, rememberCount: 0 }))
      const tokenOf = ({ privateKey }: typeof known, kid: string) => sign(privateKey, { alg: "RS256", kid, claims })
      assert.deepStrictEqual(yield* judge.authenticate(yield* tokenOf(known, "1")), ann)
      for (let made = 0; made < 20; made++) {
        const refused = yield* Effect.flip(judge.authenticate(yield* tokenOf(unknown, `made-up-${made}`)))
        assert.deepInclude(refused, { _tag: "TokenRefused", reason: "unknown key" })
      }
      assert.strictEqual(published.asked, 1)
    })
  )
  it.scopedLive("JWKS: keys of an unreachable provider expire after the configured time", () =>
    Effect.gen(function* () {
      const { jwksUrl, keyOf, published } = yield* provider
      const key = yield* keyOf("1")
      published.keys = [key.jwk]
      const claims = { exp: Math.floor(Date.parse("2100-01-01") / 1_000) }
      const token = yield* sign(key.privateKey, { alg: "RS256", kid: "1", claims })
      const shared = { jwksUrl, rememberCount: 0, cacheMillis: 0, cooldownMillis: 0 }
      const patient = yield* authenticator(settings({ ...shared, staleMillis: 60_000 }))
      const impatient = yield* authenticator(settings({ ...shared, staleMillis: 0 }))
      for (const judge of [patient, impatient]) assert.deepStrictEqual(yield* judge.authenticate(token), ann)
      published.status = 500
      yield* Effect.sleep("5 millis")
      assert.deepStrictEqual(yield* patient.authenticate(token), ann)
      assert.strictEqual((yield* Effect.flip(impatient.authenticate(token)))._tag, "PortUnavailable")
    })
  )
})
