/**
 * TokenVigil: verifies the tokens of open streams again while they run. A token that expired or was revoked ends its
 * streams. Streams with the same token share the checks.
 */
import { type Access, type Caller, Vigil } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as AdapterError from "../contract/AdapterError.js"
import type { AuthenticationShape, TokenRefused } from "./Authentication.js"
import * as WireRequest from "./WireRequest.js"

/** Watches the token of a request until it is left; calls `onLost` when the token is no longer valid. */
export type TokenVigil = (
  request: WireRequest.WireRequest,
  onLost: Vigil.OnLost<AdapterError.AdapterError>
) => Vigil.Watch<AdapterError.AdapterError>

const valid = Exit.succeed(null)

type Verified = Effect.Effect<Caller.Caller, TokenRefused | Access.PortUnavailable | AdapterError.AdapterError>

/** Creates it; it stops when the scope closes. */
export const make = ({
  authenticate,
  identify,
  onChange
}: AuthenticationShape): Effect.Effect<TokenVigil, never, Scope.Scope> =>
  Effect.gen(function* () {
    const vigil = yield* Vigil.make<AdapterError.AdapterError, AdapterError.AdapterError>(
      AdapterError.authenticationUnavailable
    )
    if (onChange !== undefined)
      yield* Effect.acquireRelease(
        Effect.sync(() => onChange(vigil.signal)),
        (leave) => Effect.sync(leave)
      )
    const look = (verified: Verified): Effect.Effect<AdapterError.AdapterError | null, AdapterError.AdapterError> => {
      if (Exit.isExit(verified) && Exit.isSuccess(verified)) return valid
      return Effect.matchEffect(verified, {
        onSuccess: () => valid,
        onFailure: (error) => {
          if (error._tag === "PortUnavailable") return Exit.fail(AdapterError.authenticationUnavailable)
          return Exit.succeed(AdapterError.is(error) ? error : AdapterError.tokenRefused(error.final))
        }
      })
    }
    let requests = 0
    return (request, onLost) => {
      if (identify !== undefined) {
        requests += 1
        return vigil.watch(String(requests), () => look(identify(request)), onLost)
      }
      const token = WireRequest.bearerOf(request) ?? ""
      return vigil.watch(token, () => look(authenticate(token)), onLost)
    }
  })
