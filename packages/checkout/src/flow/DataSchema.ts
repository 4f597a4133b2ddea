/**
 * DataSchema: the schema for the data of a flow's sessions: a synchronous Standard Schema (zod, valibot, arktype, …) or
 * an `effect/Schema`. The schema's input is stored, never its output.
 *
 * Owns how a host's schema is called, and what is reported of its result: paths, never a value or a message of the
 * schema.
 */
import * as Json from "../session/Json.js"
import * as MergePatch from "../session/MergePatch.js"

/** A schema by the Standard Schema interface, version 1, as far as it is used here. */
export interface StandardSchema<Input = unknown> {
  readonly "~standard": {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => unknown
    readonly types?: { readonly input: Input; readonly output: unknown } | undefined
  }
}

/** A schema of `effect/Schema`, as far as it is used here. */
export interface EffectSchema<Encoded = unknown> {
  readonly ast: object
  readonly Encoded: Encoded
}

/** A schema that a flow may declare. */
export type AnySchema = StandardSchema | EffectSchema

/**
 * The input type of a schema, which is what a session keeps; null if a flow declares no data (nothing is inferred for
 * `S` then).
 */
export type InputOf<S> = [AnySchema | undefined] extends [S]
  ? null
  : S extends StandardSchema<infer Input>
    ? Input
    : S extends EffectSchema<infer Encoded>
      ? Encoded
      : null

/** A merge patch for data of this type: each member may be left out, changed, or removed by null. */
export type Patch<D> =
  D extends ReadonlyArray<unknown>
    ? D
    : D extends object
      ? { readonly [Name in keyof D]?: Patch<D[Name]> | null | undefined }
      : D

/** Default limit for a session's data, bytes: 64 KiB. */
export const defaultMaxBytes = 65_536

/** Paths that a refusal names at most. */
export const shownPaths = 16

/** Why data is refused; see `CheckoutError.InvalidData`. */
export interface DataFault {
  readonly reason: "DATA_MISMATCH" | "DATA_TOO_LARGE" | "DATA_TOO_DEEP" | "SCHEMA_FAILED"
  readonly paths: ReadonlyArray<string>
}

/** Data after a patch, or why there is none. */
export type Merged = { readonly data: Json.JsonObject } | DataFault

type Validate = (value: unknown) => unknown

/** The schema of a flow's data. `D`: the type of the data; type-level only. */
export class DataSchema<out D = unknown> {
  /** Type-level only, never set. */
  declare readonly input?: D
  readonly #validate: Validate
  /** Most bytes of the JSON of a session's data, in UTF-8. */
  readonly maxBytes: number
  /**
   * Resolves when the schema is ready; until then it refuses everything (`SCHEMA_FAILED`). Rejects with a `TypeError`
   * if the schema is asynchronous. Null: it is ready at once. An engine waits for it before it is open.
   */
  readonly ready: Promise<void> | null

  constructor(validate: Validate, maxBytes: number, ready: Promise<void> | null = null) {
    this.#validate = validate
    this.maxBytes = maxBytes
    this.ready = ready
    Object.freeze(this)
  }

  /** The same schema with another bound. */
  limitedTo(maxBytes: number): DataSchema<D> {
    return new DataSchema(this.#validate, maxBytes, this.ready)
  }

  /** Applies a patch and validates the result. The schema gets a copy, so it cannot change the data. */
  merge(before: Json.JsonObject | null, patch: MergePatch.Taken): Merged {
    const { maxBytes } = this
    if (patch instanceof Json.JsonFault) return faultOf(patch)
    if (MergePatch.bytesOf(patch) > maxBytes) return tooLarge
    const data = MergePatch.apply(before ?? {}, patch)
    const copy = Json.measure(data, maxBytes)
    if (copy instanceof Json.JsonFault) return faultOf(copy)
    return this.#faultOf(copy.value) ?? { data }
  }

  #faultOf(value: unknown): DataFault | null {
    try {
      const answer = this.#validate(value)
      if (isThenable(answer)) return failed(answer)
      const { issues } = answer as { readonly issues?: Iterable<unknown> | null | undefined }
      return issues === undefined || issues === null ? null : { reason: "DATA_MISMATCH", paths: pathsOf(issues) }
    } catch {
      return schemaFailed
    }
  }
}

Object.freeze(DataSchema.prototype)

const tooLarge: DataFault = Object.freeze({ reason: "DATA_TOO_LARGE", paths: [] })
const schemaFailed: DataFault = Object.freeze({ reason: "SCHEMA_FAILED", paths: [] })

