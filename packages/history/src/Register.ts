/**
 * Register: the smallest model of a session for checking a history: a versioned compare-and-set register whose value is
 * a state and, while a task is pending, its target state. Every effect raises the version by one.
 *
 * Owns what each call may do to a session; does not own when (Chain, Search). If an answer does not show everything
 * (claimed or moved, finished or not), the call has several possible effects. Source: CONTRACT §1 and §2.
 */
import { isDoubtful, isLate, type Observation, type Operation } from "./History.js"
import { patched, type SessionData } from "./SessionData.js"

/** The model's view of a session. `state` is null while there is no session. */
export interface Register {
  readonly version: number
  readonly state: string | null
  readonly next: string | null
  readonly archived: boolean
  /** Closed claims whose task in the engine may still succeed: each may cause one late success. */
  readonly owed: number
  readonly data: SessionData
}

/**
 * Changes of a session without a recorded call: the result of a task that the engine runs; expiry; stopping in a state
 * that proceeds, because the cart changed or may not be updated.
 */
export type Spontaneous = "task" | "expiry" | "halt"

/** What the checker must know about the service besides its answers. */
export interface Model {
  readonly spontaneous: ReadonlyArray<Spontaneous>
  /** States that may end a session when it reaches them. */
  readonly finals: ReadonlyArray<string>
  /** The initial state of a session if neither call nor answer shows it. */
  readonly initial: string
  /** State to the state it proceeds to: a session that comes there proceeds in the same version, or starts work. */
  readonly proceed: ReadonlyMap<string, string>
  /** State to the states that the result of its work may choose. */
  readonly choices: ReadonlyMap<string, ReadonlyArray<string>>
  /** State to its new name in a later version of the flow: a session in that state is migrated spontaneously. */
  readonly migrate: ReadonlyMap<string, string>
  /** Whether sessions have data, and whether the engine's own tasks may write it. */
  readonly data: "none" | "calls" | "calls and tasks"
}

/** No tasks, no expiry, the preset flows. */
export const defaultModel: Model = {
  spontaneous: [],
  finals: ["Complete"],
  initial: "Start",
  proceed: new Map(),
  choices: new Map(),
  migrate: new Map(),
  data: "none"
}

/** A session that was never opened. */
export const absent: Register = { version: 0, state: null, next: null, archived: false, owed: 0, data: null }

/** Equal exactly for equal registers of one session. */
export const key = (self: Register): string =>
  `${self.version} ${self.archived ? "!" : ""}${self.state} ${self.next === null ? "" : `>${self.next}`} ${self.owed} ${self.data}`

/** Whether a register is what an answer said. */
export const agrees = (self: Register, observed: Observation | undefined): boolean =>
  observed === undefined ||
  ((observed.version === undefined || observed.version === self.version) &&
    (observed.state === undefined || observed.state === self.state) &&
    (observed.next === undefined || observed.next === self.next) &&
    (observed.archived === undefined || observed.archived === self.archived) &&
    (observed.data === undefined || self.data === undefined || observed.data === self.data))

/** The register after an answer about it: unknown data becomes the data in the answer. */
export const told = (self: Register, observed: Observation | undefined): Register =>
  self.data === undefined && observed?.data !== undefined ? { ...self, data: observed.data } : self

/** Whether a read or a refusal is a correct answer about this register. */
export const permits = (self: Register, operation: Operation): boolean => {
  if (!agrees(self, operation.observed)) return false
  const { expected, expectedVersion } = operation
  switch (operation.error) {
    case "ExpectedStateMismatch":
      return (
        (expected !== undefined && expected !== self.state) ||
        (expectedVersion !== undefined && expectedVersion !== self.version)
      )
    case "SessionProcessing":
      return self.next !== null
    case "InvalidData":
    case "TransitionNotAllowed":
      // A result may choose a state that may not follow; it is refused, and the claim stays.
      if (operation.action === "completeTask") return self.next !== null
      return self.next === null && (expected === undefined || expected === self.state)
    default:
      return true
  }
}

/** The possible registers after a change, whatever was answered; empty if the change must be refused. */
export const effects = (model: Model, self: Register, operation: Operation): ReadonlyArray<Register> => {
  const { action, expected, next, expectedVersion, observed, patch } = operation
  if (action === "open") {
    const data = model.data === "none" ? null : patched("{}", patch)
    return self.state === null ? opened(model, observed?.state, next ?? model.initial, data) : []
  }
  if (self.state === null || self.archived) return []
  if (expectedVersion !== undefined && expectedVersion !== self.version) return []
  const version = self.version + 1
  const { owed, state } = self
  const data = patched(self.data, patch)
  switch (action) {
    case "update":
      if (self.next !== null || state !== expected || next === undefined) return []
      return [...reached(model, { version, owed, data }, next), { version, state, next, archived: false, owed, data }]
    case "cancel":
      return [{ ...self, version, next: null, archived: true, owed: 0 }]
    case "completeTask": {
      const late = { ...self, version }
      if (isLate(operation)) return [late]
      const moved =
        self.next === null ? [] : reached(model, { version, owed: owing(model, self), data }, next ?? self.next)
      return isDoubtful(operation) ? [...moved, late] : moved
    }
    case "move":
      return self.next !== null || next === undefined ? [] : reached(model, { version, owed, data: self.data }, next)
    case "failTask":
      return self.next === null ? [] : [left(model, self, "Error")]
    case "releaseClaim":
      return self.next === null ? [] : [left(model, self, state)]
    default:
      return []
  }
}

