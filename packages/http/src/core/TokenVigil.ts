/**
 * TokenVigil: verifies the tokens of open streams again while they run. A token that expired or was revoked ends its streams.
 * Streams with the same token share the checks.
 */
import { Vigil } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as AdapterError from "../contract/AdapterError.js"
import type { AuthenticationShape } from "./Authentication.js"
import * as WireRequest from "./WireRequest.js"

/** Verifies a token now. */
export type CheckToken = Vigil.Check<AdapterError.AdapterError, AdapterError.AdapterError>

/** Watches the token of a request while the scope is open; calls `onLost` when the token is no longer valid. */
export type TokenVigil = (
  request: WireRequest.WireRequest,
  onLost: Vigil.OnLost<AdapterError.AdapterError>
) => Effect.Effect<CheckToken, never, Scope.Scope>

/** Creates it; it stops when the scope closes. */
export const make = ({ authenticate, onChange }: AuthenticationShape): Effect.Effect<TokenVigil, never, Scope.Scope> =>
  Effect.gen(function* () {
    const vigil = yield* Vigil.make<AdapterError.AdapterError, AdapterError.AdapterError>()
    if (onChange !== undefined)
      yield* Effect.acquireRelease(
        Effect.sync(() => onChange(vigil.signal)),
        (leave) => Effect.sync(leave)
      )
    const look = (token: string): Effect.Effect<AdapterError.AdapterError | null, AdapterError.AdapterError> =>
      Effect.matchEffect(authenticate(token), {
        onSuccess: () => Effect.succeed(null),
        onFailure: (error) =>
          error._tag === "TokenRefused"
            ? Effect.succeed(AdapterError.tokenRefused(error.final))
            : Effect.fail(AdapterError.authenticationUnavailable)
      })
    return (request, onLost) => {
      const token = WireRequest.bearerOf(request) ?? ""
      return vigil.watch(token, () => look(token), onLost)
    }
  })
