/**
 * ApiKey: API keys for programs: `olk_<id>_<secret>`. The id finds the row, the secret authenticates. A secret has 256
 * random bits, so a plain digest of it cannot be reversed.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import { type Access, Caller } from "@onelane/checkout"
import { Authentication } from "@onelane/http"
import { ApiKeysSql } from "@onelane/sql"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

const shape = /^olk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/

/** Whether a token looks like a key, well-formed or not. */
export const accepts = (token: string): boolean => token.startsWith("olk_")

const digestOf = (secret: string): Buffer => createHash("sha256").update(secret).digest()

/** A new key: `token` is shown once; `id` and `digest` are stored. */
export interface Minted {
  readonly id: string
  readonly token: string
  readonly digest: string
}

/** Creates a key. */
export const mint: Effect.Effect<Minted> = Effect.sync(() => {
  const id = randomBytes(8).toString("hex")
  const secret = randomBytes(32).toString("base64url")
  return { id, token: `olk_${id}_${secret}`, digest: digestOf(secret).toString("base64") }
})

/** The owner and rights of a new key. */
export interface Wanted {
  readonly label: string
  readonly userId: string
  readonly roles: ReadonlyArray<Caller.Role>
  readonly accountId: string | null
  /** Epoch milliseconds; null: it does not expire. */
  readonly expiresAt: number | null
}

/** Creates a key and stores its digest. Only the answer contains the token. */
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

/** Verifies keys against the stored table at every call: a revoked key is refused at once. */
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
  // Takes the same time wherever the two differ.
  if (key === null || expected.length !== given.length || !timingSafeEqual(expected, given)) {
    return refused(key === null ? "unknown key" : "wrong secret")
  }
  if (key.revokedAt !== null) return refused("revoked key")
  if (key.expiresAt !== null && key.expiresAt <= nowMillis) return refused("expired key")
  return Exit.succeed(Caller.make(key.userId, key.roles, key.accountId))
}
