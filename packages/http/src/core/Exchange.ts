/**
 * Exchange: one request and its answer, step by step. Every request takes the same steps, whatever the listener, logged
 * or traced or not: admission → token → rate → route → media type → body → work → answer. An open format (documents)
 * has no token and no rate, and is admitted after the route.
 *
 * A step that does not wait continues on the same stack: an update of an engine in this process uses no fiber. A step
 * that waits (verifying a token, reading a store) runs in a fiber of its own.
 *
 * Invariants: `onAnswer` is called at most once, and never after the client left; what was taken from `Admission` is
 * returned exactly once; every exception becomes an answer (500) and a log line.
 */
import { type Access, Caller, type CheckoutEngine, type CheckoutSessions } from "@onelane/checkout"
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import type * as Tracer from "effect/Tracer"
import * as AdapterError from "../contract/AdapterError.js"
import * as WireError from "../contract/WireError.js"
import * as SessionEvents from "../formats/SessionEvents.js"
import type { Operation, Refusal, Update, WireFormat } from "../formats/WireFormat.js"
import type { Admission } from "./Admission.js"
import type * as Authentication from "./Authentication.js"
import * as Conditional from "./Conditional.js"
import * as DoorMetrics from "./DoorMetrics.js"
import type { HttpLimits } from "./HttpLimits.js"
import * as RequestLog from "./RequestLog.js"
import * as Tracing from "./Tracing.js"
import * as WireAnswer from "./WireAnswer.js"
import * as WireRequest from "./WireRequest.js"

/** The dependencies of an exchange. */
export interface Parts {
  readonly sessions: CheckoutSessions.CheckoutSessionsShape
  /** Runs updates without a fiber if the engine is in this process; null: updates are effects like all others. */
  readonly startUpdate: CheckoutEngine.CheckoutEngineShape["startUpdate"] | null
  readonly authentication: Authentication.AuthenticationShape
  readonly admission: Admission
  readonly metrics: DoorMetrics.DoorMetrics
  readonly limits: HttpLimits
  readonly clock: Clock.Clock
  readonly runtime: Runtime.Runtime<never>
  /** Starts the spans of traced requests. Null: no tracing. */
  readonly spans: Tracing.Spans | null
  /** Called for every answer. Null: no request log. */
  readonly log: RequestLog.Sink | null
  /** Whether the core is shutting down and refuses requests; null: it never does. */
  readonly isClosing: (() => boolean) | null
  /** Additional headers of an answer; null: none. */
  readonly headersFor: ((request: WireRequest.WireRequest) => Readonly<Record<string, string>>) | null
}

/** Receives the answer. */
export type OnAnswer = (answer: WireAnswer.WireAnswer) => void

interface Exchange {
  readonly parts: Parts
  readonly format: WireFormat
  readonly request: WireRequest.WireRequest
  readonly onAnswer: OnAnswer
  readonly beganNanos: bigint
  readonly span: Tracer.Span | null
  updateSpan: Tracer.Span | null
  caller: Caller.Caller
  operation: Operation | null
  update: Update | null
  /** What is currently counted for it. */
  requests: number
  bodyBytes: number
  /** The body was read completely, or there is none. */
  isRead: boolean
  isOver: boolean
  isLeft: boolean
  /** Withdraws the pending step; true if it will have no effect. */
  withdraw: (() => boolean) | null
}

const anybody = Caller.make("anybody", [])

/** Starts an exchange. Call the returned function when the client leaves; after the answer it does nothing. */
export const begin = (
  parts: Parts,
  format: WireFormat,
  request: WireRequest.WireRequest,
  onAnswer: OnAnswer
): (() => void) => {
  const exchange: Exchange = {
    parts,
    format,
    request,
    onAnswer,
    beganNanos: parts.clock.unsafeCurrentTimeNanos(),
    span: parts.spans === null ? null : parts.spans.ofRequest(request),
    updateSpan: null,
    caller: anybody,
    operation: null,
    update: null,
    requests: 0,
    bodyBytes: 0,
    isRead: false,
    isOver: false,
    isLeft: false,
    withdraw: null
  }
  step(exchange, enter, null)
  return () => leave(exchange)
}

/** Runs one step; an exception is a defect and is answered with 500. */
const step = <A>(exchange: Exchange, next: (exchange: Exchange, given: A) => void, given: A): void => {
  try {
    next(exchange, given)
  } catch (defect) {
    if (exchange.isOver) throw defect
    die(exchange, Cause.die(defect))
  }
}

/** Called two or three times per request, so it checks the tag only. */
const isExit = <A, E>(effect: Effect.Effect<A, E>): effect is Exit.Exit<A, E> => {
  const tag = (effect as { readonly _tag?: unknown })._tag
  return tag === "Success" || tag === "Failure"
}

