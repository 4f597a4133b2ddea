/**
 * Chain: checks one session if every answer carries its version. Versions put the changes in one order, so little has
 * to be searched: each version has one content, one time window, and one cause.
 *
 *   1. All answers about one version agree, and no two changes made it.
 *   2. Version k began after the last call that still saw k-1 was made, and before the first answer that saw k; later
 *      versions begin later.
 *   3. Every version follows from the one before by the change that made it. If no accepted call made it, a call with
 *      an unknown outcome did (each at most once), or a spontaneous change of the session (ChainWalk).
 *
 * Linear time, except where no answer saw several versions in a row: there the possible causes are tried.
 */
import { type Causes, walk } from "./ChainWalk.js"
import { isChange, type Observation, type Operation } from "./History.js"
import { absent, lowestVersion, type Model, permits } from "./Register.js"
import type { Finding } from "./Verdict.js"

/** Most spontaneous versions of a session after one call, if states proceed. Source: CONTRACT §2. */
const longestChain = 101

/** A fact and the operation that shows it. */
interface Known<A> {
  readonly value: A
  readonly by: Operation
}

/** What is known about one version. */
export interface Place {
  readonly version: number
  state?: Known<string | null>
  next?: Known<string | null>
  archived?: Known<boolean>
  requestId?: Known<string | null>
  data?: Known<string | null>
  /** The accepted call that made it. */
  change?: Operation
  /** Reads and refusals that saw it. */
  readonly observers: Array<Operation>
  /** The latest call that still saw the version before, and the first answer that saw this one. */
  after?: Operation
  before?: Operation
}

/** Whether every answer about a session carries its version, so that this checker applies. */
export const applies = (operations: ReadonlyArray<Operation>): boolean =>
  operations.every(
    (each) =>
      each.outcome === "info" || (each.observed === undefined ? !isChange(each) : each.observed.version !== undefined)
  )

/**
 * Returns the first fault of one session's operations, null if there is none, `"undecided"` when the budget of tries is
 * used up.
 */
export const check = (
  operations: ReadonlyArray<Operation>,
  model: Model,
  budget: number
): Finding | null | "undecided" => {
  const base = lowestVersion(operations)
  const answered = operations.filter((each) => each.outcome !== "info" && each.observed?.version !== undefined)
  // A change needs a cause and a spontaneous one follows a claim, so versions cannot outrun operations without a fault.
  const bound = base + (model.proceed.size === 0 ? 3 : 3 + 2 * longestChain) * operations.length + 1
  const beyond = answered.find((each) => each.observed!.version! > bound)
  if (beyond !== undefined) return { rule: "unexplained change", operations: [beyond] }
  const highest = answered.reduce((most, each) => Math.max(most, each.observed!.version!), base)
  const places = Array.from(
    { length: highest - base + 1 },
    (_, index): Place => ({ version: base + index, observers: [] })
  )
  for (const operation of answered) {
    const fault = isChange(operation) ? noteChange(places, base, operation) : noteObserver(places, base, operation)
    if (fault !== null) return fault
  }
  const windows = order(places)
  if ("rule" in windows) return windows
  return walk(operations, places, windows, model, budget)
}

const noteChange = (places: ReadonlyArray<Place>, base: number, operation: Operation): Finding | null => {
  const version = operation.observed!.version!
  const place = places[version - base]!
  if (place.change !== undefined) return { rule: "double win", operations: [place.change, operation] }
  place.change = operation
  narrow(place, operation)
  if (place.after === undefined || operation.invoked > place.after.invoked) place.after = operation
  const requestId = operation.action === "update" ? operation.requestId : undefined
  return (
    learn(place, { ...operation.observed, ...(requestId === undefined ? {} : { requestId }) }, operation) ??
    learn(places[version - 1 - base]!, foundBefore(operation), operation)
  )
}

/** What an accepted call implies about the version before it. */
const foundBefore = (operation: Operation): Observation => {
  switch (operation.action) {
    case "open":
      return absent
    case "update":
      return { state: operation.expected, next: null, archived: false }
    default:
      return { archived: false }
  }
}

const noteObserver = (places: ReadonlyArray<Place>, base: number, operation: Operation): Finding | null => {
  const { version, state, next, archived } = operation.observed!
  const place = places[version! - base]!
  place.observers.push(operation)
  narrow(place, operation)
  const following = places[version! + 1 - base]
  if (following !== undefined && (following.after === undefined || operation.invoked > following.after.invoked)) {
    following.after = operation
  }
  if (state !== undefined && next !== undefined && archived !== undefined) {
    if (!permits({ version: version!, state, next, archived, owed: 0, data: undefined }, operation)) {
      return { rule: "wrong refusal", operations: [operation] }
    }
  }
  return learn(place, operation.observed!, operation)
}

const narrow = (place: Place, operation: Operation): void => {
  if (place.before === undefined || operation.returned < place.before.returned) place.before = operation
}

/** Adds what one operation shows about a version; a contradiction to an earlier one is a fault. */
const learn = (place: Place, said: Observation, by: Operation): Finding | null => {
  const conflicting = (earlier: Known<unknown> | undefined, value: unknown): Finding | null =>
    earlier === undefined || earlier.value === value
      ? null
      : { rule: "conflicting answers", operations: [earlier.by, by] }
  let fault: Finding | null = null
  if (said.state !== undefined) {
    fault = conflicting(place.state, said.state)
    place.state ??= { value: said.state, by }
  }
  if (said.next !== undefined) {
    fault ??= conflicting(place.next, said.next)
    place.next ??= { value: said.next, by }
  }
  if (said.archived !== undefined) {
    fault ??= conflicting(place.archived, said.archived)
    place.archived ??= { value: said.archived, by }
  }
  if (said.requestId !== undefined) {
    fault ??= conflicting(place.requestId, said.requestId)
    place.requestId ??= { value: said.requestId, by }
  }
  if (said.data !== undefined) {
    fault ??= conflicting(place.data, said.data)
    place.data ??= { value: said.data, by }
  }
  return fault
}

/**
 * Returns the latest instant at which each version can have begun, or the two operations that leave a version no
 * possible instant.
 */
const order = (places: ReadonlyArray<Place>): Finding | Causes["latest"] => {
  let after: Operation | undefined
  for (const place of places) {
    if (place.after !== undefined && (after === undefined || place.after.invoked > after.invoked)) after = place.after
    if (after !== undefined && place.before !== undefined && after.invoked > place.before.returned) {
      const bothChanged = isChange(after) && isChange(place.before)
      return { rule: bothChanged ? "out of order" : "stale answer", operations: [place.before, after] }
    }
  }
  const latest = new Float64Array(places.length)
  let bound = Number.POSITIVE_INFINITY
  for (let index = places.length - 1; index >= 0; index--) {
    bound = Math.min(bound, places[index]!.before?.returned ?? bound)
    latest[index] = bound
  }
  return latest
}
