/**
 * Limits: every bound of the server in one object, as it is configured: those of the TCP side, of the wire and of the
 * engine's mailboxes. What each is, its unit and its default stand where it is used, and in PROTOCOL.md in one table.
 */
import { EngineConfig } from "@onelane/engine"
import { HttpLimits } from "@onelane/http"
import * as Schema from "effect/Schema"
import * as ListenerLimits from "./ListenerLimits.js"

const { mailboxCapacity, systemCapacity } = EngineConfig.defaults

/** The bounds in force when nothing else is said. */
export const defaults = { ...ListenerLimits.defaults, ...HttpLimits.defaults, mailboxCapacity, systemCapacity }

/** Every bound. */
export type Limits = typeof defaults

const mayBeZero: ReadonlyArray<string> = ["farewellMillis", "lingerMillis", "closeMillis"]

const whole = (name: string) =>
  Schema.Int.pipe(
    mayBeZero.includes(name) ? Schema.nonNegative() : Schema.positive(),
    Schema.lessThanOrEqualTo(2 ** 31 - 1)
  )

type Fields = Readonly<Record<keyof Limits, Schema.optional<typeof Schema.Int>>>

/** Bounds that differ from the defaults. */
export const Overrides = Schema.Struct(
  Object.fromEntries(Object.keys(defaults).map((name) => [name, Schema.optional(whole(name))])) as unknown as Fields
)

/** The defaults with these in their place. */
export const make = (overrides: typeof Overrides.Type): Limits => ({ ...defaults, ...overrides }) as Limits
