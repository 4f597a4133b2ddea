/**
 * Input: reads and checks a caller's input field by field (`engine/Fields`).
 *
 * Each command file lists its fields once; `accept` is step 2 of CONTRACT §3 (required inputs present, right types,
 * no unknown names; null counts as missing).
 */
import { Fields as Check } from "@onelane/engine"
import type { InvalidInput } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import type { Flow } from "../flow/Flow.js"
import { JsonFault } from "../session/Json.js"
import * as MergePatch from "../session/MergePatch.js"
import { cut, isPlain } from "../session/PlainText.js"

/** The fields of one input. */
export type Fields = Check.Fields

/** Text of at least one character. */
export const text = Check.required(Check.text)
/** Any text: its syntax is a later check. */
export const syntax = Check.required(Check.anyText)
/** Optional text whose syntax is a later check. */
export const optionalSyntax = Check.anyText
/** Text of 1..`max` characters. */
export const textUpTo = (max: number): Check.Field => Check.required(Check.textUpTo(max))
/** Optional text of 1..`max` characters. */
export const optionalTextUpTo = Check.textUpTo
/** Optional text of 1..`max` characters, no control character and no lone surrogate among them. */
export const optionalPlainUpTo = (max: number): Check.Field => {
  const { check } = Check.textUpTo(max)
  return {
    is: `text of 1 to ${max} characters without control characters`,
    check: (value) => check(value) && isPlain(value as string)
  }
}
/** One of these words, optional. */
export const optionalOneOf = Check.oneOf
/** Optional true or false. */
export const optionalFlag = Check.flag
/** An optional whole number from `min` to `max`. */
export const optionalWhole = Check.whole
/** An optional merge patch, already copied (`MergePatch.take`). Its size and depth are a later check. */
export const optionalPatch: Check.Field = {
  is: Refusal.patchIs,
  check: MergePatch.isPatch
}

/**
 * Copies an input: each field is read once, and later changes by its owner have no effect. Unknown fields keep only
 * their name, for the refusal. A value that is not an object is returned as it is.
 */
export const take = <A>(input: A, fields: Fields): A => {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return input
  const values: { [name: string]: unknown } = {}
  for (const name in fields) values[name] = (input as { readonly [name: string]: unknown })[name]
  return nameUnknown(values, input) as A
}

/** Copies an input whose data is a merge patch. */
export const takeWithPatch = <A extends { readonly data?: unknown }>(input: A, fields: Fields): A => {
  const values = take(input, fields)
  return values === input || values.data === undefined ? values : { ...values, data: MergePatch.take(values.data) }
}

/** Step 2 for a flow that declares no data. */
export const refusesPatch = (flow: Flow, data: unknown): InvalidInput | null =>
  flow.data !== null || data === undefined || data === null
    ? null
    : Refusal.invalidInput(["data"], "data must not be given: the flow of this service declares none.")

/** Most unknown names that a refusal lists. */
const shownNames = 5

/** Adds the names of the unknown fields of `input` to the copy, at most `shownNames`. */
export const nameUnknown = <A extends object>(values: A, input: object): A => {
  let named = 0
  for (const name in input) {
    if (Object.hasOwn(values, name)) continue
    Object.defineProperty(values, name, { value: undefined, enumerable: true })
    named += 1
    if (named === shownNames) return values
  }
  return values
}

const allowed = (name: string, fields: Fields, value: unknown): string => {
  if (value === MergePatch.foreign) return `${name} is no input of this action`
  return value instanceof JsonFault ? Refusal.patchSentence(value) : `${name} must be ${fields[name]!.is}`
}

/** Step 2: returns null if the input has these fields and no others, else its first fault. */
export const accept = (input: unknown, fields: Fields): InvalidInput | null => {
  const fault = Check.faultOf(input, fields, true)
  if (fault === null) return null
  switch (fault._tag) {
    case "NoObject":
      return Refusal.invalidInput([], "The input must be an object.")
    case "Missing":
      return Refusal.requiredFieldMissing(fault.names)
    case "Wrong":
      return Refusal.invalidInput(
        fault.names,
        `${fault.names.map((name) => allowed(name, fields, (input as Check.Named)[name])).join("; ")}.`
      )
    case "Unknown": {
      const shown = fault.names.slice(0, shownNames).map((name) => cut(name, 40))
      return Refusal.invalidInput(shown, "The input has fields that this action does not know.")
    }
  }
}
