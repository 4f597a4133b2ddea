/**
 * HostLogger: sends the log lines of a checkout to a function of the host. By default nothing is logged, and never to
 * standard output.
 *
 * Only the Promise API uses it; an Effect program that provides `Onelane.layer` keeps its own loggers.
 */
import * as Cause from "effect/Cause"
import * as FiberRef from "effect/FiberRef"
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Inspectable from "effect/Inspectable"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Options from "./Options.js"

/** One log line, as values. */
export interface LogEntry {
  readonly level: "trace" | "debug" | "info" | "warn" | "error" | "fatal"
  readonly message: string
  /** What was thrown, or failed with. */
  readonly cause?: unknown
  /** What the line is about, e.g. `{ port: "carts.find" }`. */
  readonly annotations: Readonly<Record<string, unknown>>
  /** When, in milliseconds since 1970. */
  readonly at: number
}

/** Receives log lines. Errors that it throws or rejects with are ignored. */
export type HostLogger = (entry: LogEntry) => unknown

/** Validates the option. */
export const option: Options.Option = { is: "a function", check: (value) => typeof value === "function" }

const levels: Readonly<Record<string, LogEntry["level"]>> = {
  Trace: "trace",
  Debug: "debug",
  Info: "info",
  Warning: "warn",
  Error: "error",
  Fatal: "fatal"
}

const entryOf = ({ annotations, cause, date, logLevel, message }: Logger.Logger.Options<unknown>): LogEntry => {
  const parts: ReadonlyArray<unknown> = Array.isArray(message) ? message : [message]
  return {
    level: levels[logLevel._tag] ?? "info",
    message: parts.map((part) => Inspectable.toStringUnknown(part, 0)).join(" "),
    ...(Cause.isEmpty(cause) ? {} : { cause: Cause.squash(cause) }),
    annotations: Object.fromEntries(HashMap.toEntries(annotations)),
    at: date.getTime()
  }
}

const hand = (log: HostLogger, entry: LogEntry): void => {
  try {
    const answer = log(entry)
    if (answer instanceof Promise) answer.catch(() => {})
  } catch {
    // The host's logger is broken: there is nowhere to report it.
  }
}

/** Replaces all loggers by the host's, or by none. */
export const layer = (log: HostLogger | undefined): Layer.Layer<never> => {
  const loggers: HashSet.HashSet<Logger.Logger<unknown, unknown>> =
    log === undefined ? HashSet.empty() : HashSet.make(Logger.make((options) => hand(log, entryOf(options))))
  return Layer.locallyScoped(FiberRef.currentLoggers, loggers)
}
