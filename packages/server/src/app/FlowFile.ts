/**
 * FlowFile: a flow as a JSON file, for shops without TypeScript: its states, their transitions, which proceed, and
 * which have external tasks. Pure: returns a flow, or sentences that begin with the place of the mistake as a JSON
 * Pointer.
 *
 * The published JSON Schema (`flow.schema.json`) is generated from `FlowFile`; JsonSchema provides the part about data.
 */
import { CheckoutState, Flow, type Task } from "@onelane/checkout"
import * as Either from "effect/Either"
import * as JSONSchema from "effect/JSONSchema"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as JsonSchema from "./JsonSchema.js"

const aDayMillis = 86_400_000

// JSON has no undefined: an absent member must be absent.
const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

const StateName = Schema.String.pipe(Schema.minLength(1), Schema.maxLength(30)).annotations({
  title: "the name of a state, text of 1 to 30 characters"
})

const Work = Schema.Struct({
  deadlineMillis: optional(
    Schema.Int.pipe(Schema.between(1, aDayMillis)).annotations({
      title: `a whole number from 1 to ${aDayMillis}`,
      description: "Milliseconds from the claim until the work has failed. Default 60000"
    })
  ),
  nextStates: optional(
    Schema.Array(StateName).pipe(Schema.minItems(1)).annotations({
      title: "a list of at least one state",
      description: "The next states that the work is for. Default: all that may follow"
    })
  ),
  whenCartChanged: optional(Schema.Literal("note", "refuse"))
}).annotations({
  description: "The state is worked on elsewhere: an update claims it, and whoever does the work closes the claim"
})

const State = Schema.Struct({
  next: Schema.Array(StateName).annotations({ description: "The states that may follow; none: the state is final" }),
  proceed: optional(StateName.annotations({ description: "The next state that the engine goes to by itself" })),
  work: optional(Work)
})

/** The file. */
export const FlowFile = Schema.Struct({
  $schema: optional(Schema.String),
  name: Schema.String.pipe(Schema.minLength(1), Schema.maxLength(100)).annotations({
    title: "text of 1 to 100 characters"
  }),
  version: optional(Schema.Int.pipe(Schema.greaterThanOrEqualTo(1)).annotations({ title: "a whole number from 1" })),
  initial: StateName,
  states: Schema.Record({ key: Schema.String, value: State }),
  data: optional(
    Schema.Unknown.annotations({
      description: "Sessions keep a JSON object: of any content, or as a JSON Schema says",
      jsonSchema: { anyOf: [{ enum: [true] }, { $ref: "#/$defs/DataSchema" }] }
    })
  ),
  migrate: optional(
    Schema.Record({ key: Schema.String, value: StateName }).annotations({
      description: "Former states to their new names; needs a version above 1"
    })
  )
})

type FlowFile = typeof FlowFile.Type

/** The published JSON Schema. */
export const published = (): object => {
  const { $defs, ...made } = JSONSchema.make(FlowFile)
  return { $id: "https://onelane.dev/flow.schema.json", ...made, $defs: { ...$defs, DataSchema: JsonSchema.published } }
}

const decode = Schema.decodeUnknownEither(FlowFile, { onExcessProperty: "error", errors: "all" })

/** Most mistakes that are reported. */
const toldMistakes = 20

