/**
 * RequestLog: what the log says of a request: method and path, status, time, the updates it tells of (`requestId`) and the
 * trace it belongs to (`traceId`, of the `traceparent` it came with). Never a token, a header, a query or a body.
 */
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import { parentOf } from "./Tracing.js"
import type { WireAnswer } from "./WireAnswer.js"
import type { WireRequest } from "./WireRequest.js"

/** One answered request. */
export interface Line {
  /** When it was answered, epoch milliseconds. */
  readonly atMillis: number
  readonly method: string
  readonly path: string
  readonly status: number
  readonly millis: number
  /** The updates it tells of, with spaces between; undefined for none. */
  readonly requestId: string | undefined
  readonly traceId: string | undefined
}

/** Receives the lines. Called once per answer, synchronously: must be quick. */
export type Sink = (line: Line) => void

/** The line of an answered request. */
export const lineOf = (
  request: WireRequest,
  { requestId, status }: WireAnswer,
  atMillis: number,
  millis: number
): Line => ({
  atMillis,
  method: request.method,
  path: request.path,
  status,
  millis,
  requestId: requestId === "" ? undefined : requestId,
  traceId: parentOf(request)?.traceId
})

const present = (marks: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(marks).filter(([, value]) => value !== undefined))

/** Writes the lines to the loggers of a runtime. */
export const toLoggers =
  (runtime: Runtime.Runtime<never>): Sink =>
  ({ atMillis: _, ...line }) =>
    void Runtime.runFork(runtime)(Effect.annotateLogs(Effect.logInfo("Request"), present(line)))

/** A line of the log that says which request it is about. */
export const about = (line: Effect.Effect<void>, request: WireRequest): Effect.Effect<void> =>
  Effect.annotateLogs(
    line,
    present({ method: request.method, path: request.path, traceId: parentOf(request)?.traceId })
  )
