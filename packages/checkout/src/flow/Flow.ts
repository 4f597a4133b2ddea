/**
 * Flow: which state may follow which, and which states have a task. Configuration, not code: a preset, a host's own
 * `defineFlow`, or `any`. Compiled once into tables: an update finds its transition in two lookups, and carries it
 * along.
 *
 * Source: CONTRACT §1, parsed from 176 public flow versions. No flow has a back edge: to go back, cancel and start
 * again.
 */
import { checkoutStates, errorState, shownState, stateFault } from "../session/CheckoutState.js"
import type { JsonObject } from "../session/Json.js"
import * as Arrival from "./Arrival.js"
import * as DataSchema from "./DataSchema.js"
import { FixedMap, FixedSet } from "./Fixed.js"
import { firstVersion, fixedRenames, type Renames, renamesFault, versionFault } from "./FlowVersion.js"
import { copyOf as copyOfTask, faultOf, isFor, type Task } from "./Task.js"

/** Current state to the states that may follow it, as written by a host. A state without followers ends the session. */
export type Transitions = { readonly [State in string]: ReadonlyArray<string> }

/**
 * A compiled flow. It is an immutable copy of the host's definition. `T` keeps the literal transitions for the
 * compiler, and `D` the type of the data; at run time only the tables are used.
 */
export interface Flow<T extends Transitions = Transitions, D = unknown> {
  readonly name: string
  /** Raised by the host whenever states change; see `migrate`. */
  readonly version: number
  readonly initial: string
  readonly transitions: T
  /** Former states of earlier versions to their new names. */
  readonly migrate: ReadonlyMap<string, string>
  /** Every state of the flow, without `Error`. */
  readonly states: ReadonlySet<string>
  /** State to its followers; `Error` leads to every state of the flow. */
  readonly edges: ReadonlyMap<string, ReadonlySet<string>>
  /** States with a task. */
  readonly tasks: ReadonlyMap<string, Task>
  /** State to the state it proceeds to automatically. */
  readonly proceed: ReadonlyMap<string, string>
  /** What follows when a session comes to a state that proceeds. */
  readonly arrivals: ReadonlyMap<string, Arrival.Arrival>
  /** Transitions by expected state, then by next state. */
  readonly ways: ReadonlyMap<string, ReadonlyMap<string, Transition>>
  /** The schema of the data that its sessions keep; null if they keep none. */
  readonly data: DataSchema.DataSchema<D> | null
}

/** A transition from a state to another, or to itself. */
export interface Transition {
  readonly from: string
  readonly to: string
  readonly isAllowed: boolean
  /** Whether reaching `to` finishes the session. */
  readonly archives: boolean
  /** The task of `from`, if it is for `to`. */
  readonly task: Task | null
  /** Whether a session that comes to `to` proceeds automatically. */
  readonly proceeds: boolean
}

/** The states a flow knows. */
export type StateOf<F> = F extends Flow<infer T, any> ? (keyof T & string) | typeof errorState : string

/** The states that may follow `S` in a flow; from `Error`, any state of the flow. */
export type NextOf<F, S extends string> =
  F extends Flow<infer T, any>
    ? S extends keyof T
      ? T[S][number]
      : S extends typeof errorState
        ? keyof T & string
        : string
    : string

/**
 * The data of a flow's sessions: null if it declares none, and any JSON object if the flow is not known to the
 * compiler.
 */
export type DataOf<F> = F extends Flow<any, infer D> ? (unknown extends D ? JsonObject | null : D) : JsonObject | null

/** A merge patch for the data of a flow's sessions. */
export type PatchOf<F> =
  F extends Flow<any, infer D> ? (unknown extends D ? JsonObject : DataSchema.Patch<NonNullable<D>>) : JsonObject

