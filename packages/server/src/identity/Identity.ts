/**
 * Identity: who may be a caller at all, put together from what is configured. The shape of a token says who judges it:
 * `olk_…` is a key, three dotted parts a signed token, anything else one of the fixed tokens.
 */
import type { Caller } from "@onelane/checkout"
import { Authentication } from "@onelane/http"
import type { ApiKeysSql } from "@onelane/sql"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ApiKey from "./ApiKey.js"
import type { SettingRefused } from "./JwtKeys.js"
import type { JwtSettings } from "./JwtSettings.js"
import * as Tokens from "./Tokens.js"

/** What is believed. None, null and false: not at all. */
export interface IdentitySettings {
  /** Fixed tokens, for development. */
  readonly tokens: Tokens.Tokens
  readonly jwt: JwtSettings | null
  readonly apiKeys: boolean
}

/** The authentication these settings describe. */
export const layer = (
  settings: IdentitySettings
): Layer.Layer<Authentication.Authentication, SettingRefused, ApiKeysSql.ApiKeys> =>
  Layer.effect(
    Authentication.Authentication,
    Effect.gen(function* () {
      const judges: Array<Authentication.Judge> = []
      if (settings.apiKeys) judges.push(yield* ApiKey.authenticator)
      if (settings.jwt !== null) {
        const { jwt } = settings
        // Loaded only when it is asked for.
        const { authenticator } = yield* Effect.promise(() => import("./JwtAuthentication.js"))
        judges.push(yield* authenticator(jwt))
      }
      const callers: Readonly<Record<string, Caller.Caller>> = Tokens.callersOf(settings.tokens)
      return Authentication.byShape([...judges, Authentication.fixed(callers)])
    })
  )
