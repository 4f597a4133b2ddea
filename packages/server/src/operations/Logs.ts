/**
 * Logs: one line of JSON per event on standard error; standard output is for programs. `RequestLog` decides what a request line
 * contains: never a token.
 *
 * Request lines are written in groups, some milliseconds later: a write each would cost more than the line itself.
 */
import { instantText, type RequestLog } from "@onelane/http"
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

/** Replaces all loggers by one. */
export const layer = (level: Level, format: Format): Layer.Layer<never> =>
  Layer.merge(
    Layer.scopedDiscard(
      Effect.locallyScoped(FiberRef.currentLoggers, HashSet.make(Logger.withConsoleError(formats[format])))
    ),
    Logger.minimumLogLevel(levels[level])
  )

/** How long a request line waits for others, milliseconds, and how many characters wait at most. */
const gatherMillis = 10
const gatherCharacters = 65_536

/** Writes texts in groups; the rest when the scope closes. */
export const together = (write: (text: string) => void): Effect.Effect<(text: string) => void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const run = Runtime.runFork(yield* Effect.runtime<never>())
    let gathered = ""
    let isDue = false
    const flush = Effect.sync(() => {
      const text = gathered
      gathered = ""
      isDue = false
      if (text !== "") write(text)
    })
    const later = Effect.delay(flush, gatherMillis)
    yield* Effect.addFinalizer(() => flush)
    return (text) => {
      gathered += text
      if (gathered.length > gatherCharacters) run(flush)
      else if (!isDue) run(later)
      isDue = gathered !== ""
    }
  })

/** The sink of request lines, in the format of all others. Null if the level excludes them. */
export const requests = (
  level: Level,
  format: Format,
  write = (text: string): void => void process.stderr.write(text)
): Effect.Effect<RequestLog.Sink | null, never, Scope.Scope> =>
  LogLevel.greaterThan(levels[level], LogLevel.Info)
    ? Effect.succeed(null)
    : Effect.map(together(write), (add) => {
        const text = format === "json" ? jsonOf : logfmtOf
        return (line) => add(`${text(line)}\n`)
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
