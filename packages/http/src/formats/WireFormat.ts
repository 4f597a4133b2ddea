/**
 * WireFormat: one format of requests and answers under one path prefix. A format routes requests and writes answers and
 * errors in its own way; `Exchange` owns the order of the checks.
 */
import type { Caller, CheckoutError, CheckoutSessions } from "@onelane/checkout"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { AdapterError } from "../contract/AdapterError.js"
import type { WireAnswer } from "../core/WireAnswer.js"
import type { WireRequest } from "../core/WireRequest.js"

/** Every error that a request can be refused with. */
export type Refusal = AdapterError | CheckoutError.CheckoutError

/** A wire format. */
export interface WireFormat {
  /** True if no token is needed and no rate limit applies. Default: a token is required. */
  readonly isOpen?: boolean
  /** Routes a request by path and method. */
  readonly route: (request: WireRequest) => Operation | AdapterError
  /** Writes a refusal. */
  readonly refuse: (error: Refusal, request: WireRequest) => WireAnswer
}

/** The operation that a request was routed to. */
export interface Operation {
  /** Whether it takes a JSON object: never, always, or optionally (`{}` if none was sent). */
  readonly body: "none" | "required" | "optional"
  /** Whether the answer is ready already, so that it is sent even under overload. Default false. */
  readonly isInstant?: boolean
  /** Number of inputs in a body, for the caller's rate limit. Default one. */
  readonly inputsOf?: (body: Readonly<Record<string, unknown>>) => number
  readonly run: (call: Call) => Work
}

/** A request with its caller and its body. */
export interface Call {
  readonly sessions: CheckoutSessions.CheckoutSessionsShape
  readonly caller: Caller.Caller
  readonly request: WireRequest
  /** The body, or `{}`. Not validated: the service does that after the permission check. */
  readonly body: Readonly<Record<string, unknown>>
}

/** The work of an operation: an effect (an `Exit` is answered synchronously), or an update. */
export type Work = Effect.Effect<WireAnswer, Refusal> | Update

/** An update. It needs no fiber if the engine runs in this process. */
export interface Update {
  /** Not validated. */
  readonly input: CheckoutSessions.UpdateInput
  /** Turns the service's answer into an HTTP answer: an `Exit`, unless something must be logged. */
  readonly answer: (
    exit: Exit.Exit<CheckoutSessions.Updated, CheckoutError.UpdateError>
  ) => Effect.Effect<WireAnswer, CheckoutError.CheckoutError>
}
