/**
 * Options: validates the options of `open`, `connect` and `as` before anything starts. An invalid one is a `TypeError`
 * that names the option and never shows its value, which may be a token.
 */
import * as Caller from "@onelane/checkout/Caller"
import * as Fields from "@onelane/engine/Fields"

/** What one option must be. */
export type Option = Fields.Field

/** The options of `A`, all of them. */
export type Options<A> = { readonly [Name in keyof Required<A>]: Option }

/** Throws unless `given` has these options and no others. */
export const check = <A>(where: string, given: unknown, options: Options<A>): void => {
  const fault = Fields.sentenceOf(given, options as Fields.Fields)
  if (fault !== null) throw new TypeError(`${where}: ${fault}`)
}

/**
 * Copies options: each is read once, lists and nested options are copied. Functions and instances of classes (a flow's
 * tables, a signal) are shared.
 */
export const copyOf = <A>(given: A): A => {
  if (Array.isArray(given)) return Array.from(given, copyOf) as A
  if (!isPlain(given)) return given
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, copyOf(value)])) as A
}

const isPlain = (value: unknown): value is Fields.Named =>
  Fields.isObject(value) && (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null)

/** Text of at least one character. */
export const text: Option = Fields.required(Fields.text)

/** The same, if it is given. */
export const optionalText: Option = Fields.text

/** A list of roles. */
export const roles: Option = {
  is: `a list of ${Caller.roles.join(", ")}`,
  check: (value) => Array.isArray(value) && value.every((role) => Caller.roles.includes(role)),
  required: true
}

/** True or false. */
export const flag: Option = Fields.flag

/** A whole number from `least` to `most`. */
export const whole = Fields.whole

/** An object with these functions. */
export const functions = (...names: ReadonlyArray<string>): Option => ({
  is: `an object with ${names.map((name) => `${name}()`).join(" and ")}`,
  check: (value) => Fields.isObject(value) && names.every((name) => typeof value[name] === "function")
})

/** Nested options. */
export const nested = <A>(options: Options<A>): Option => Fields.nested(options as Fields.Fields)
