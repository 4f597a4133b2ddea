/**
 * Input: takes in what a caller sent, field by field, without a schema library: the same few checks run for every update.
 *
 * Each command file names its fields once; `accept` answers step 2 of CONTRACT §3 (required inputs present, right types,
 * no unknown names; null counts as missing).
 */
import type { InvalidInput } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"

/** What one field must be. `check` is asked only for a value that is there. */
export interface Field {
  readonly required: boolean
  readonly check: (value: unknown) => boolean
}

/** The fields of one input. */
export type Fields = { readonly [name: string]: Field }

const required = (check: Field["check"]): Field => ({ required: true, check })
const optional = (check: Field["check"]): Field => ({ required: false, check })

const isText = (value: unknown): boolean => typeof value === "string" && value.length >= 1

/** Text of at least one character. */
export const text = required(isText)
/** Any text: its syntax is a later check. */
export const syntax = required((value) => typeof value === "string")
/** Optional text whose syntax is a later check. */
export const optionalSyntax = optional((value) => typeof value === "string")
/** Text of 1..`max` characters. */
export const textUpTo = (max: number): Field => required((value) => isText(value) && (value as string).length <= max)
/** Optional text of 1..`max` characters. */
export const optionalTextUpTo = (max: number): Field =>
  optional((value) => isText(value) && (value as string).length <= max)
/** One of these words, optional. */
export const optionalOneOf = (words: ReadonlyArray<string>): Field =>
  optional((value) => words.includes(value as string))
/** Optional true or false. */
export const optionalFlag = optional((value) => typeof value === "boolean")
/** An optional whole number from `min` to `max`. */
export const optionalWhole = (min: number, max: number): Field =>
  optional((value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max)

/**
 * An input as values: each field is read once, and what its owner does to it afterwards changes nothing. Fields that are not
 * known keep their name only, for the refusal. What is no object is given back.
 */
export const take = <A>(input: A, fields: Fields): A => {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return input
  const values: { [name: string]: unknown } = {}
  for (const name in fields) values[name] = (input as { readonly [name: string]: unknown })[name]
  return nameUnknown(values, input) as A
}

/** Names what `input` has besides the values that were taken of it. */
export const nameUnknown = <A extends object>(values: A, input: object): A => {
  for (const name in input)
    if (!Object.hasOwn(values, name)) Object.defineProperty(values, name, { value: undefined, enumerable: true })
  return values
}

/** Step 2: null when the input is one of these fields and no others; its first fault otherwise, missing ones first. */
export const accept = (input: unknown, fields: Fields): InvalidInput | null => {
  if (typeof input !== "object" || input === null || Array.isArray(input))
    return Refusal.invalidInput([], "The input must be an object.")
  const values = input as { readonly [name: string]: unknown }
  let faulty = false
  for (const name in fields) {
    const value = values[name]
    if (value === undefined || value === null ? fields[name]!.required : !fields[name]!.check(value)) faulty = true
  }
  for (const name in values) if (!Object.hasOwn(fields, name)) faulty = true
  return faulty ? explain(values, fields) : null
}

const isAbsent = (value: unknown): boolean => value === undefined || value === null

const explain = (values: { readonly [name: string]: unknown }, fields: Fields): InvalidInput => {
  const names = Object.keys(fields)
  const missing = names.filter((name) => fields[name]!.required && isAbsent(values[name]))
  if (missing.length > 0) return Refusal.requiredFieldMissing(missing)
  const wrong = names.filter((name) => !isAbsent(values[name]) && !fields[name]!.check(values[name]))
  if (wrong.length > 0) return Refusal.invalidInput(wrong, `Not a valid value: ${wrong.join(", ")}.`)
  const unknown = Object.keys(values).filter((name) => !Object.hasOwn(fields, name))
  const shown = unknown.slice(0, 5).map((name) => name.slice(0, 40))
  return Refusal.invalidInput(shown, "The input has fields that this action does not know.")
}
