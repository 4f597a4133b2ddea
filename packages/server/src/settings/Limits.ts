/**
 * Limits: every bound of the server in one object, as it is configured: those of the TCP side, of the wire and of the
 * engine's mailboxes. What each is, its unit and its default stand where it is used, and in PROTOCOL.md in one table.
 */
import { EngineConfig, Fields } from "@onelane/engine"
import { HttpLimits } from "@onelane/http"
import * as Either from "effect/Either"
import * as ListenerLimits from "./ListenerLimits.js"

const { mailboxCapacity, systemCapacity } = EngineConfig.defaults

/** The bounds in force when nothing else is said. */
export const defaults = { ...ListenerLimits.defaults, ...HttpLimits.defaults, mailboxCapacity, systemCapacity }

/** Every bound. */
export type Limits = typeof defaults

const mayBeZero: ReadonlyArray<string> = ["farewellMillis", "lingerMillis", "closeMillis"]

const fields: Fields.Fields = Object.fromEntries(
  Object.keys(defaults).map((name) => [name, Fields.whole(mayBeZero.includes(name) ? 0 : 1, 2 ** 31 - 1)])
)

/** Reads the bounds that differ from the defaults; or what is wrong with them, with the range that is allowed. */
export const overridesOf = (given: unknown): Either.Either<Partial<Limits>, string> => {
  const fault = Fields.sentenceOf(given, fields)
  return fault === null ? Either.right(given as Partial<Limits>) : Either.left(fault)
}

/** The defaults with these in their place. */
export const make = (overrides: Partial<Limits>): Limits => ({ ...defaults, ...overrides })
