/**
 * WireFormat: one format of requests and answers under one path prefix. A format finds what a request asks for and writes
 * the answers, every error in its own way; in which order a request is checked is the `Exchange`'s business.
 */
import type { Caller, CheckoutError, CheckoutSessions } from "@onelane/checkout"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { AdapterError } from "../contract/AdapterError.js"
import type { WireAnswer } from "../core/WireAnswer.js"
import type { WireRequest } from "../core/WireRequest.js"

/** Whatever a request may be refused with. */
export type Refusal = AdapterError | CheckoutError.CheckoutError

/** A wire format. */
export interface WireFormat {
  /** True where everybody may ask, without a token and at any rate. Default: callers who are known only. */
  readonly isOpen?: boolean
  /** Finds what a request asks for, by its path and method alone. */
  readonly route: (request: WireRequest) => Operation | AdapterError
  /** Writes a refusal. */
  readonly refuse: (error: Refusal, request: WireRequest) => WireAnswer
}

/** What a request asks for. */
export interface Operation {
  /** Whether a JSON object comes with it: never, always, or `{}` where none was sent. */
  readonly body: "none" | "required" | "optional"
  /** Whether the answer is there already, so that it is given although no more requests are let in. Default false. */
  readonly isInstant?: boolean
  /** How many inputs a body has, for the rate of its caller. Default one. */
  readonly inputsOf?: (body: Readonly<Record<string, unknown>>) => number
  readonly run: (call: Call) => Work
}

/** A request whose caller is known and whose body was read. */
export interface Call {
  readonly sessions: CheckoutSessions.CheckoutSessionsShape
  readonly caller: Caller.Caller
  readonly request: WireRequest
  /** The body, or `{}`. Unchecked: the service looks at it after the caller's permission. */
  readonly body: Readonly<Record<string, unknown>>
}

/** What is to be done: anything, as an effect (an `Exit` is answered on the spot), or an update. */
export type Work = Effect.Effect<WireAnswer, Refusal> | Update

/** An update, which needs no fiber where the engine is in this process. */
export interface Update {
  /** Unchecked. */
  readonly input: CheckoutSessions.UpdateInput
  /** The answer of the service as that of the format: an `Exit`, unless there is something for the log. */
  readonly answer: (
    exit: Exit.Exit<CheckoutSessions.Updated, CheckoutError.UpdateError>
  ) => Effect.Effect<WireAnswer, CheckoutError.CheckoutError>
}
