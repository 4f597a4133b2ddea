/**
 * JwtKeys: the keys that verify tokens, from a URL (fetched again when keys change) or a file.
 */
import { createPublicKey } from "node:crypto"
import { readFileSync } from "node:fs"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as jose from "jose"
import * as Said from "../settings/Said.js"
import { reasonOf } from "./JwtRefusal.js"
import type { JwtSettings } from "./JwtSettings.js"

/** Finds the key for a token. */
export type Keys = jose.JWTVerifyGetKey

/** A well-formed setting that cannot be used. */
export interface SettingRefused {
  readonly _tag: "SettingRefused"
  readonly setting: string
  readonly message: string
}

/** The keys named by the settings. */
export const keysOf = (settings: JwtSettings): Effect.Effect<Keys, SettingRefused> => {
  const { jwksUrl } = settings
  if (jwksUrl === undefined) return fileKeys(settings)
  return Effect.map(Clock.clockWith(Effect.succeed), (clock) =>
    remoteKeys(jwksUrl, settings, () => clock.unsafeCurrentTimeMillis())
  )
}

/** Keys from a URL: fetched on first use, cached for `cacheMillis`, fetched again for an unknown key id. */
const remoteKeys = (url: string, settings: JwtSettings, nowMillis: () => number): Keys => {
  const cache: { jwks?: jose.JSONWebKeySet; uat?: number } = {}
  const remote = jose.createRemoteJWKSet(new URL(url), {
    cacheMaxAge: settings.cacheMillis,
    cooldownDuration: settings.cooldownMillis,
    timeoutDuration: settings.fetchMillis,
    [jose.jwksCache]: cache as jose.JWKSCacheInput
  })
  return async (header, token) => {
    try {
      return await remote(header, token)
    } catch (cause) {
      // The provider is unavailable: its last keys are used for a limited time.
      const { jwks, uat = 0 } = cache
      if (reasonOf(cause) !== null || jwks === undefined || nowMillis() - uat > settings.staleMillis) throw cause
      return jose.createLocalJWKSet(jwks)(header, token)
    }
  }
}

const secretMinBytes = 32

const fileKeys = (settings: JwtSettings): Effect.Effect<Keys, SettingRefused> => {
  const { keyFile, secretFile } = settings
  const setting = secretFile === undefined ? "keyFile" : "secretFile"
  return Effect.try({
    try: () => {
      if (secretFile === undefined) return publicKeys(readFileSync(keyFile!, "utf8").trim())
      const secret = readFileSync(secretFile, "utf8").trim()
      if (Buffer.byteLength(secret) < secretMinBytes) throw new Error(`it has less than ${secretMinBytes} bytes`)
      const key = new TextEncoder().encode(secret)
      return async () => key
    },
    catch: (cause): SettingRefused => ({
      _tag: "SettingRefused",
      setting,
      message: `--jwt: ${setting} ${secretFile ?? keyFile}: ${Said.whyOf(cause)}`
    })
  })
}

const publicKeys = (text: string): Keys => {
  const set = text.startsWith("-----BEGIN") ? [createPublicKey(text).export({ format: "jwk" })] : jwks(JSON.parse(text))
  if (set.length === 0) throw new Error("it has no keys")
  if (set.some(({ kty, d }) => typeof kty !== "string" || kty === "oct" || d !== undefined))
    throw new Error("it has keys that are not public")
  const keys = jose.createLocalJWKSet({ keys: set as Array<jose.JWK> })
  // A key without an id matches tokens with any id.
  if (set.some(({ kid }) => kid !== undefined)) return keys
  return ({ kid: _, ...header }, token) => keys(header, token)
}

const jwks = (read: { readonly keys?: ReadonlyArray<jose.JWK> }): ReadonlyArray<jose.JWK> =>
  Array.isArray(read.keys) ? read.keys : [read as jose.JWK]
