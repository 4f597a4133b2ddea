/**
 * Options: what a program wrote where it opens, connects or speaks for somebody, looked at before anything is begun. A fault
 * is a `TypeError` that names the option and never shows its value, which may be a token.
 */
import * as Caller from "@onelane/checkout/Caller"

/** What one option must be, in words and as a check that is asked only for one that is given. */
export interface Option {
  readonly is: string
  readonly check: (value: unknown) => boolean
  readonly required?: true
}

/** The options of `A`, all of them. */
export type Options<A> = { readonly [Name in keyof Required<A>]: Option }

/** Throws unless `given` has these options and no others. */
export const check = <A>(where: string, given: unknown, options: Options<A>): void => {
  const fault = faultOf(given, options as { readonly [name: string]: Option })
  if (fault !== null) throw new TypeError(`${where}: ${fault}`)
}

const faultOf = (given: unknown, options: { readonly [name: string]: Option }): string | null => {
  if (!isObject(given)) return "an object is missing"
  const names = Object.keys(options)
  const unknown = Object.keys(given).find((name) => !names.includes(name))
  if (unknown !== undefined) return `there is no ${unknown}; there are ${names.join(", ")}`
  for (const [name, { check, is, required }] of Object.entries(options)) {
    const value = given[name]
    if (value === undefined ? required === true : !check(value)) return `${name} must be ${is}`
  }
  return null
}

/**
 * What a program wrote, as it is now: each option is read once, lists and nested options are copied, functions and what has a
 * class of its own (a flow's tables, a signal) stay themselves.
 */
export const copyOf = <A>(given: A): A => {
  if (Array.isArray(given)) return Array.from(given, copyOf) as A
  if (!isPlain(given)) return given
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, copyOf(value)])) as A
}

const isPlain = (value: unknown): value is { readonly [name: string]: unknown } =>
  isObject(value) && (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null)

const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Text of at least one character. */
export const text: Option = { is: "text", check: (value) => typeof value === "string" && value !== "", required: true }

/** A list of roles. */
export const roles: Option = {
  is: `a list of ${Caller.roles.join(", ")}`,
  check: (value) => Array.isArray(value) && value.every((role) => Caller.roles.includes(role)),
  required: true
}

/** True or false. */
export const flag: Option = { is: "true or false", check: (value) => typeof value === "boolean" }

/** A whole number from `least` to `most`. */
export const whole = (least: number, most: number): Option => ({
  is: `a whole number from ${least} to ${most}`,
  check: (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
})

/** An object with these functions. */
export const functions = (...names: ReadonlyArray<string>): Option => ({
  is: `an object with ${names.map((name) => `${name}()`).join(" and ")}`,
  check: (value) => isObject(value) && names.every((name) => typeof value[name] === "function")
})

/** An object of options. */
export const nested = <A>(options: Options<A>): Option => {
  const all = Object.entries<Option>(options)
  return {
    is: `an object with ${all.map(([name, { is }]) => `${name}, ${is}`).join("; ")}`,
    check: (value) => faultOf(value, options as { readonly [name: string]: Option }) === null
  }
}
