/**
 * GuardedLane: a lane behind the limits and the token, its own format around everything that goes wrong in it. Owns the
 * order of the first checks: room, token, rate; what comes after them is the lane's.
 */
import type { CheckoutError } from "@onelane/checkout"
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as AdapterError from "./AdapterError.js"
import type * as Admission from "./Admission.js"
import type { AuthenticationShape } from "./Authentication.js"
import * as DoorMetrics from "./DoorMetrics.js"
import type { Lane } from "./Lane.js"
import * as RequestLog from "./RequestLog.js"
import type { WireAnswer } from "./WireAnswer.js"
import * as WireError from "./WireError.js"
import * as WireRequest from "./WireRequest.js"

/** What stands before a lane. */
export interface Parts {
  readonly authentication: AuthenticationShape
  readonly admission: Admission.Admission
  readonly metrics: DoorMetrics.DoorMetrics
  readonly clock: Clock.Clock
}

type Request = WireRequest.WireRequest
type Refusal = AdapterError.AdapterError | CheckoutError.CheckoutError

/** A lane and what is before it. */
export interface GuardedLane {
  readonly lane: Lane
  /** Answers a request, from its first check on. */
  readonly door: (request: Request) => Effect.Effect<WireAnswer, never, Scope.Scope>
  /** The answer to a refusal. */
  readonly refuse: (error: Refusal, request: Request) => WireAnswer
  /** The answer to whatever becomes of a request that was let in. */
  readonly settle: <R>(
    served: Effect.Effect<WireAnswer, Refusal, R>,
    request: Request
  ) => Effect.Effect<WireAnswer, never, R>
}

/** Puts the limits and the token before a lane. */
export const make = ({ admission, authentication, clock, metrics }: Parts, lane: Lane): GuardedLane => {
  const refuse: GuardedLane["refuse"] = (error, request) => {
    DoorMetrics.countRefusal(metrics, error)
    return lane.refuse(error, request)
  }
  const settle: GuardedLane["settle"] = (served, request) =>
    served.pipe(
      Effect.catchAll((error) => Effect.sync(() => refuse(error, request))),
      Effect.catchAllDefect((cause) =>
        Effect.as(
          RequestLog.about(Effect.logError("A request died", Cause.die(cause)), request),
          refuse(WireError.defect(request.method === "POST" ? "unknown" : "no"), request)
        )
      )
    )
  const served: GuardedLane["door"] = (request) => {
    const token = WireRequest.bearerOf(request)
    if (token === undefined) return Effect.succeed(refuse(AdapterError.tokenMissing, request))
    const answered = Effect.flatMap(authenticated(authentication, token, request), (caller) => {
      const refused = admission.call(caller, clock.unsafeCurrentTimeMillis())
      return refused === null ? lane.serve(caller, admitted(admission, request)) : Effect.fail(refused)
    })
    return settle(answered, request)
  }
  const door: GuardedLane["door"] = (request) =>
    admission.request(served(request), () => refuse(AdapterError.overloaded, request))
  return { lane, door, refuse, settle }
}

const authenticated = (authentication: AuthenticationShape, token: string, request: Request) =>
  Effect.catchTags(authentication.authenticate(token), {
    TokenRefused: ({ final, reason }) =>
      Effect.zipRight(
        RequestLog.about(Effect.annotateLogs(Effect.logInfo("Token refused"), { reason }), request),
        Effect.fail(AdapterError.tokenRefused(final))
      ),
    PortUnavailable: ({ cause, port }) =>
      Effect.zipRight(
        RequestLog.about(Effect.logWarning(`${port} gave no answer`, String(cause)), request),
        Effect.fail(AdapterError.authenticationUnavailable)
      )
  })

/** The request, its body counted while it is read. */
const admitted = (admission: Admission.Admission, request: Request): Request =>
  request.method === "POST"
    ? {
        ...request,
        text: (maxBytes) => {
          const length = Number(request.headers["content-length"] ?? maxBytes)
          return admission.body(length > maxBytes ? 0 : length, request.text(maxBytes))
        }
      }
    : request