/** The definition of a flow, as a host writes it. */
export interface FlowDefinition<T extends Transitions, S = DataSchema.AnySchema | undefined> {
  readonly name: string
  /**
   * A whole number from 1 on; default 1. Raise it whenever states change. Sessions that an earlier version wrote are
   * migrated when they are read. A server with a lower version never changes a session that a higher version wrote.
   */
  readonly version?: number | undefined
  readonly initial: keyof T & string
  readonly transitions: T
  readonly tasks?: TasksOf<NoInfer<T>> | undefined
  /**
   * States that the engine leaves automatically, each with the state that follows: when a session comes to one, the
   * next step is taken in the same commit. No cycles. Default: none.
   */
  readonly proceed?: ProceedOf<NoInfer<T>> | undefined
  /**
   * The schema of the data that a session keeps: any synchronous Standard Schema, or a schema of `effect/Schema`.
   * Default: its sessions keep no data.
   */
  readonly data?: S | undefined
  /**
   * The new names of states that earlier versions had: `{ "Old State": "New State" }`. Keep an entry as long as
   * sessions of that version may be live. Needs a version above 1.
   */
  readonly migrate?: Renames<keyof T & string> | undefined
}

/** State to the state it proceeds to. */
export type ProceedOf<T extends Transitions> = { readonly [State in keyof T]?: T[State][number] | undefined }

/** Tasks by state, each for states that may follow its own. */
export type TasksOf<T extends Transitions> = { readonly [State in keyof T]?: Task<T[State][number]> | undefined }

/**
 * Compiles a flow. Throws a `TypeError` for an invalid definition: no states, an unknown target or initial state,
 * `Error` named, a state name that is not 1..30 printable characters, trimmed and NFC, an edge from a state to itself,
 * an invalid task, or one for a state that may not follow, a state that proceeds to one that may not follow or in a
 * cycle, a `data` that is no schema or an asynchronous one, a version that is not a whole number from 1 on, a new name
 * (`migrate`) that is no state, or a former name that is still a state.
 */
export const defineFlow = <
  const T extends { readonly [S in keyof T]: ReadonlyArray<keyof T & string> },
  const S extends DataSchema.AnySchema | undefined = DataSchema.AnySchema | undefined
>(
  definition: FlowDefinition<T, S>
): Flow<T, DataSchema.InputOf<S>> => {
  const { name, initial, version = firstVersion } = definition
  const renames: Renames = { ...definition.migrate }
  const transitions = copyOfTransitions<T>(definition.transitions)
  const states = new FixedSet(Object.keys(transitions))
  const refuse = (why: string): never => {
    throw new TypeError(`flow ${shownName(name)}: ${why}`)
  }
  if (states.size === 0) refuse("it has no states")
  if (!states.has(initial)) refuse(`the initial state ${shownState(initial)} is not one of its states`)
  const edges = new Map<string, ReadonlySet<string>>()
  for (const [state, followers] of Object.entries<ReadonlyArray<string>>(transitions)) {
    if (state === errorState) refuse("Error is the engine's own state")
    const fault = stateFault(state)
    if (fault !== null) refuse(`the state name ${shownState(state)} ${fault}`)
    for (const next of followers) {
      if (!states.has(next)) refuse(`${state} leads to ${shownState(next)}, which is not one of its states`)
      if (next === state) refuse(`${state} leads to itself`)
    }
    edges.set(state, new FixedSet(followers))
  }
  edges.set(errorState, states)
  const written = (definition.proceed ?? {}) as Arrival.Proceeds
  const fault =
    Arrival.faultOf(edges, states, written) ?? versionFault(version) ?? renamesFault(renames, version, states)
  if (fault !== null) refuse(fault)
  const proceed = new FixedMap(Arrival.entriesOf(written))
  const data = dataOf<S>(definition.data, refuse)
  const head = { name, version, initial, transitions, migrate: fixedRenames(renames) }
  const flow = { ...head, states, edges: new FixedMap(edges), proceed, ...nothing, data }
  return withTasks(flow, (definition.tasks ?? {}) as TasksOf<T>)
}

const dataOf = <S>(
  schema: unknown,
  refuse: (why: string) => never
): DataSchema.DataSchema<DataSchema.InputOf<S>> | null => {
  if (schema === undefined) return null
  try {
    return DataSchema.make(schema as DataSchema.AnySchema) as DataSchema.DataSchema<DataSchema.InputOf<S>>
  } catch (invalid) {
    return refuse((invalid as TypeError).message)
  }
}

const none: ReadonlyMap<string, never> = new FixedMap([])
const nothing = { tasks: none, arrivals: none, ways: none }

const copyOfTransitions = <T extends Transitions>(written: T): T =>
  Object.freeze(
    Object.fromEntries(
      Object.entries<ReadonlyArray<string>>(written).map(([state, followers]) => [state, Object.freeze([...followers])])
    )
  ) as T