/** Waits for an effect; an `Exit` continues at once. */
const wait = <A, E>(
  exchange: Exchange,
  effect: Effect.Effect<A, E>,
  next: (exchange: Exchange, exit: Exit.Exit<A, E>) => void
): void => {
  if (isExit(effect)) return next(exchange, effect)
  const fiber = Runtime.runFork(exchange.parts.runtime)(effect, exchange.request.mounted?.forkOptions)
  exchange.withdraw = () => {
    fiber.unsafeInterruptAsFork(fiber.id())
    return false
  }
  fiber.addObserver((exit) => {
    exchange.withdraw = null
    step(exchange, next, exit)
  })
}

// The steps, in their order.

/** Admission, and the token. */
const enter = (exchange: Exchange): void => {
  const { format, parts, request } = exchange
  if (format.isOpen === true) return choose(exchange)
  if (parts.isClosing?.() === true) return refuse(exchange, SessionEvents.draining)
  if (!admit(exchange)) return refuse(exchange, AdapterError.overloaded)
  const { authenticate, identify: ofRequest } = parts.authentication
  if (ofRequest !== undefined) return wait(exchange, ofRequest(request), identify)
  const token = WireRequest.bearerOf(request)
  if (token === undefined) return refuse(exchange, AdapterError.tokenMissing)
  wait(exchange, authenticate(token), identify)
}

const admit = (exchange: Exchange): boolean => {
  if (!exchange.parts.admission.take(1, 0)) return false
  exchange.requests = 1
  return true
}

/** The caller, and its rate. */
const identify = (exchange: Exchange, exit: Exit.Exit<Caller.Caller, Unidentified>): void => {
  const { parts } = exchange
  if (exchange.isLeft) return end(exchange)
  if (Exit.isFailure(exit)) {
    return Cause.isFailType(exit.cause) ? unidentified(exchange, exit.cause.error) : die(exchange, exit.cause)
  }
  exchange.caller = exit.value
  const refused = parts.admission.call(exit.value, parts.clock.unsafeCurrentTimeMillis(), 1)
  if (refused === null) choose(exchange)
  else refuse(exchange, refused)
}

type Unidentified = Authentication.TokenRefused | Access.PortUnavailable | AdapterError.AdapterError

const unidentified = (exchange: Exchange, error: Unidentified): void => {
  if (AdapterError.is(error)) return refuse(exchange, error)
  if (error._tag === "TokenRefused") {
    tell(exchange, Effect.annotateLogs(Effect.logInfo("Token refused"), { reason: error.reason }))
    return refuse(exchange, AdapterError.tokenRefused(error.final))
  }
  const { cause, port } = error
  tell(exchange, Effect.logWarning(`${port} gave no answer`, String(cause)))
  refuse(exchange, AdapterError.authenticationUnavailable)
}

/** Route, method, media type; then the body, if there is one. */
const choose = (exchange: Exchange): void => {
  const { format, parts, request } = exchange
  const operation = format.route(request)
  if (!("run" in operation)) return unrouted(exchange, operation)
  exchange.operation = operation
  if (exchange.requests === 0 && operation.isInstant !== true && !admit(exchange)) {
    return refuse(exchange, AdapterError.overloaded)
  }
  const hasBody = operation.body !== "none" && WireRequest.hasBody(request, operation.body === "optional")
  if (typeof hasBody === "object") return refuse(exchange, hasBody)
  if (!hasBody) return work(exchange, {})
  const maxBytes = parts.limits.bodyMaxBytes
  const bodyBytes = Number(request.headers["content-length"] ?? maxBytes)
  if (bodyBytes > maxBytes) return refuse(exchange, AdapterError.bodyTooLarge(maxBytes))
  if (!parts.admission.take(0, bodyBytes)) return refuse(exchange, AdapterError.overloaded)
  exchange.bodyBytes = bodyBytes
  request.read(maxBytes, (body) => step(exchange, receive, body))
}

/** No operation: an error, or the answer to `OPTIONS`. */
const unrouted = (exchange: Exchange, error: AdapterError.AdapterError): void => {
  if (exchange.request.method !== "OPTIONS" || error.headers.allow === undefined) return refuse(exchange, error)
  reply(exchange, WireAnswer.withHeaders(WireAnswer.empty(204), error.headers))
}

/** The body, as a JSON object. */
const receive = (exchange: Exchange, body: string | AdapterError.AdapterError): void => {
  if (exchange.isOver) return
  const { admission, limits } = exchange.parts
  admission.give(0, exchange.bodyBytes)
  exchange.bodyBytes = 0
  exchange.isRead = true
  if (typeof body !== "string") return refuse(exchange, body)
  const parsed = WireRequest.parseObject(body, limits)
  if (Either.isLeft(parsed)) return refuse(exchange, parsed.left)
  const { operation, parts } = exchange
  // One input was counted when the caller was authenticated.
  const more = operation!.inputsOf === undefined ? 0 : operation!.inputsOf(parsed.right) - 1
  const refused = more > 0 ? admission.call(exchange.caller, parts.clock.unsafeCurrentTimeMillis(), more) : null
  if (refused === null) work(exchange, parsed.right)
  else refuse(exchange, refused)
}

