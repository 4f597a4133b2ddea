/**
 * Tracing: a span for each traced request, with a child span for each call of the service: method, ids and outcome. A
 * request that is not traced costs only the decision.
 *
 * The request's `traceparent` decides (W3C Trace Context); without one, the configured ratio does. A refusal is an
 * answer: its span has not failed. Spans contain no headers and no query.
 */
import { type CheckoutError, type CheckoutSessions, PlainText, type Subscription } from "@onelane/checkout"
import * as Changes from "@onelane/checkout/Changes"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { PCGRandom } from "effect/Utils"
import type { WireAnswer } from "./WireAnswer.js"
import type { WireRequest } from "./WireRequest.js"

type Sessions = CheckoutSessions.CheckoutSessionsShape
type Call = (caller: never, input: object, wait?: never) => Effect.Effect<object, CheckoutError.CheckoutError>

/** Starts spans. */
export interface Spans {
  /** The span of a request; null if it is not traced. */
  readonly ofRequest: (request: WireRequest) => Tracer.Span | null
  /** The span of an update, child of a request's, for callers without a fiber; `endUpdate` ends it. */
  readonly ofUpdate: (parent: Tracer.Span, input: unknown) => Tracer.Span
}

/** A parsed `traceparent`. */
export interface Parent {
  readonly traceId: string
  readonly spanId: string
  readonly sampled: boolean
}

const traceparent = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/

/** The parent span that a request names; null for none. Source: W3C Trace Context, version 00. */
export const parentOf = ({ headers }: WireRequest): Parent | null => {
  const found = headers.traceparent === undefined ? null : traceparent.exec(headers.traceparent)
  if (found === null) return null
  return { traceId: found[1]!, spanId: found[2]!, sampled: (Number.parseInt(found[3]!, 16) & 1) === 1 }
}

/** True for `ratio` (0 to 1) of all times it is asked. */
export const sampler = (ratio: number): (() => boolean) => {
  if (ratio >= 1) return () => true
  const random = new PCGRandom()
  return () => random.number() < ratio
}

/**
 * Creates spans with `tracer`, for `ratio` of the requests without a `traceparent`. `clockNanos`: epoch nanoseconds.
 */
export const spans = (tracer: Tracer.Tracer, ratio: number, clockNanos: () => bigint): Spans => {
  const isSampled = sampler(ratio)
  const begin = (
    name: string,
    above: Option.Option<Tracer.AnySpan>,
    kind: Tracer.SpanKind,
    marks: Readonly<Record<string, string>>
  ) => {
    const span = tracer.span(name, above, Context.empty(), [], clockNanos(), kind)
    for (const [mark, value] of Object.entries(marks)) span.attribute(mark, value)
    return span
  }
  return {
    ofRequest: (request) => {
      const parent = parentOf(request)
      if (!(parent === null ? isSampled() : parent.sampled)) return null
      const above = parent === null ? Option.none() : Option.some(Tracer.externalSpan(parent))
      const marks = { "http.request.method": request.method, "url.path": PlainText.cut(request.path, pathMaxLength) }
      return begin(`http.server ${request.method}`, above, "server", marks)
    },
    ofUpdate: (parent, input) => begin(updateName, Option.some(parent), "internal", marksOf(input))
  }
}

/** Longest path that a span shows if the path is not one of ours, characters. */
const pathMaxLength = 255

const updateName = "CheckoutSessions.update"

/** Ends the span of an update with its outcome. */
export const endUpdate = (
  span: Tracer.Span,
  endedNanos: bigint,
  exit: Exit.Exit<CheckoutSessions.Updated, CheckoutError.UpdateError>
): void => {
  const isDefect = Exit.isFailure(exit) && !Cause.isFailType(exit.cause)
  if (Exit.isSuccess(exit)) span.attribute("requestId", exit.value.requestId)
  else if (Cause.isFailType(exit.cause)) {
    span.attribute("refused", exit.cause.error._tag)
    span.attribute("reason", exit.cause.error.reason)
  }
  span.end(endedNanos, isDefect ? exit : Exit.void)
}