// A printable name is shown as it is.
const shownName = (name: string): string => (stateFault(name) === null ? name : shownState(name))

/**
 * The same flow with these tasks (a state that had one and is not named keeps it). Throws a `TypeError` as `defineFlow`
 * does.
 */
export const withTasks = <T extends Transitions, D = unknown>(
  flow: Flow<T, D>,
  tasks: NoInfer<TasksOf<T>>
): Flow<T, D> => {
  const all = new Map(flow.tasks)
  for (const [state, written] of Object.entries<Task | undefined>(tasks)) {
    if (written === undefined) continue
    if (!flow.states.has(state))
      throw new TypeError(`flow ${shownName(flow.name)}: a task for unknown state ${shownState(state)}`)
    const task = copyOfTask(written)
    const fault = faultOf(task)
    if (fault !== null) throw new TypeError(`flow ${shownName(flow.name)}: the task of ${state}: ${fault}`)
    const astray = task.nextStates?.find((next) => !allows(flow, state, next))
    if (astray !== undefined)
      throw new TypeError(
        `flow ${shownName(flow.name)}: the task of ${state} is for ${shownState(astray)}, which does not follow ${state}`
      )
    all.set(state, task)
  }
  const arrivals = Arrival.all({ ...flow, tasks: all })
  const ways = Array.from(
    waysOf({ ...flow, arrivals }, all),
    ([from, reachable]) => [from, new FixedMap(Array.from(reachable, freezeSecond))] as const
  )
  return Object.freeze({
    ...flow,
    tasks: new FixedMap(all),
    arrivals: new FixedMap(Array.from(arrivals, freezeSecond)),
    ways: new FixedMap(ways)
  })
}

const freezeSecond = <K, V>([key, value]: readonly [K, V]): readonly [K, V] => [key, Object.freeze(value)]

// A state also leads to itself: such an update must name a version, which decides between two callers, and runs no
// task.
const waysOf = ({ arrivals, edges, states }: Flow, tasks: Flow["tasks"]): Map<string, Map<string, Transition>> =>
  new Map(
    Array.from(edges, ([from, followers]) => {
      const task = tasks.get(from) ?? null
      const reachable = states.has(from) ? [...followers, from] : [...followers]
      return [
        from,
        new Map(
          reachable.map((to) => [
            to,
            {
              from,
              to,
              isAllowed: true,
              archives: edges.get(to)?.size === 0,
              task: to !== from && task !== null && isFor(task, to) ? task : null,
              proceeds: to !== from && arrivals.has(to)
            }
          ])
        )
      ]
    })
  )

/**
 * Copies a flow into plain maps for one engine: faster to look up, never exposed. `dataMaxBytes` bounds the data of a
 * session.
 */
export const compile = (flow: Flow, dataMaxBytes: number = DataSchema.defaultMaxBytes): Flow => ({
  ...flow,
  migrate: new Map(flow.migrate),
  states: new Set(flow.states),
  edges: new Map(Array.from(flow.edges, ([from, followers]) => [from, new Set(followers)])),
  tasks: new Map(flow.tasks),
  proceed: new Map(flow.proceed),
  arrivals: new Map(flow.arrivals),
  ways: waysOf(flow, flow.tasks),
  data: flow.data === null ? null : flow.data.limitedTo(dataMaxBytes)
})

/** Whether a value is a compiled flow. */
export const isFlow = (value: unknown): value is Flow =>
  typeof value === "object" && value !== null && (value as Partial<Flow>).ways instanceof FixedMap

/** Finds the transition of an update; `isAllowed` is false if the flow does not have it. */
export const transitionOf = (flow: Flow, from: string, to: string): Transition =>
  flow.ways.get(from)?.get(to) ?? { from, to, isAllowed: false, archives: false, task: null, proceeds: false }

/** Whether `flow` lets a session go from one state to the other. */
export const allows = (flow: Flow, from: string, to: string): boolean => flow.edges.get(from)?.has(to) ?? false

/** Whether sessions can be in this state: one of the flow, or `Error`. */
export const hasState = (flow: Flow, state: string): boolean => flow.states.has(state) || state === errorState

/** Whether `state` is final. */
export const isFinal = (flow: Flow, state: string): boolean => flow.edges.get(state)?.size === 0

const tail = {
  "Checkout Summary": ["Cart To Order"],
  "Activate Order": ["Order Confirmation"],
  "Order Confirmation": ["Complete"],
  Complete: []
} as const

