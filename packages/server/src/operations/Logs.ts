/**
 * Logs: one line of JSON per event on standard error; standard output is for programs. `RequestLog` decides what a
 * request line contains: never a token.
 *
 * Request lines are written in batches, some milliseconds later: one write each would cost more than the line itself.
 * Any other line, and the end of the process, first flushes the batch, so all lines stay in order.
 */
import { instantText, RequestLog } from "@onelane/http"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as HashSet from "effect/HashSet"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"

/** The levels. */
export const levels = { error: LogLevel.Error, warning: LogLevel.Warning, info: LogLevel.Info, debug: LogLevel.Debug }

/** A name in `levels`. */
export type Level = keyof typeof levels

/** The formats: for programs, or for people. */
export const formats = { json: Logger.jsonLogger, text: Logger.logfmtLogger }

/** A name in `formats`. */
export type Format = keyof typeof formats

/** The buffered lines for standard error in this process, flushed before any other output. */
const gathering = new Set<() => void>()

const flushAll = (): void => {
  for (const flush of gathering) flush()
}

const inOrder = (logger: Logger.Logger<unknown, string>): Logger.Logger<unknown, void> =>
  Logger.withConsoleError(
    Logger.make((entry) => {
      flushAll()
      return logger.log(entry)
    })
  )

const loggers = { json: inOrder(formats.json), text: inOrder(formats.text) }

/** Replaces all loggers by one. */
export const layer = (level: Level, format: Format): Layer.Layer<never> =>
  Layer.merge(
    Layer.scopedDiscard(Effect.locallyScoped(FiberRef.currentLoggers, HashSet.make(loggers[format]))),
    Logger.minimumLogLevel(levels[level])
  )

/** How long a request line may be buffered, milliseconds, and how many characters at most. */
const gatherMillis = 10
const gatherCharacters = 65_536

/** Writes texts in batches; flushes when the scope closes, or the process ends. */
export const together = (write: (text: string) => void): Effect.Effect<(text: string) => void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const run = Runtime.runFork(yield* Effect.runtime<never>())
    let gathered = ""
    let isDue = false
    const flush = (): void => {
      const text = gathered
      gathered = ""
      if (text !== "") write(text)
    }
    const later = Effect.delay(
      Effect.sync(() => {
        isDue = false
        flush()
      }),
      gatherMillis
    )
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        gathering.add(flush)
        process.on("exit", flush)
      }),
      () =>
        Effect.sync(() => {
          flush()
          gathering.delete(flush)
          process.off("exit", flush)
        })
    )
    return (text) => {
      gathered += text
      if (gathered.length > gatherCharacters) flush()
      else if (!isDue) {
        isDue = true
        run(later)
      }
    }
  })

const toErrors = (text: string): void => void process.stderr.write(text)

/** The sink of request lines, in the format of all others. Null if the level excludes them. */
export const requests = (
  level: Level,
  format: Format,
  write = toErrors
): Effect.Effect<RequestLog.Sink | null, never, Scope.Scope> =>
  LogLevel.greaterThan(levels[level], LogLevel.Info)
    ? Effect.succeed(null)
    : Effect.map(together(write), (add) => {
        const text = format === "json" ? jsonOf : logfmtOf
        return (line) => add(`${text(line)}\n`)
      })

/** Like `requests`, but also to the other current loggers: a collector's. */
export const requestsAndMore = (
  level: Level,
  format: Format,
  write = toErrors
): Effect.Effect<RequestLog.Sink | null, never, Scope.Scope> =>
  Effect.zipWith(requests(level, format, write), RequestLog.toLoggers(loggers[format]), (written, collected) => {
    if (written === null || collected === null) return written
    return (line) => {
      written(line)
      collected(line)
    }
  })

// Concatenated by hand: only a path can need escaping, and `JSON.stringify` of the whole takes three times as long.
const jsonOf = ({ atMillis, method, millis, path, requestId, status, traceId }: RequestLog.Line): string => {
  const update = requestId === undefined ? "" : `,"requestId":"${requestId}"`
  const trace = traceId === undefined ? "" : `,"traceId":"${traceId}"`
  const marks = `"method":"${method}","path":${JSON.stringify(path)},"status":${status},"millis":${millis}${update}${trace}`
  return `{"message":"Request","logLevel":"INFO","timestamp":"${instantText(atMillis)}","annotations":{${marks}},"spans":{},"fiberId":"#0"}`
}

const logfmtOf = ({ atMillis, ...marks }: RequestLog.Line): string => {
  let text = `timestamp=${instantText(atMillis)} level=INFO fiber=#0 message=Request`
  for (const [name, value] of Object.entries(marks)) {
    if (value !== undefined) text += ` ${name}=${/[\s"=]/.test(String(value)) ? JSON.stringify(value) : value}`
  }
  return text
}
