/**
 * JsonSchema: the part of JSON Schema that a flow file may use for the data of its sessions, as a Standard Schema. Any
 * other keyword is an error of the file and is never ignored. There are no references and no generated code, so a check
 * always ends and its cost is bounded by the data.
 *
 * Owns the keywords and their part of the published schema; does not own the file (FlowFile).
 */

/** The path to a value: names and indices. */
export type Path = ReadonlyArray<PropertyKey>

/** Reports a mistake in a schema, and its place. */
export type Note = (path: Path, why: string) => void

interface Issue {
  readonly message: string
  readonly path: Path
}

/** Adds the issues of a value. */
type Check = (value: unknown, path: Path, issues: Array<Issue>) => void

type Member = Readonly<Record<string, unknown>>

/** Creates the check of a nested schema; `steps` lead to it. */
type Inner = (schema: unknown, ...steps: Path) => Check

interface Keyword {
  /** What its value must be, for people and for editors. */
  readonly is: string
  readonly schema: object
  readonly takes: (said: any) => boolean
  readonly make: (said: any, inner: Inner, beside: Member) => Check
}

const isObject = (value: unknown): value is Member =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const typeOf = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value

const types = ["string", "number", "integer", "boolean", "object", "array", "null"]

const isOf = (value: unknown, type: string): boolean => {
  const own = typeOf(value)
  return own === type || (type === "number" && own === "integer")
}

/** JSON with sorted members, so that equal values are equal texts. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, each) =>
    isObject(each) ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1))) : each
  )

const isCount = (said: unknown): boolean => Number.isSafeInteger(said) && (said as number) >= 0
const isNumber = (said: unknown): boolean => typeof said === "number"
const isList = (said: unknown): said is ReadonlyArray<unknown> => Array.isArray(said)
const isNames = (said: unknown): boolean => isList(said) && said.every((each) => typeof each === "string")

/** Unicode characters, as JSON Schema counts them. */
const lengthOf = (text: string): number => [...text].length

/** A keyword for values of one type; other values pass. */
const about =
  <V>(isMine: (value: unknown) => boolean, holds: (value: V, said: any) => boolean, why: (said: any) => string) =>
  (said: any): Check =>
  (value, path, issues) => {
    if (isMine(value) && !holds(value as V, said)) issues.push({ message: why(said), path })
  }

const isText = (value: unknown): boolean => typeof value === "string"

const number = { is: "a number", schema: { type: "number" }, takes: isNumber }
const count = { is: "a whole number from 0", schema: { type: "integer", minimum: 0 }, takes: isCount }
const schemaRef = { $ref: "#/$defs/DataSchema" }

const aSchema = { is: "a schema", schema: schemaRef, takes: isObject }

const compiles = (said: unknown): boolean => {
  if (typeof said !== "string") return false
  try {
    new RegExp(said, "u")
    return true
  } catch {
    return false
  }
}

// A text over `maxLength` is not matched against the pattern, which may be slow.
const matching = (said: string, _: Inner, { maxLength }: Member): Check => {
  const pattern = new RegExp(said, "u")
  const most = isCount(maxLength) ? (maxLength as number) : Number.POSITIVE_INFINITY
  const matches = (value: string) => value.length > 2 * most || pattern.test(value)
  return about<string>(isText, matches, () => `must match ${said}`)(said)
}

const properties = (said: Member, inner: Inner): Check => {
  const checks = new Map(Object.entries(said).map(([name, schema]) => [name, inner(schema, name)]))
  return (value, path, issues) => {
    if (!isObject(value)) return
    for (const [name, check] of checks) if (Object.hasOwn(value, name)) check(value[name], [...path, name], issues)
  }
}

const additional = (said: unknown, inner: Inner, { properties }: Member): Check => {
  const known = new Set(isObject(properties) ? Object.keys(properties) : [])
  const check: Check = isObject(said)
    ? inner(said)
    : (_, path, issues) => said === false && issues.push({ message: "is not expected", path })
  return (value, path, issues) => {
    if (!isObject(value)) return
    for (const [name, member] of Object.entries(value)) if (!known.has(name)) check(member, [...path, name], issues)
  }
}

const items = (said: unknown, inner: Inner): Check => {
  const check = inner(said)
  return (value, path, issues) => {
    if (isList(value)) for (const [index, item] of value.entries()) check(item, [...path, index], issues)
  }
}

const anyOf = (said: ReadonlyArray<unknown>, inner: Inner): Check => {
  const checks = said.map((schema, index) => inner(schema, index))
  const fits = (value: unknown) => (check: Check) => {
    const issues: Array<Issue> = []
    check(value, [], issues)
    return issues.length === 0
  }
  return (value, path, issues) => {
    if (!checks.some(fits(value))) issues.push({ message: "fits none of the forms", path })
  }
}

const required =
  (said: ReadonlyArray<string>): Check =>
  (value, path, issues) => {
    if (!isObject(value)) return
    for (const name of said)
      if (!Object.hasOwn(value, name)) issues.push({ message: "is missing", path: [...path, name] })
  }

const always = (): boolean => true
const named = { type: "array", items: { type: "string" } }
const aType = { enum: types }

