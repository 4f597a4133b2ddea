/**
 * Identity: assembles authentication from the settings. The token format selects the verifier: `olk_…` is an API key,
 * three parts separated by dots are a signed token, anything else is a fixed token.
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

/** Which tokens are accepted. Empty, null and false: none. */
export interface IdentitySettings {
  /** Fixed tokens, for development. */
  readonly tokens: Tokens.Tokens
  readonly jwt: JwtSettings | null
  readonly apiKeys: boolean
}

/** The authentication for these settings. */
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
        // Loaded on demand.
        const { authenticator } = yield* Effect.promise(() => import("./JwtAuthentication.js"))
        judges.push(yield* authenticator(jwt))
      }
      const callers: Readonly<Record<string, Caller.Caller>> = Tokens.callersOf(settings.tokens)
      return Authentication.byShape([...judges, Authentication.fixed(callers)])
    })
  )
