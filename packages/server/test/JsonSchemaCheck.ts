/**
 * JsonSchemaCheck: whether a value has the form that a JSON Schema of 2020-12 demands, for the keywords that the Agentic Commerce
 * Protocol uses. A keyword it does not know is an error, never passed over.
 */

type Schema = Readonly<Record<string, any>>

const silent = new Set(["$schema", "$id", "title", "description", "example", "examples", "default", "$defs"])

const formats: Readonly<Record<string, (text: string) => boolean>> = {
  uri: (text) => URL.canParse(text),
  email: (text) => /^[^@\s]+@[^@\s]+$/.test(text),
  "date-time": (text) => /^\d{4}-\d\d-\d\dT/.test(text) && Number.isFinite(Date.parse(text))
}

const typeOf = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value

const hasType = (value: unknown, type: string | ReadonlyArray<string>): boolean => {
  const own = typeOf(value)
  return [type].flat().some((one) => one === own || (one === "number" && own === "integer"))
}

/** One rule of a schema: the faults it finds. */
type Rule = (value: any, said: any, path: string, schema: Schema, root: Schema) => ReadonlyArray<string>

const fault = (path: string, isFault: boolean, what: string): ReadonlyArray<string> =>
  isFault ? [`${path} ${what}`] : []

const isObject = (value: unknown): value is Record<string, unknown> => typeOf(value) === "object"

const rules: Readonly<Record<string, Rule>> = {
  $ref: (value, ref: string, path, _, root) => faultsIn(value, root.$defs[ref.replace("#/$defs/", "")], root, path),
  type: (value, type, path) => fault(path, !hasType(value, type), `is no ${type}`),
  enum: (value, words: Array<unknown>, path) => fault(path, !words.includes(value), `is none of ${words}`),
  const: (value, word, path) => fault(path, value !== word, `is not ${word}`),
  pattern: (value, pattern, path) => fault(path, !new RegExp(pattern, "u").test(value), `does not match ${pattern}`),
  format: (value, name, path) => fault(path, typeof value === "string" && !formats[name]!(value), `is no ${name}`),
  minimum: (value, least, path) => fault(path, value < least, `is below ${least}`),
  maximum: (value, most, path) => fault(path, value > most, `is above ${most}`),
  minLength: (value, least, path) => fault(path, value?.length < least, `is shorter than ${least}`),
  maxLength: (value, most, path) => fault(path, value?.length > most, `is longer than ${most}`),
  minItems: (value, least, path) => fault(path, value?.length < least, `has fewer than ${least}`),
  uniqueItems: (value, _, path) =>
    fault(
      path,
      Array.isArray(value) && new Set(value.map((item) => JSON.stringify(item))).size < value.length,
      "repeats"
    ),
  items: (value, schema, path, _, root) =>
    Array.isArray(value) ? value.flatMap((item, index) => faultsIn(item, schema, root, `${path}[${index}]`)) : [],
  required: (value, names: Array<string>, path) =>
    isObject(value) ? names.flatMap((name) => fault(path, !(name in value), `lacks ${name}`)) : [],
  properties: (value, schemas: Schema, path, _, root) =>
    isObject(value)
      ? Object.entries(schemas).flatMap(([name, one]) =>
          name in value ? faultsIn(value[name], one, root, `${path}.${name}`) : []
        )
      : [],
  additionalProperties: (value, allowed, path, { properties = {} }, root) =>
    isObject(value)
      ? Object.keys(value)
          .filter((name) => !(name in properties))
          .flatMap((name) =>
            typeof allowed === "object"
              ? faultsIn(value[name], allowed, root, `${path}.${name}`)
              : fault(path, allowed === false, `has ${name}`)
          )
      : [],
  allOf: (value, all: Array<Schema>, path, _, root) => all.flatMap((one) => faultsIn(value, one, root, path)),
  anyOf: (value, any: Array<Schema>, path, _, root) =>
    fault(
      path,
      any.every((one) => faultsIn(value, one, root, path).length > 0),
      "has none of the forms"
    ),
  oneOf: (value, one: Array<Schema>, path, _, root) =>
    fault(path, one.filter((each) => faultsIn(value, each, root, path).length === 0).length !== 1, "has not one form")
}

/** What is wrong with a value; empty where nothing is. */
export const faultsIn = (value: unknown, schema: Schema, root: Schema, path = "$"): ReadonlyArray<string> =>
  Object.entries(schema).flatMap(([keyword, said]) => {
    if (silent.has(keyword)) return []
    const rule = rules[keyword]
    return rule === undefined ? [`${path}: unknown keyword ${keyword}`] : rule(value, said, path, schema, root)
  })
