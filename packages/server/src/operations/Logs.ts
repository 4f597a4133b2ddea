/**
 * Logs: one line of JSON for each thing worth saying, on standard error, so that standard output stays for programs.
 * What is said of a request is decided where it is answered (`RequestLog`): never a token.
 */
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
