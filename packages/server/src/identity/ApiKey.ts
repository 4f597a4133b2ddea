/**
 * ApiKey: the keys with which programs call: `olk_<id>_<secret>`. The id finds the row, the secret proves the right; a
 * secret is 256 random bits, so a plain digest of it cannot be guessed back.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import { type Access, Caller } from "@onelane/checkout"
import { Authentication } from "@onelane/http"
import { ApiKeysSql } from "@onelane/sql"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

const shape = /^olk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/

/** Whether a token is meant as a key, well-formed or not. */
export const accepts = (token: string): boolean => token.startsWith("olk_")

const digestOf = (secret: string): Buffer => createHash("sha256").update(secret).digest()

/** A new key: `token` is shown once, `id` and `digest` are kept. */
export interface Minted {
  readonly id: string
  readonly token: string
  readonly digest: string
}

/** Makes a new key. */
export const mint: Effect.Effect<Minted> = Effect.sync(() => {
  const id = randomBytes(8).toString("hex")
  const secret = randomBytes(32).toString("base64url")
  return { id, token: `olk_${id}_${secret}`, digest: digestOf(secret).toString("base64") }
})

/** What a new key is for. */
export interface Wanted {
  readonly label: string
  readonly userId: string
  readonly roles: ReadonlyArray<Caller.Role>
  readonly accountId: string | null
  /** Epoch milliseconds; null: it does not expire. */
  readonly expiresAt: number | null
}

/** Makes a key and keeps its digest. The token is in the answer and nowhere else. */
export const create = (
  wanted: Wanted
): Effect.Effect<Minted & { readonly key: ApiKeysSql.ApiKey }, Access.PortUnavailable, ApiKeysSql.ApiKeys> =>
  Effect.gen(function* () {
    const minted = yield* mint
    const { id, digest } = minted
    const key = { ...wanted, id, digest, createdAt: yield* Clock.currentTimeMillis, revokedAt: null }
    const keys = yield* ApiKeysSql.ApiKeys
    yield* keys.add(key)
    return { ...minted, key }
  })

const refused = (reason: string) => Exit.fail(Authentication.tokenRefused(reason, true))

/** Judges keys by the table in force, anew at every call: a revoked key is refused from then on. */
export const authenticator: Effect.Effect<Authentication.Judge, never, ApiKeysSql.ApiKeys> = Effect.gen(function* () {
  const keys = yield* ApiKeysSql.ApiKeys
  const clock = yield* Clock.clockWith(Effect.succeed)
  return {
    accepts,
    onChange: keys.onChange,
    authenticate: (token) => {
      const [, id, secret] = shape.exec(token) ?? []
      if (id === undefined || secret === undefined) return refused("malformed key")
      const nowMillis = clock.unsafeCurrentTimeMillis()
      return Effect.flatMap(keys.find(id), (key) => judge(key, secret, nowMillis))
    }
  }
})

const judge = (
  key: ApiKeysSql.ApiKey | null,
  secret: string,
  nowMillis: number
): Exit.Exit<Caller.Caller, Authentication.TokenRefused> => {
  const expected = Buffer.from(key?.digest ?? "", "base64")
  const given = digestOf(secret)
  // The comparison takes the same time wherever the two part.
  if (key === null || expected.length !== given.length || !timingSafeEqual(expected, given)) {
    return refused(key === null ? "unknown key" : "wrong secret")
  }
  if (key.revokedAt !== null) return refused("revoked key")
  if (key.expiresAt !== null && key.expiresAt <= nowMillis) return refused("expired key")
  return Exit.succeed(Caller.make(key.userId, key.roles, key.accountId))
}