const reentrant = {
  ...tail,
  Start: ["Shipping Address", "Inventory"],
  "Shipping Address": ["Inventory"],
  Inventory: ["Confirm Price"],
  "Shipping Cost": ["Delivery Method"],
  "Delivery Method": ["Taxes"],
  Taxes: ["Payment And Billing Address"],
  "Payment And Billing Address": ["Checkout Summary"],
  "Cart To Order": ["Authorize Payment"],
  "Authorize Payment": ["Activate Order"]
} as const

/** The current re-entrant flow; the default. */
export const b2b = defineFlow({
  name: "b2b",
  initial: "Start",
  transitions: {
    ...reentrant,
    "Confirm Price": ["Calculate Promotions"],
    "Calculate Promotions": ["Shipping Cost"]
  }
})

/** The same without Calculate Promotions. */
export const b2bAsync = defineFlow({
  name: "b2b-async",
  initial: "Start",
  transitions: { ...reentrant, "Confirm Price": ["Shipping Cost"] }
})

/** The background states, and where each goes. */
const background = {
  Inventory: "Confirm Price",
  "Confirm Price": "Calculate Promotions",
  "Calculate Promotions": "Shipping Cost",
  "Shipping Cost": "Delivery Method",
  Taxes: "Payment And Billing Address",
  "Cart To Order": "Authorize Payment",
  "Activate Order": "Order Confirmation"
} as const

/**
 * The default flow, whose background states proceed: one update runs the states up to the next screen. The screens are
 * Start, Shipping Address, Delivery Method, Payment And Billing Address, Checkout Summary, Authorize Payment and Order
 * Confirmation.
 */
export const b2bProceed = defineFlow({
  name: "b2b-proceed",
  initial: "Start",
  transitions: b2b.transitions,
  proceed: background
})

const tenMinutes = { deadlineMillis: 600_000 }

/**
 * The default flow, whose background states proceed and have external work: an update claims the first of them, the
 * external worker closes the claim (`completeTask`), and the engine claims the next one. As a file:
 * `examples/flows/b2b.json`.
 */
export const b2bWork = defineFlow({
  name: "b2b-work",
  initial: "Start",
  transitions: b2b.transitions,
  proceed: background,
  tasks: {
    Inventory: tenMinutes,
    "Confirm Price": tenMinutes,
    "Calculate Promotions": tenMinutes,
    "Shipping Cost": tenMinutes,
    Taxes: tenMinutes,
    "Cart To Order": tenMinutes,
    "Activate Order": tenMinutes
  }
})

/** For single-page checkouts: the shop does all earlier steps before it opens the session. */
export const b2bSync = defineFlow({
  name: "b2b-sync",
  initial: "Start",
  transitions: {
    Start: ["Authorize Payment"],
    "Authorize Payment": ["Activate Order"],
    "Activate Order": ["Order Confirmation"],
    "Order Confirmation": ["Complete"],
    Complete: []
  }
})

/** The flow of 2020-2021. */
export const b2bClassic = defineFlow({
  name: "b2b-classic",
  initial: "Start",
  transitions: {
    ...tail,
    Start: ["Shipping Address", "Inventory"],
    "Shipping Address": ["Inventory"],
    Inventory: ["Confirm Price"],
    "Confirm Price": ["Shipping Cost"],
    "Shipping Cost": ["Delivery Method", "Taxes"],
    "Delivery Method": ["Taxes"],
    Taxes: ["Checkout Summary"],
    "Cart To Order": ["Payment And Billing Address"],
    "Payment And Billing Address": ["Activate Order"]
  }
})

/** Every known state leads to every other; only a cancel or an expiry ends a session. */
export const any: Flow = defineFlow<Transitions>({
  name: "any",
  initial: "Start",
  transitions: Object.fromEntries(
    checkoutStates.map((state) => [state, checkoutStates.filter((other) => other !== state)])
  )
})

/** The presets by name. */
export const presets = Object.freeze({
  b2b,
  "b2b-async": b2bAsync,
  "b2b-sync": b2bSync,
  "b2b-classic": b2bClassic,
  "b2b-proceed": b2bProceed,
  "b2b-work": b2bWork,
  any
} as const)

/** The name of a preset. */
export type PresetName = keyof typeof presets
