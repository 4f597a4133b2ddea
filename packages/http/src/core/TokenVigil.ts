/**
 * TokenVigil: verifies the tokens of open streams again while they run. A token that expired or was revoked ends its streams.
 * Streams with the same token share the checks.
 */
import { Vigil } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as AdapterError from "../contract/AdapterError.js"
import type { AuthenticationShape } from "./Authentication.js"
import * as WireRequest from "./WireRequest.js"

/** Watches the token of a request until it is left; calls `onLost` when the token is no longer valid. */
export type TokenVigil = (
  request: WireRequest.WireRequest,
  onLost: Vigil.OnLost<AdapterError.AdapterError>
) => Vigil.Watch<AdapterError.AdapterError>

const valid = Exit.succeed(null)

/** Creates it; it stops when the scope closes. */
export const make = ({ authenticate, onChange }: AuthenticationShape): Effect.Effect<TokenVigil, never, Scope.Scope> =>
  Effect.gen(function* () {
    const vigil = yield* Vigil.make<AdapterError.AdapterError, AdapterError.AdapterError>(
      AdapterError.authenticationUnavailable
    )
    if (onChange !== undefined)
      yield* Effect.acquireRelease(
        Effect.sync(() => onChange(vigil.signal)),
        (leave) => Effect.sync(leave)
      )
    const look = (token: string): Effect.Effect<AdapterError.AdapterError | null, AdapterError.AdapterError> => {
      const verified = authenticate(token)
      if (Exit.isExit(verified) && Exit.isSuccess(verified)) return valid
      return Effect.matchEffect(verified, {
        onSuccess: () => valid,
        onFailure: (error) =>
          error._tag === "TokenRefused"
            ? Exit.succeed(AdapterError.tokenRefused(error.final))
            : Exit.fail(AdapterError.authenticationUnavailable)
      })
    }
    return (request, onLost) => {
      const token = WireRequest.bearerOf(request) ?? ""
      return vigil.watch(token, () => look(token), onLost)
    }
  })
