/**
 * JwtAuthentication: authenticates callers by signed tokens (JWT) of an identity provider. `jose` verifies signature,
 * issuer, audience, expiry and not-before. Algorithms must be listed; `none` cannot be listed, and shared secrets (HS…)
 * need a secret file and are never combined with published keys.
 *
 * Owns the cache of verified tokens (at most `rememberMillis`, never beyond expiry). Does not own the source of keys
 * (JwtKeys), the names of refusals (JwtRefusal) or the meaning of claims (JwtClaims).
 */
import type { Access, Caller } from "@onelane/checkout"
import { Authentication } from "@onelane/http"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as jose from "jose"
import { callerOf } from "./JwtClaims.js"
import { type Keys, keysOf, type SettingRefused } from "./JwtKeys.js"
import { isFinal, reasonOf } from "./JwtRefusal.js"
import type { JwtSettings } from "./JwtSettings.js"
import * as VerifiedTokens from "./VerifiedTokens.js"

/** Whether a token has the format of a signed token: three parts, the first a JSON object. */
export const accepts = (token: string): boolean => /^eyJ[\w-]*\.[\w-]*\.[\w-]*$/.test(token)

const refused = (reason: string) => Authentication.tokenRefused(reason, isFinal(reason))

/** Verifies signed tokens with these keys. */
export const make = (settings: JwtSettings, keys: Keys): Effect.Effect<Authentication.Judge> =>
  Effect.map(Clock.clockWith(Effect.succeed), (clock) => {
    const remembered = VerifiedTokens.make(settings.rememberCount)
    const verify = (token: string, nowMillis: number) =>
      Effect.tryPromise({
        try: () =>
          jose.jwtVerify(token, keys, {
            issuer: settings.issuer,
            audience: [...settings.audience],
            algorithms: [...settings.algorithms],
            requiredClaims: ["exp"],
            clockTolerance: settings.toleranceSeconds,
            currentDate: new Date(nowMillis)
          }),
        catch: (cause): Authentication.TokenRefused | Access.PortUnavailable => {
          const reason = reasonOf(cause)
          return reason === null ? { _tag: "PortUnavailable", port: "Authentication", cause } : refused(reason)
        }
      })
    const judge = (token: string, payload: jose.JWTPayload, nowMillis: number) => {
      const caller = callerOf(payload, settings.claims)
      if (typeof caller === "string") return Exit.fail(refused(caller))
      const expiresAt = (payload.exp! + settings.toleranceSeconds) * 1_000
      remembered.add(token, Exit.succeed(caller), Math.min(expiresAt, nowMillis + settings.rememberMillis))
      return Exit.succeed(caller)
    }
    const authenticate = (
      token: string
    ): Effect.Effect<Caller.Caller, Authentication.TokenRefused | Access.PortUnavailable> => {
      const nowMillis = clock.unsafeCurrentTimeMillis()
      return (
        remembered.find(token, nowMillis) ??
        Effect.flatMap(verify(token, nowMillis), ({ payload }) => judge(token, payload, nowMillis))
      )
    }
    return { accepts, authenticate }
  })

/** Verifies signed tokens according to the settings. */
export const authenticator = (settings: JwtSettings): Effect.Effect<Authentication.Judge, SettingRefused> =>
  Effect.flatMap(keysOf(settings), (keys) => make(settings, keys))
