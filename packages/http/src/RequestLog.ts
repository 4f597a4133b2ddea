/**
 * RequestLog: what the log, the metrics and a trace say of a request: method and path, status, time, the updates it
 * tells of (`requestId`) and the trace it belongs to (`traceId`, of the `traceparent` it came with). Never a token, a
 * header or a body.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as DoorMetrics from "./DoorMetrics.js"
import type * as WireAnswer from "./WireAnswer.js"
import type { WireRequest } from "./WireRequest.js"

/** What is to be told. */
export interface Options {
  readonly tracing?: boolean | undefined
  readonly logRequests?: boolean | undefined
  readonly metrics?: DoorMetrics.DoorMetrics | undefined
}

/** The trace a request belongs to. Source: W3C Trace Context. */
const traceIdOf = (request: WireRequest): string | undefined =>
  /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/.exec(request.headers.traceparent ?? "")?.[1]

const marks = (request: WireRequest): Readonly<Record<string, string>> => {
  const traceId = traceIdOf(request)
  return { method: request.method, path: request.path, ...(traceId === undefined ? {} : { traceId }) }
}

/** A line of the log that says which request it is about. */
export const about = (line: Effect.Effect<void>, request: WireRequest): Effect.Effect<void> =>
  Effect.annotateLogs(line, marks(request))

type Answering<R> = (request: WireRequest) => Effect.Effect<WireAnswer.WireAnswer, never, R>

/** The door with what is to be told of its answers; the door itself when that is nothing. */
export const around = <R>(door: Answering<R>, { logRequests, metrics, tracing }: Options): Answering<R> => {
  if (logRequests !== true && tracing !== true && metrics === undefined) return door
  return (request) =>
    Effect.flatMap(Clock.currentTimeNanos, (began) =>
      Effect.tap(door(request), ({ requestId, status }) =>
        Effect.flatMap(Clock.currentTimeNanos, (ended) => {
          const millis = Number(ended - began) / 1_000_000
          if (metrics !== undefined) DoorMetrics.countAnswer(metrics, status, millis)
          const named = requestId === undefined || requestId === "" ? {} : { requestId }
          const traced = tracing === true ? Effect.annotateCurrentSpan(named) : Effect.void
          if (logRequests !== true) return traced
          const line = Effect.annotateLogs(Effect.logInfo("Request"), { status, millis, ...named })
          return Effect.zipRight(traced, about(line, request))
        })
      )
    )
}
