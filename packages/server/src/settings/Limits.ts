/**
 * Limits: all configurable limits of the server in one object: TCP, HTTP and the engine's mailboxes. Each is
 * documented, with unit and default, where it is used, and in one table in PROTOCOL.md.
 */
import { EngineConfig, Fields } from "@onelane/engine"
import { HttpLimits } from "@onelane/http"
import * as Either from "effect/Either"
import * as ListenerLimits from "./ListenerLimits.js"

const { mailboxCapacity, systemCapacity } = EngineConfig.defaults

/** The default limits. */
export const defaults = { ...ListenerLimits.defaults, ...HttpLimits.defaults, mailboxCapacity, systemCapacity }

/** All limits. */
export type Limits = typeof defaults

const mayBeZero: ReadonlyArray<string> = ["farewellMillis", "lingerMillis", "closeMillis"]

const fields: Fields.Fields = Object.fromEntries(
  Object.keys(defaults).map((name) => [name, Fields.whole(mayBeZero.includes(name) ? 0 : 1, 2 ** 31 - 1)])
)

/** Reads the limits that differ from the defaults; or the fault, with the allowed range. */
export const overridesOf = (given: unknown): Either.Either<Partial<Limits>, string> => {
  const fault = Fields.sentenceOf(given, fields)
  return fault === null ? Either.right(given as Partial<Limits>) : Either.left(fault)
}

/** The defaults with these overrides. */
export const make = (overrides: Partial<Limits>): Limits => ({ ...defaults, ...overrides })
