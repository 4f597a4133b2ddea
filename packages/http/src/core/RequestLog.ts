/**
 * RequestLog: the log line of a request: method, path, status, duration, the ids of its updates (`requestId`) and its
 * trace (`traceId`, from its `traceparent`). Never a token, a header, a query or a body.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import * as HashMap from "effect/HashMap"
import * as List from "effect/List"
import type * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
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
  /** The ids of its updates, separated by spaces; undefined for none. */
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

/**
 * Returns a sink that passes lines to the current loggers, without a fiber for each; entries are those of
 * `Effect.logInfo`. `besides`: a logger to skip, because it gets the lines in another way. Null if no logger is left,
 * or the log level excludes the lines. If a logger throws, the line is lost and the request is answered.
 */
export const toLoggers = (besides?: Logger.Logger<unknown, unknown>): Effect.Effect<Sink | null> =>
  Effect.map(Effect.getFiberRefs, (refs) => {
    const inForce = FiberRefs.getOrDefault(refs, FiberRef.currentLoggers)
    const loggers = [...inForce].filter((logger) => logger !== besides)
    const minimum = FiberRefs.getOrDefault(refs, FiberRef.currentMinimumLogLevel)
    if (loggers.length === 0 || LogLevel.greaterThan(minimum, LogLevel.Info)) return null
    const ambient = FiberRefs.getOrDefault(refs, FiberRef.currentLogAnnotations)
    const context = FiberRefs.delete(refs, FiberRef.currentContext)
    return (line) => {
      const entry: Logger.Logger.Options<unknown> = {
        annotations: annotated(ambient, line),
        cause: Cause.empty,
        context,
        date: new Date(line.atMillis),
        fiberId: nobody,
        logLevel: LogLevel.Info,
        message: said,
        spans: List.empty()
      }
      for (const logger of loggers) give(logger, entry)
    }
  })

const nobody = FiberId.make(0, 0)
const said = ["Request"]

const annotated = (
  ambient: HashMap.HashMap<string, unknown>,
  { atMillis: _, ...marks }: Line
): HashMap.HashMap<string, unknown> =>
  HashMap.mutate(ambient, (all) => {
    for (const [name, value] of Object.entries(marks)) if (value !== undefined) HashMap.set(all, name, value)
  })

const give = (logger: Logger.Logger<unknown, unknown>, entry: Logger.Logger.Options<unknown>): void => {
  try {
    logger.log(entry)
  } catch {
    // A logger that throws must not fail the request.
  }
}

const present = (marks: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(marks).filter(([, value]) => value !== undefined))

/** Adds method and path of the request to a log line. */
export const about = (line: Effect.Effect<void>, request: WireRequest): Effect.Effect<void> =>
  Effect.annotateLogs(
    line,
    present({ method: request.method, path: request.path, traceId: parentOf(request)?.traceId })
  )