// A session that comes to a state that proceeds has work there, or passes through. The model does not know which states
// have work.
const reached = (
  model: Model,
  kept: Pick<Register, "version" | "owed" | "data">,
  first: string
): ReadonlyArray<Register> => {
  const found: Array<Register> = []
  let state = first
  for (let steps = 0; steps <= model.proceed.size; steps++) {
    const next = model.proceed.get(state)
    const open = { ...kept, state, next: null, archived: false }
    if (next === undefined) {
      found.push(open)
      if (model.finals.includes(state)) found.push({ ...open, archived: true, owed: 0 })
      break
    }
    if (model.spontaneous.includes("halt")) found.push(open)
    found.push({ ...open, next })
    state = next
  }
  return found
}

// The opener may choose the initial state; the answer shows the state in which the session stays.
const opened = (
  model: Model,
  told: string | null | undefined,
  initial: string,
  data: SessionData
): ReadonlyArray<Register> => {
  const state = told ?? initial
  const at = { ...absent, version: 1, state, data }
  const next = model.proceed.get(state)
  if (told === null || told === undefined) return reached(model, { version: 1, owed: 0, data }, initial)
  return next === undefined
    ? [at, { ...at, archived: true }].slice(0, model.finals.includes(state) ? 2 : 1)
    : [at, { ...at, next }]
}

const owing = (model: Model, { owed }: Register): number => (model.spontaneous.includes("task") ? owed + 1 : owed)

// The claim is closed by something other than its task's success.
const left = (model: Model, self: Register, state: string): Register => ({
  version: self.version + 1,
  state,
  next: null,
  archived: false,
  owed: owing(model, self),
  data: self.data
})

// A later version of the flow renames the session's state, its target state, or both.
const migrated = ({ migrate }: Model, self: Register, at: string): ReadonlyArray<Register> => {
  const state = migrate.get(at) ?? at
  const next = self.next === null ? null : (migrate.get(self.next) ?? self.next)
  return state === at && next === self.next ? [] : [{ ...self, version: self.version + 1, state, next }]
}

/** The possible registers after one spontaneous change. */
export const drifts = (model: Model, self: Register): ReadonlyArray<Register> => {
  if (self.state === null || self.archived) return []
  const version = self.version + 1
  const found: Array<Register> = []
  if (model.migrate.size > 0) found.push(...migrated(model, self, self.state))
  if (model.spontaneous.includes("task")) {
    if (self.next !== null) {
      const goals = new Set([self.next, ...(model.choices.get(self.state) ?? [])])
      const kept = { version, owed: self.owed, data: model.data === "calls and tasks" ? undefined : self.data }
      for (const goal of goals) found.push(...reached(model, kept, goal))
      found.push(left(model, self, "Error"))
    }
    if (self.owed > 0) found.push({ ...self, version, owed: self.owed - 1 }) // a success that came too late
  }
  if (model.spontaneous.includes("expiry")) found.push({ ...self, version, next: null, archived: true, owed: 0 })
  return found
}

/**
 * The registers with which a history may have started: an absent session if its open was recorded; else any combination
 * of the states in the history, at its lowest version. `known` narrows the choice.
 */
export const starts = (
  model: Model,
  operations: ReadonlyArray<Operation>,
  versioned: boolean,
  known: Partial<Register> = {}
): ReadonlyArray<Register> => {
  const version = versioned ? lowestVersion(operations) : 0
  const opened = operations.some((each) => each.action === "open" && each.outcome === "ok")
  if (opened || (versioned && version === 0)) return [absent]
  const mayBeAbsent = operations.some((each) => each.action === "open" || each.observed?.state === null)
  const found: Array<Register> = !versioned && mayBeAbsent ? [absent] : []
  const owed = model.spontaneous.includes("task") ? 1 : 0
  const isFull = known.state !== undefined && known.next !== undefined
  const spoken = isFull ? [] : statesOf(model, operations)
  for (const state of known.state === undefined ? spoken : [known.state]) {
    for (const next of known.next === undefined ? [null, ...spoken] : [known.next]) {
      const data = model.data === "none" ? null : known.data
      if (known.archived !== true) found.push({ version, state, next, archived: false, owed, data })
      if (known.archived !== false && next === null) found.push({ version, state, next, archived: true, owed: 0, data })
    }
  }
  return found
}

const statesOf = (model: Model, operations: ReadonlyArray<Operation>): ReadonlyArray<string> => {
  const spoken = new Set([
    model.initial,
    "Error",
    ...model.proceed.keys(),
    ...model.proceed.values(),
    ...model.migrate.values()
  ])
  for (const { expected, next, observed } of operations) {
    for (const state of [expected, next, observed?.state, observed?.next]) if (state != null) spoken.add(state)
  }
  return [...spoken]
}

/** The lowest version that a record implies; a change that made a version implies the version before. */
export const lowestVersion = (operations: ReadonlyArray<Operation>): number => {
  let lowest = Number.POSITIVE_INFINITY
  for (const { action, outcome, observed } of operations) {
    if (observed?.version === undefined || outcome === "info") continue
    lowest = Math.min(lowest, action !== "read" && outcome === "ok" ? observed.version - 1 : observed.version)
  }
  return lowest === Number.POSITIVE_INFINITY ? 0 : lowest
}
