/**
 * Authentication: the port that turns a bearer token into a caller. `Access` decides what a caller may do. The reason
 * of a refusal is for the log. On the wire all refused tokens look the same, except for one fact: whether the token can
 * still become valid (`final` is false), so that renewing the session can help.
 */
import { hash } from "node:crypto"
import { type Access, Caller } from "@onelane/checkout"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type { AdapterError } from "../contract/AdapterError.js"
import type { WireRequest } from "./WireRequest.js"

/** The token was refused. `final`: it can never become valid, so renewing the session does not help. */
export interface TokenRefused {
  readonly _tag: "TokenRefused"
  readonly final: boolean
  readonly reason: string
}

/** Makes a `TokenRefused`. */
export const tokenRefused = (reason: string, final: boolean): TokenRefused => ({ _tag: "TokenRefused", reason, final })

/** The port. An effect that is already an `Exit` costs a request no suspension. */
export interface AuthenticationShape {
  readonly authenticate: (token: string) => Effect.Effect<Caller.Caller, TokenRefused | Access.PortUnavailable>
  /** Identifies the caller from the whole request instead of a bearer token, for hosts with their own sessions. */
  readonly identify?:
    | ((request: WireRequest) => Effect.Effect<Caller.Caller, AdapterError | Access.PortUnavailable>)
    | undefined
  /**
   * Calls `listener` after a token may have become invalid; returns the function that unsubscribes. Default: no
   * notifications.
   */
  readonly onChange?: Access.OnChange | undefined
}

/** The authentication port. */
export class Authentication extends Context.Tag("@onelane/http/Authentication")<
  Authentication,
  AuthenticationShape
>() {}

/** A verifier for tokens of one format. */
export interface Judge extends AuthenticationShape {
  /** Whether a token has that format. This says nothing about its validity and is no secret. */
  readonly accepts: (token: string) => boolean
}

/** The first verifier that accepts the format of a token decides; a token of no known format is refused as unknown. */
export const byShape = (judges: ReadonlyArray<Judge>): AuthenticationShape => ({
  authenticate: (token) => judges.find(({ accepts }) => accepts(token))?.authenticate(token) ?? unknownToken,
  onChange: (listener) => {
    const stops = judges.map(({ onChange }) => onChange?.(listener))
    return () => {
      for (const stop of stops) stop?.()
    }
  }
})

const digestOf = (token: string): string => hash("sha256", token, "base64")

const unknownToken = Exit.fail(tokenRefused("unknown token", true))

/**
 * A fixed set of tokens, for development and tests. Only digests are kept, and only digests are compared, so the time
 * of a comparison reveals nothing about a token.
 */
export const fixed = (tokens: Readonly<Record<string, Caller.Caller>>): Judge => {
  const callers = new Map(
    Object.entries(tokens).map(([token, caller]) => [digestOf(token), Exit.succeed(Caller.copyOf(caller))])
  )
  return {
    accepts: () => true,
    authenticate: (token) => callers.get(digestOf(token)) ?? unknownToken
  }
}

/** The layer of `fixed`. */
export const layerStatic = (tokens: Readonly<Record<string, Caller.Caller>>): Layer.Layer<Authentication> =>
  Layer.sync(Authentication, () => fixed(tokens))
