/**
 * Fields: checks an object against named fields. It validates command inputs, program options, tasks and limits. Pure:
 * returns what is wrong as a value; callers choose error type and message.
 */

/** What one field must be. */
export interface Field {
  /** Text after "must be": `a whole number from 0 to 200`. */
  readonly is: string
  readonly required?: boolean | undefined
  /** Called only for a present value. */
  readonly check: (value: unknown) => boolean
  /** Fields of a nested object; their faults are named `outer.inner`. */
  readonly fields?: Fields | undefined
}

/** The fields of one object. */
export type Fields = { readonly [name: string]: Field }

/** What is wrong with an object. `names` are in the order of the fields; unknown ones in that of the object. */
export type Fault =
  | { readonly _tag: "NoObject" }
  | { readonly _tag: "Missing" | "Wrong" | "Unknown"; readonly names: ReadonlyArray<string> }

/** An object whose fields can be read by name. */
export type Named = { readonly [name: string]: unknown }

/** Whether a value is an object but no array. */
export const isObject = (value: unknown): value is Named =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/**
 * Returns null if `given` is an object with these fields and no others, else its first fault: missing fields, then
 * wrong ones, then unknown ones. `isNullAbsent`: null counts as missing, not as a wrong value.
 */
export const faultOf = (given: unknown, fields: Fields, isNullAbsent = false): Fault | null => {
  if (!isObject(given)) return { _tag: "NoObject" }
  return isFaultless(given, fields, isNullAbsent) ? null : explain(given, fields, isNullAbsent)
}

// Allocates nothing: most objects have no fault.
const isFaultless = (given: Named, fields: Fields, isNullAbsent: boolean): boolean => {
  for (const name in fields) if (!isRight(given[name], fields[name]!, isNullAbsent)) return false
  for (const name in given) if (!Object.hasOwn(fields, name)) return false
  return true
}

const isAbsent = (value: unknown, isNullAbsent: boolean): boolean =>
  value === undefined || (isNullAbsent && value === null)

const isRight = (value: unknown, { check, required }: Field, isNullAbsent: boolean): boolean =>
  isAbsent(value, isNullAbsent) ? required !== true : check(value)

const explain = (given: Named, fields: Fields, isNullAbsent: boolean): Fault => {
  const names = Object.keys(fields)
  const missing = names.filter((name) => fields[name]!.required === true && isAbsent(given[name], isNullAbsent))
  if (missing.length > 0) return { _tag: "Missing", names: missing }
  const wrong = names.filter((name) => !isRight(given[name], fields[name]!, isNullAbsent))
  if (wrong.length > 0) return { _tag: "Wrong", names: wrong }
  return { _tag: "Unknown", names: Object.keys(given).filter((name) => !Object.hasOwn(fields, name)) }
}

/**
 * Returns the first fault as a sentence without a full stop, or null: `retry.limit must be a whole number from 0 to
 * 200`. Shows names, never a value. `path`: prefix of each name.
 */
export const sentenceOf = (given: unknown, fields: Fields, path = ""): string | null => {
  const fault = faultOf(given, fields)
  if (fault === null) return null
  if (fault._tag === "NoObject") return "an object is missing"
  const name = fault.names[0]!
  if (fault._tag === "Unknown") return `there is no ${path}${name}; there are ${Object.keys(fields).join(", ")}`
  const { fields: inner, is } = fields[name]!
  const value = (given as Named)[name]
  const within = inner !== undefined && isObject(value) ? sentenceOf(value, inner, `${path}${name}.`) : null
  return within ?? `${path}${name} must be ${is}`
}

/** Makes a field required. */
export const required = (field: Field): Field => ({ ...field, required: true })

/** Text of at least one character. */
export const text: Field = { is: "text", check: (value) => typeof value === "string" && value.length >= 1 }

/** Any text: its syntax is a later check. */
export const anyText: Field = { is: "text", check: (value) => typeof value === "string" }

/** Text of 1..`max` characters. */
export const textUpTo = (max: number): Field => ({
  is: `text of 1 to ${max} characters`,
  check: (value) => typeof value === "string" && value.length >= 1 && value.length <= max
})

/** A whole number from `least` to `most`. */
export const whole = (least: number, most: number): Field => ({
  is: `a whole number from ${least} to ${most}`,
  check: (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
})

/** True or false. */
export const flag: Field = { is: "true or false", check: (value) => typeof value === "boolean" }

/** One of these words. */
export const oneOf = (words: ReadonlyArray<string>): Field => ({
  is: `one of ${words.join(", ")}`,
  check: (value) => words.includes(value as string)
})

/** A function. */
export const func: Field = { is: "a function", check: (value) => typeof value === "function" }

/** An object of fields. */
export const nested = (fields: Fields): Field => ({
  is: `an object with ${Object.entries(fields)
    .map(([name, { is }]) => `${name}, ${is}`)
    .join("; ")}`,
  check: (value) => faultOf(value, fields) === null,
  fields
})