const pointer = (path: ReadonlyArray<PropertyKey>): string =>
  path.length === 0 ? "/" : path.map((name) => `/${String(name).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("")

const sentence = (path: ReadonlyArray<PropertyKey>, why: string): string =>
  `${pointer(path)}: ${why.replace(/\s+/g, " ")}`

/** Mistakes that concern several places of a well-formed file. */
const mistakes = ({ initial, migrate = {}, states }: FlowFile): ReadonlyArray<string> => {
  const found: Array<string> = []
  const known = (name: string): boolean => Object.hasOwn(states, name)
  const note = (path: ReadonlyArray<PropertyKey>, why: string): void => void found.push(sentence(path, why))
  if (Object.keys(states).length === 0) note(["states"], "it has no states")
  if (!known(initial)) note(["initial"], "it is not one of the states")
  for (const [name, { next, proceed, work }] of Object.entries(states)) {
    const at = ["states", name]
    const fault = CheckoutState.stateFault(name)
    if (fault !== null) note(at, `the name ${fault}`)
    if (name === CheckoutState.errorState) note(at, "Error is the engine's own state")
    next.forEach((each, index) => {
      if (!known(each)) note([...at, "next", index], "it is not one of the states")
      if (each === name) note([...at, "next", index], "a state does not follow itself")
      if (next.indexOf(each) < index) note([...at, "next", index], "it is given twice")
    })
    if (proceed !== undefined && !next.includes(proceed)) note([...at, "proceed"], "it may not follow")
    if (proceed !== undefined && circles(states, name)) note([...at, "proceed"], "states proceed in a circle")
    if (work !== undefined && next.length === 0) note([...at, "work"], "a final state has no work")
    work?.nextStates?.forEach((each, index) => {
      if (!next.includes(each)) note([...at, "work", "nextStates", index], "it may not follow")
    })
  }
  for (const [former, name] of Object.entries(migrate)) {
    if (!known(name)) note(["migrate", former], "it is not one of the states")
    if (known(former)) note(["migrate", former], "the former name is still a state")
  }
  return found
}

const circles = (states: FlowFile["states"], from: string): boolean => {
  let at: string | undefined = states[from]!.proceed
  for (let steps = Object.keys(states).length; at !== undefined && steps > 0; steps--) {
    if (at === from) return true
    at = Object.hasOwn(states, at) ? states[at]!.proceed : undefined
  }
  return false
}

const AnyData = Schema.Record({ key: Schema.String, value: Schema.Unknown })

type Data = typeof AnyData | JsonSchema.Standard | undefined

/** The schema of the data, and the mistakes in it. */
const dataOf = ({ data }: FlowFile): readonly [Data, ReadonlyArray<string>] => {
  if (data === undefined) return [undefined, []]
  if (data === true) return [AnyData, []]
  if (typeof data !== "object" || data === null)
    return [undefined, [sentence(["data"], "it must be true or a JSON Schema")]]
  const found: Array<string> = []
  const schema = JsonSchema.compile(data, ["data"], (path, why) => void found.push(sentence(path, why)))
  return [schema, found]
}

const compile = ({ $schema: _, data: __, states, ...head }: FlowFile, data: Data): Flow.Flow => {
  const entries = Object.entries(states)
  const parts = <A>(of: (state: FlowFile["states"][string]) => A | undefined): { readonly [name: string]: A } =>
    Object.fromEntries(
      entries.flatMap(([name, state]) => {
        const part = of(state)
        return part === undefined ? [] : [[name, part] as const]
      })
    )
  return Flow.defineFlow<Flow.Transitions>({
    ...head,
    transitions: parts(({ next }) => next),
    proceed: parts(({ proceed }) => proceed),
    tasks: parts(({ work }): Task.Task | undefined => work),
    data
  }) as Flow.Flow
}

/** Reads the text of a file: a flow, or the mistakes, one a line. */
export const parse = (text: string): Either.Either<Flow.Flow, string> =>
  Either.gen(function* () {
    const json = yield* Either.try({
      try: (): unknown => JSON.parse(text),
      catch: (thrown) => sentence([], `it is not JSON: ${(thrown as Error).message}`)
    })
    const file = yield* Either.mapLeft(decode(json), (error) =>
      ParseResult.ArrayFormatter.formatErrorSync(error)
        .slice(0, toldMistakes)
        .map(({ message, path }) => sentence(path, message))
        .join("\n")
    )
    const [data, wrongData] = dataOf(file)
    const wrong = [...mistakes(file), ...wrongData]
    if (wrong.length > 0) return yield* Either.left(wrong.slice(0, toldMistakes).join("\n"))
    return yield* Either.try({
      try: () => compile(file, data),
      catch: (thrown) => sentence([], (thrown as Error).message)
    })
  })