const keywords: { readonly [name: string]: Keyword } = {
  type: {
    is: `one of ${types.join(", ")}, or a list of them`,
    schema: { anyOf: [aType, { type: "array", items: aType, minItems: 1 }] },
    takes: (said) => [said].flat().length > 0 && [said].flat().every((each) => types.includes(each)),
    make: about(
      always,
      (value, said) => [said].flat().some((type) => isOf(value, type)),
      (said) => `must be ${said}`
    )
  },
  enum: {
    is: "a list of at least one value",
    schema: { type: "array", minItems: 1 },
    takes: (said) => isList(said) && said.length > 0,
    make: (said: ReadonlyArray<unknown>) => {
      const texts = new Set(said.map(canonical))
      return about(
        always,
        (value) => texts.has(canonical(value)),
        () => "must be one of the values"
      )(said)
    }
  },
  const: {
    is: "a value",
    schema: {},
    takes: always,
    make: (said) =>
      about(
        always,
        (value) => canonical(value) === canonical(said),
        () => "must be the value"
      )(said)
  },
  minimum: {
    ...number,
    make: about(
      isNumber,
      (value: number, said) => value >= said,
      (said) => `from ${said}`
    )
  },
  maximum: {
    ...number,
    make: about(
      isNumber,
      (value: number, said) => value <= said,
      (said) => `up to ${said}`
    )
  },
  exclusiveMinimum: {
    ...number,
    make: about(
      isNumber,
      (value: number, said) => value > said,
      (said) => `above ${said}`
    )
  },
  exclusiveMaximum: {
    ...number,
    make: about(
      isNumber,
      (value: number, said) => value < said,
      (said) => `below ${said}`
    )
  },
  minLength: {
    ...count,
    make: about(
      isText,
      (value: string, said) => lengthOf(value) >= said,
      () => "too short"
    )
  },
  maxLength: {
    ...count,
    make: about(
      isText,
      (value: string, said) => lengthOf(value) <= said,
      () => "too long"
    )
  },
  pattern: {
    is: "a regular expression",
    schema: { type: "string", format: "regex" },
    takes: compiles,
    make: matching
  },
  items: { ...aSchema, make: items },
  minItems: {
    ...count,
    make: about(
      isList,
      (value: ReadonlyArray<unknown>, said) => value.length >= said,
      () => "too few"
    )
  },
  maxItems: {
    ...count,
    make: about(
      isList,
      (value: ReadonlyArray<unknown>, said) => value.length <= said,
      () => "too many"
    )
  },
  uniqueItems: {
    is: "true or false",
    schema: { type: "boolean" },
    takes: (said) => typeof said === "boolean",
    make: about(
      isList,
      (value: ReadonlyArray<unknown>, said) => !said || new Set(value.map(canonical)).size === value.length,
      () => "has an item twice"
    )
  },
  properties: {
    is: "an object of schemas",
    schema: { type: "object", additionalProperties: schemaRef },
    takes: isObject,
    make: properties
  },
  required: { is: "a list of names", schema: named, takes: isNames, make: required },
  additionalProperties: {
    is: "true, false or a schema",
    schema: { anyOf: [{ type: "boolean" }, schemaRef] },
    takes: (said) => typeof said === "boolean" || isObject(said),
    make: additional
  },
  minProperties: {
    ...count,
    make: about(
      isObject,
      (value: Member, said) => Object.keys(value).length >= said,
      () => "too few"
    )
  },
  maxProperties: {
    ...count,
    make: about(
      isObject,
      (value: Member, said) => Object.keys(value).length <= said,
      () => "too many"
    )
  },
  anyOf: {
    is: "a list of at least one schema",
    schema: { type: "array", items: schemaRef, minItems: 1 },
    takes: (said) => isList(said) && said.length > 0,
    make: anyOf
  }
}

/** Keywords that check nothing. */
const annotations = ["$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated"]

/** Most levels of nesting in a schema, as in the data of a session. */
const depthMax = 32

const nothing: Check = () => {}

const checkOf = (schema: unknown, at: Path, note: Note, depth: number): Check => {
  if (!isObject(schema)) note(at, "it must be a schema, that is an object")
  else if (depth > depthMax) note(at, `it lies deeper than ${depthMax} levels`)
  if (!isObject(schema) || depth > depthMax) return nothing
  const checks: Array<Check> = []
  for (const [name, said] of Object.entries(schema)) {
    if (annotations.includes(name)) continue
    const keyword = Object.hasOwn(keywords, name) ? keywords[name]! : null
    const inner: Inner = (inside, ...steps) => checkOf(inside, [...at, name, ...steps], note, depth + 1)
    if (keyword === null) note([...at, name], `it is none of ${Object.keys(keywords).join(", ")}`)
    else if (!keyword.takes(said)) note([...at, name], `it must be ${keyword.is}`)
    else checks.push(keyword.make(said, inner, schema))
  }
  return (value, path, issues) => {
    for (const check of checks) check(value, path, issues)
  }
}

/** A schema by the Standard Schema interface. */
export interface Standard {
  readonly "~standard": {
    readonly version: 1
    readonly vendor: "onelane"
    readonly validate: (value: unknown) => { readonly value: unknown } | { readonly issues: ReadonlyArray<Issue> }
  }
}

/** Creates a Standard Schema from the JSON Schema at a place of a file; every mistake in it is reported to `note`. */
export const compile = (schema: unknown, at: Path, note: Note): Standard => {
  const check = checkOf(schema, at, note, 1)
  const validate = (value: unknown) => {
    const issues: Array<Issue> = []
    check(value, [], issues)
    return issues.length === 0 ? { value } : { issues }
  }
  return { "~standard": { version: 1, vendor: "onelane", validate } }
}

/** The form of such a schema, as a JSON Schema: `$defs/DataSchema` of the published one. */
export const published: object = {
  type: "object",
  properties: {
    ...Object.fromEntries(annotations.map((name) => [name, {}])),
    ...Object.fromEntries(Object.entries(keywords).map(([name, { schema }]) => [name, schema]))
  },
  additionalProperties: false,
  description: "A JSON Schema of these keywords: what the data of a session must be"
}
