/**
 * Lane: one wire format under one path prefix. A lane is asked only for requests whose caller is known; it writes every
 * error in its own format, those of other layers included.
 */
import type { Caller, CheckoutError } from "@onelane/checkout"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { AdapterError } from "./AdapterError.js"
import type { WireAnswer } from "./WireAnswer.js"
import type { WireRequest } from "./WireRequest.js"

/** A wire format. `serve` fails with what `refuse` then writes; the scope is that of the request, its stream included. */
export interface Lane {
  readonly serve: (
    caller: Caller.Caller,
    request: WireRequest
  ) => Effect.Effect<WireAnswer, AdapterError | CheckoutError.CheckoutError, Scope.Scope>
  readonly refuse: (error: AdapterError | CheckoutError.CheckoutError, request: WireRequest) => WireAnswer
}
