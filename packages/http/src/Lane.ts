/**
 * Lane: one wire format under one path prefix. A lane is asked only for requests whose caller is known; it writes every
 * error in its own format, those of other layers included.
 */
import type { Caller, CheckoutError, CheckoutSessions } from "@onelane/checkout"
import type * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import type * as Exit from "effect/Exit"
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
  /**
   * The update that a request is, for `HotLane`; null when it is anything else, or when there is anything to say about its
   * head. `serve` does the same with the same parts.
   */
  readonly updating?: (request: WireRequest) => Updating | null
}

/** An update whose body is still to come. */
export interface Updating {
  /** The input in a body, unchecked; null when it holds more than one update. */
  readonly inputOf: (text: string) => Either.Either<CheckoutSessions.UpdateInput, AdapterError> | null
  /** What `serve` does with the service's answer. An `Exit`, unless there is something for the log. */
  readonly answer: (
    exit: Exit.Exit<CheckoutSessions.Updated, CheckoutError.UpdateError>
  ) => Effect.Effect<WireAnswer, CheckoutError.CheckoutError>
}
