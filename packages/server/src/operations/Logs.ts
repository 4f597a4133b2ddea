/**
 * Logs: one line of JSON for each thing worth saying, on standard error, so that standard output stays for programs.
 * What is said of a request is decided where it is answered (`RequestLog`): never a token.
 *
 * Lines about requests are written together, once a turn of the event loop: a write for each would cost more than the
 * rest of the line.
 */
import { instantText, type RequestLog } from "@onelane/http"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as HashSet from "effect/HashSet"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"

/** From which level on. */
export const levels = { error: LogLevel.Error, warning: LogLevel.Warning, info: LogLevel.Info, debug: LogLevel.Debug }

/** A name in `levels`. */
export type Level = keyof typeof levels

/** How a line is written: for programs, or for people. */
export const formats = { json: Logger.jsonLogger, text: Logger.logfmtLogger }

/** A name in `formats`. */
export type Format = keyof typeof formats

/** The one logger, whichever was in force. */
export const layer = (level: Level, format: Format): Layer.Layer<never> =>
  Layer.merge(
    Layer.scopedDiscard(
      Effect.locallyScoped(FiberRef.currentLoggers, HashSet.make(Logger.withConsoleError(formats[format])))
    ),
    Logger.minimumLogLevel(levels[level])
  )

/** Writes texts to a stream, those of one turn of the event loop at once. */
export const together = (write: (text: string) => void): ((text: string) => void) => {
  let gathered = ""
  const flush = (): void => {
    const text = gathered
    gathered = ""
    write(text)
  }
  return (text) => {
    if (gathered === "") setImmediate(flush)
    gathered += text
  }
}

/** Where lines about requests go, in the format of all others. Null where the level is above them. */
export const requests = (
  level: Level,
  format: Format,
  write = (text: string): void => void process.stderr.write(text)
): RequestLog.Sink | null => {
  if (LogLevel.greaterThan(levels[level], LogLevel.Info)) return null
  const text = format === "json" ? jsonOf : logfmtOf
  const add = together(write)
  return (line) => add(`${text(line)}\n`)
}

const jsonOf = ({ atMillis, ...annotations }: RequestLog.Line): string =>
  JSON.stringify({
    message: "Request",
    logLevel: "INFO",
    timestamp: instantText(atMillis),
    annotations,
    spans: {},
    fiberId: "#0"
  })

const logfmtOf = ({ atMillis, ...marks }: RequestLog.Line): string => {
  let text = `timestamp=${instantText(atMillis)} level=INFO fiber=#0 message=Request`
  for (const [name, value] of Object.entries(marks)) {
    if (value !== undefined) text += ` ${name}=${/[\s"=]/.test(String(value)) ? JSON.stringify(value) : value}`
  }
  return text
}