const faultOf = ({ kind, path }: Json.JsonFault): DataFault => {
  if (kind === "TOO_LARGE") return tooLarge
  return { reason: kind === "TOO_DEEP" ? "DATA_TOO_DEEP" : "DATA_MISMATCH", paths: [path] }
}

// The Promise is ignored, so its rejection must not end the process.
const failed = (answer: PromiseLike<unknown>): DataFault => {
  answer.then(undefined, () => {})
  return schemaFailed
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && typeof (value as { readonly then?: unknown }).then === "function"

// The issues are host objects: each is read once, and only its path.
const pathsOf = (issues: Iterable<unknown>): ReadonlyArray<string> => {
  const paths = new Set<string>()
  for (const issue of issues) {
    if (paths.size === shownPaths) break
    const { path } = Object(issue) as { readonly path?: Iterable<unknown> | null | undefined }
    const keys = Array.from(path ?? []).slice(0, Json.depthMax + 1)
    paths.add(Json.pointerOf(keys.map(keyOf)))
  }
  return [...paths]
}

const keyOf = (segment: unknown): PropertyKey => {
  const key: unknown =
    typeof segment === "object" && segment !== null ? (segment as { readonly key?: unknown }).key : segment
  return typeof key === "string" || typeof key === "number" || typeof key === "symbol" ? key : ""
}

/**
 * Compiles a host's schema. Throws a `TypeError` if it is no schema or an asynchronous one, which a trial on `{}`
 * shows.
 */
export const make = <S extends AnySchema>(schema: S): DataSchema<InputOf<S>> => {
  const standard = isObject(schema) ? (schema as Partial<StandardSchema>)["~standard"] : undefined
  if (standard === undefined && isObject(schema) && "ast" in schema) return ofEffect(schema)
  const validate = boundOf(standard)
  if (validate === null) throw new TypeError("data must be a Standard Schema (version 1) or a schema of effect/Schema")
  return new DataSchema(synchronous(validate), defaultMaxBytes)
}

const isObject = (value: unknown): value is object =>
  (typeof value === "object" || typeof value === "function") && value !== null

const synchronous = (validate: Validate): Validate => {
  if (isAsync(validate)) throw new TypeError("data must be a schema that answers at once, not with a Promise")
  return validate
}

const isAsync = (validate: Validate): boolean => {
  try {
    const answer = validate({})
    if (!isThenable(answer)) return false
    answer.then(undefined, () => {})
    return true
  } catch {
    return false // A schema that throws counts as a refusal.
  }
}

const boundOf = (standard: StandardSchema["~standard"] | undefined): Validate | null => {
  if (typeof standard !== "object" || standard === null || standard.version !== 1) return null
  const { validate } = standard
  return typeof validate === "function" ? (value) => validate.call(standard, value) : null
}

type EffectModule = Pick<typeof import("effect/Schema"), "standardSchemaV1">

// `effect/Schema` is loaded only for a host that uses it and so has loaded it: loading it costs more than loading the
// engine. A flow is defined synchronously, so `require` is used where its file can be found. A bundle has no such file;
// there it is imported, which the bundler sees.
const ofEffect = (schema: object): DataSchema<any> => {
  const found = required()
  if (found !== null) return new DataSchema(synchronous(validateWith(found, schema)), defaultMaxBytes)
  let validate: Validate = notReady
  const ready = import("effect/Schema").then((module) => {
    validate = synchronous(validateWith(module, schema))
  })
  ready.catch(() => {}) // Reported when an engine opens with this flow; an unused flow must not end the process.
  return new DataSchema((value) => validate(value), defaultMaxBytes, ready)
}

const notReady: Validate = () => {
  throw new TypeError("effect/Schema is not loaded yet")
}

const validateWith = ({ standardSchemaV1 }: EffectModule, schema: object): Validate =>
  boundOf((standardSchemaV1(schema as Parameters<typeof standardSchemaV1>[0]) as StandardSchema)["~standard"])!

const required = (): EffectModule | null => {
  try {
    // Not an import of node:module: webpack would follow the `require` calls and warn.
    const load = process.getBuiltinModule("node:module").createRequire(import.meta.url)
    const found: Partial<EffectModule> = load(schemaPath(load))
    return typeof found.standardSchemaV1 === "function" ? (found as EffectModule) : null
  } catch {
    return null
  }
}

// The ES module file, which is the one that the host has loaded.
const schemaPath = ({ resolve }: NodeJS.Require): string => {
  const found = resolve("effect/Schema")
  return found.replace(/([\\/])dist([\\/])cjs([\\/])/, "$1dist$2esm$3")
}
