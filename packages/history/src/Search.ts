/**
 * Search: checks one session without versions. Searches an order of the calls that respects time and the model, after
 * Wing and Gong, with Lowe's cache of configurations already seen.
 *
 *   * Only calls made before the first outstanding answer can come next.
 *   * A read or refusal that is correct now is taken now: waiting cannot help, and it changes nothing.
 *   * A doubtful call may take effect at any time after it was made, or never; those with the same effect are
 *     interchangeable.
 *
 * Source: J. M. Wing, C. Gong, "Testing and Verifying Concurrent Objects", 1993; G. Lowe, "Testing for
 * linearizability", 2017.
 */
import { applies as hasVersions } from "./Chain.js"
import { isLeft, type Kind, kindsOf } from "./Doubt.js"
import { isChange, type Operation } from "./History.js"
import { agrees, drifts, effects, key, type Model, permits, type Register, starts, told } from "./Register.js"

/** An entry of a linked list of calls and answers, in the order of time. Taken calls are unlinked. */
interface Entry {
  readonly operation: Operation | null
  readonly id: number
  readonly at: number
  /** The entry of its answer; null on an entry that is an answer. */
  readonly answer: Entry | null
  previous: Entry
  following: Entry
}

/** One possible next step. A move without entry and kind is a spontaneous change of the session. */
interface Move {
  readonly entry: Entry | null
  readonly kind: Kind | null
  readonly after: Register
}

interface Step {
  readonly moves: ReadonlyArray<Move>
  tried: number
}

/** Whether some order explains every answer; `"undecided"` when the budget of configurations is used up. */
export const search = (operations: ReadonlyArray<Operation>, model: Model, budget: number): boolean | "undecided" => {
  const { head, outstanding } = lay(operations)
  if (outstanding === 0) return true
  const versioned = hasVersions(operations)
  const kinds = kindsOf(operations)
  const seen = new Set<string>()
  const first = starts(model, operations, versioned).map((after): Move => ({ entry: null, kind: null, after }))
  const steps: Array<Step> = [{ moves: first, tried: 0 }]
  let remaining = outstanding
  for (;;) {
    const step = steps.at(-1)!
    if (step.tried > 0) remaining += undo(step.moves[step.tried - 1]!)
    const move = step.moves[step.tried++]
    if (move === undefined) {
      steps.pop()
      if (steps.length === 0) return false
      continue
    }
    remaining -= take(move)
    if (remaining === 0) return true
    const window = windowOf(head)
    if (step.moves.length > 1) {
      const here = configuration(window, kinds, versioned ? move.after : { ...move.after, version: 0 })
      if (seen.has(here)) continue
      seen.add(here)
      if (seen.size > budget) return "undecided"
    }
    steps.push({ moves: movesOf(window, kinds, move.after, model), tried: 0 })
  }
}

/** The list of calls and answers. At equal instants calls come first: equal readings are concurrent. */
const lay = (operations: ReadonlyArray<Operation>): { readonly head: Entry; readonly outstanding: number } => {
  const answered = operations.filter(
    (each) => each.outcome !== "info" && (isChange(each) || each.observed !== undefined)
  )
  const events = answered
    .flatMap((operation, id) => [
      { id, operation, at: operation.invoked, isAnswer: false },
      { id, operation, at: operation.returned, isAnswer: true }
    ])
    .sort((a, b) => a.at - b.at || Number(a.isAnswer) - Number(b.isAnswer))
  const answers = new Map<number, Entry>()
  const head = sentinel()
  let following = head
  for (const { id, operation, at, isAnswer } of events.reverse()) {
    const entry: Entry = isAnswer
      ? { operation: null, id, at, answer: null, previous: head, following }
      : { operation, id, at, answer: answers.get(id)!, previous: head, following }
    if (isAnswer) answers.set(id, entry)
    following.previous = entry
    head.following = entry
    following = entry
  }
  return { head, outstanding: answered.length }
}

const sentinel = (): Entry => {
  const entry: Partial<Entry> = { operation: null, id: -1, at: Number.POSITIVE_INFINITY, answer: null }
  return Object.assign(entry, { previous: entry, following: entry }) as Entry
}

/** The calls that may come next, and the first outstanding answer, which limits them. */
interface Window {
  readonly calls: ReadonlyArray<Entry>
  readonly until: Entry
}

const windowOf = (head: Entry): Window => {
  const calls: Array<Entry> = []
  let entry = head.following
  while (entry.operation !== null) {
    calls.push(entry)
    entry = entry.following
  }
  return { calls, until: entry }
}

const take = ({ entry, kind }: Move): number => {
  if (kind !== null) kind.used++
  if (entry === null) return 0
  cut(entry)
  cut(entry.answer!)
  return 1
}

const undo = ({ entry, kind }: Move): number => {
  if (kind !== null) kind.used--
  if (entry === null) return 0
  mend(entry.answer!)
  mend(entry)
  return 1
}

const cut = (entry: Entry): void => {
  entry.previous.following = entry.following
  entry.following.previous = entry.previous
}

const mend = (entry: Entry): void => {
  entry.previous.following = entry
  entry.following.previous = entry
}

/**
 * A key for the remaining work: the window determines which answered calls are taken, the counts which doubtful ones.
 */
const configuration = ({ calls, until }: Window, kinds: ReadonlyArray<Kind>, register: Register): string =>
  `${until.id} ${calls.map((call) => call.id).join(",")} ${kinds.map((kind) => kind.used).join(",")} ${key(register)}`

const movesOf = (
  { calls, until }: Window,
  kinds: ReadonlyArray<Kind>,
  register: Register,
  model: Model
): ReadonlyArray<Move> => {
  const moves: Array<Move> = []
  for (const entry of calls) {
    const operation = entry.operation!
    if (isChange(operation)) {
      for (const after of effects(model, register, operation)) {
        if (agrees(after, operation.observed)) moves.push({ entry, kind: null, after: told(after, operation.observed) })
      }
    } else if (permits(register, operation)) {
      const after = told(register, operation.observed)
      // An answer without new information is taken at once; one that shows unknown data may be about a later register.
      if (after === register) return [{ entry, kind: null, after }]
      moves.push({ entry, kind: null, after })
    }
  }
  for (const after of drifts(model, register)) moves.push({ entry: null, kind: null, after })
  for (const kind of kinds) {
    if (!isLeft(kind, until.at)) continue
    for (const after of effects(model, register, kind.sample)) moves.push({ entry: null, kind, after })
  }
  return moves
}