/** Ends the span of a request with its answer. An event stream ends it when it begins. */
export const end = (span: Tracer.Span, endedNanos: bigint, { requestId, status }: WireAnswer): void => {
  span.attribute("http.response.status_code", status)
  if (requestId !== undefined && requestId !== "") span.attribute("requestId", requestId)
  span.end(endedNanos, Exit.void)
}

/** Ends the span of a request whose client left. */
export const abandon = (span: Tracer.Span, endedNanos: bigint): void => {
  span.attribute("abandoned", true)
  span.end(endedNanos, Exit.void)
}

/** Members of inputs and answers that a span shows, cut to the longest length of an id. */
const shown = ["checkoutSessionId", "cartId", "operationId", "requestId"] as const
const shownMaxLength = 255

const marksOf = (from: unknown): Record<string, string> => {
  const marks: Record<string, string> = {}
  for (const name of shown) {
    const value: unknown = Object(from)[name]
    if (typeof value === "string" && value.length <= shownMaxLength) marks[name] = value
  }
  return marks
}

const spanned =
  (name: string, call: Call, parent: Tracer.Span): Call =>
  (caller, input, wait) =>
    Effect.either(Effect.suspend(() => call(caller, input, wait))).pipe(
      Effect.tap((answer) =>
        Effect.annotateCurrentSpan(
          Either.isRight(answer) ? marksOf(answer.right) : { refused: answer.left._tag, reason: answer.left.reason }
        )
      ),
      Effect.withSpan(name, { attributes: marksOf(input), captureStackTrace: false, parent }),
      Effect.flatten
    )

type Called = Exclude<keyof Sessions, "follow" | "changes">

/** A call is wrapped only when it is accessed: an update without a fiber accesses none. */
class Traced implements Sessions {
  constructor(
    private readonly behind: Sessions,
    private readonly parent: Tracer.Span
  ) {}
  get open(): Sessions["open"] {
    return this.call("open")
  }
  get update(): Sessions["update"] {
    return this.call("update")
  }
  get get(): Sessions["get"] {
    return this.call("get")
  }
  get find(): Sessions["find"] {
    return this.call("find")
  }
  get cancel(): Sessions["cancel"] {
    return this.call("cancel")
  }
  get history(): Sessions["history"] {
    return this.call("history")
  }
  get completeTask(): Sessions["completeTask"] {
    return this.call("completeTask")
  }
  get failTask(): Sessions["failTask"] {
    return this.call("failTask")
  }
  get releaseClaim(): Sessions["releaseClaim"] {
    return this.call("releaseClaim")
  }
  get move(): Sessions["move"] {
    return this.call("move")
  }
  get sessions(): Sessions["sessions"] {
    return this.call("sessions")
  }
  get claims(): Sessions["claims"] {
    return this.call("claims")
  }
  get follow(): Sessions["follow"] {
    return followed(this.behind.follow, this.parent)
  }
  get changes(): Sessions["changes"] {
    return Changes.withStreams({ ...this.behind, follow: this.follow }).changes
  }
  private call<N extends Called>(name: N): Sessions[N] {
    return spanned(`CheckoutSessions.${name}`, this.behind[name] as Call, this.parent) as Sessions[N]
  }
}

/** The service with its calls traced as children of a span. The span of a subscription ends with the subscription. */
export const sessions = (behind: Sessions, parent: Tracer.Span): Sessions => new Traced(behind, parent)

const followed =
  (follow: Sessions["follow"], parent: Tracer.Span): Sessions["follow"] =>
  (caller, input) =>
    Effect.flatMap(
      Effect.makeSpan("CheckoutSessions.changes", { attributes: marksOf(input), captureStackTrace: false, parent }),
      (span) =>
        Effect.clockWith((clock) => {
          const end = () => span.end(clock.unsafeCurrentTimeNanos(), Exit.void)
          return follow(caller, input).pipe(
            Effect.map((subscription) => endedBy(subscription, end)),
            Effect.onError(() => Effect.sync(end))
          )
        })
    )

const endedBy = (subscription: Subscription.Subscription, end: () => void): Subscription.Subscription => ({
  ask: (onAnswer) => subscription.ask(onAnswer),
  withdraw: () => subscription.withdraw(),
  check: (onVerdict) => subscription.check(onVerdict),
  leave: () => {
    subscription.leave()
    end()
  }
})