/** Runs the operation. */
const work = (exchange: Exchange, body: Readonly<Record<string, unknown>>): void => {
  const { caller, operation, parts, request, span } = exchange
  const sessions = span === null ? parts.sessions : Tracing.sessions(parts.sessions, span)
  const wanted = operation!.run({ sessions, caller, request, body })
  if (!("input" in wanted)) return wait(exchange, wanted, finish)
  if (parts.startUpdate !== null) return update(exchange, parts.startUpdate, wanted)
  wait(exchange, Effect.flatMap(Effect.exit(sessions.update(caller, wanted.input)), wanted.answer), finish)
}

const update = (exchange: Exchange, startUpdate: NonNullable<Parts["startUpdate"]>, wanted: Update): void => {
  exchange.update = wanted
  if (exchange.span !== null) exchange.updateSpan = exchange.parts.spans!.ofUpdate(exchange.span, wanted.input)
  const started = startUpdate(exchange.caller, wanted.input)
  if (!("listen" in started)) return step(exchange, updated, started)
  exchange.withdraw = started.withdraw
  started.listen((exit) => step(exchange, updated, exit))
}

const updated = (exchange: Exchange, exit: Parameters<Update["answer"]>[0]): void => {
  const { parts, update, updateSpan } = exchange
  if (updateSpan !== null) Tracing.endUpdate(updateSpan, parts.clock.unsafeCurrentTimeNanos(), exit)
  wait(exchange, update!.answer(exit), finish)
}

/** Turns the result of the operation into an answer. */
const finish = (exchange: Exchange, exit: Exit.Exit<WireAnswer.WireAnswer, Refusal>): void => {
  if (Exit.isSuccess(exit)) return reply(exchange, Conditional.answerTo(exchange.request, exit.value))
  const { cause } = exit
  if (Cause.isFailType(cause)) refuse(exchange, cause.error)
  else die(exchange, cause)
}

const refuse = (exchange: Exchange, error: Refusal): void => {
  if (!exchange.isLeft) DoorMetrics.countRefusal(exchange.parts.metrics, error)
  reply(exchange, exchange.format.refuse(error, exchange.request))
}

const die = (exchange: Exchange, cause: Cause.Cause<unknown>): void => {
  if (!exchange.isLeft) tell(exchange, Effect.logError("A request died", cause))
  refuse(exchange, WireError.defect(exchange.request.method === "POST" ? "unknown" : "no"))
}

/** Sends the answer; dropped if the client has left. */
const reply = (exchange: Exchange, answer: WireAnswer.WireAnswer): void => {
  const { beganNanos, isLeft, onAnswer, parts, request } = exchange
  if (exchange.isOver) return
  end(exchange)
  if (isLeft) {
    if (WireAnswer.isPull(answer.body)) answer.body.leave()
    return
  }
  const endedNanos = parts.clock.unsafeCurrentTimeNanos()
  const millis = Number(endedNanos - beganNanos) / 1_000_000
  DoorMetrics.countAnswer(parts.metrics, answer.status, millis)
  if (exchange.span !== null) Tracing.end(exchange.span, endedNanos, answer)
  if (parts.log !== null) {
    parts.log(RequestLog.lineOf(request, answer, parts.clock.unsafeCurrentTimeMillis(), millis))
  }
  onAnswer(complete(exchange, answer))
}

/** The answer with its additional headers. An answer before the end of a long body closes the connection. */
const complete = ({ isRead, parts, request }: Exchange, answer: WireAnswer.WireAnswer): WireAnswer.WireAnswer => {
  const { location } = answer.headers
  const base = WireRequest.baseOf(request)
  const mine = WireAnswer.isPull(answer.body) ? WireAnswer.withHeaders(answer, SessionEvents.headers) : answer
  const linked =
    location === undefined || base === "" ? mine : WireAnswer.withHeaders(mine, { location: base + location })
  const told = parts.headersFor === null ? linked : WireAnswer.withHeaders(linked, parts.headersFor(request))
  return isRead || !WireRequest.hasMuchToDrop(request, parts.limits.bodyMaxBytes)
    ? told
    : WireAnswer.withHeaders(told, { connection: "close" })
}

const end = (exchange: Exchange): void => {
  exchange.isOver = true
  exchange.parts.admission.give(exchange.requests, exchange.bodyBytes)
}

/** The client left: withdraws what has not started; what has started finishes, and its answer is dropped. */
const leave = (exchange: Exchange): void => {
  if (exchange.isOver || exchange.isLeft) return
  exchange.isLeft = true
  if (exchange.span !== null) Tracing.abandon(exchange.span, exchange.parts.clock.unsafeCurrentTimeNanos())
  if (exchange.withdraw !== null && !exchange.withdraw()) return
  if (exchange.updateSpan !== null) Tracing.abandon(exchange.updateSpan, exchange.parts.clock.unsafeCurrentTimeNanos())
  end(exchange)
}

const tell = ({ parts, request }: Exchange, line: Effect.Effect<void>): void =>
  void Runtime.runFork(parts.runtime)(RequestLog.about(line, request))
