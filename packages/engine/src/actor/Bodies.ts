/**
 * Bodies: the large part of a state (`Behavior.body`), kept apart from it in the journal.
 *
 * A body is written when a turn changes it. If the journal allows a stored body to lag (`bodyLagEvents`), it is written
 * only once the changes are as large as the body itself, or too many; until then a load applies the missing events to
 * the stored body. So a small change of a large body costs its own size, not the size of the body.
 *
 * Owns: what an activation knows about its stored body. Does not own: the state (Turn), when it is durable
 * (Committing).
 */
import type { Body } from "../Behavior.js"
import type { GroupCommitShape } from "../journal/GroupCommit.js"
import type { JournalBody, JournalRow } from "../journal/Journal.js"
import * as JsonBytes from "../runtime/JsonBytes.js"
import type { Activation } from "./Activation.js"
import type { TurnContext } from "./TurnContext.js"

/** What an activation knows about its stored body. */
export interface BodyNote {
  /** Upper bound of its size, bytes. */
  readonly bytes: number
  /** Sequence of the first event that the stored body lacks; 0: it lacks none. */
  readonly behindFrom: number
  /** Size of the missing changes, bytes. */
  readonly behindBytes: number
}

/** How a turn changes the stored body, and the note after it. */
export interface BodyChange extends JournalBody {
  readonly note: BodyNote | null
}

/** What a turn stores. */
export interface Stored {
  /** The state without its body. */
  readonly state: unknown
  /** Undefined: the stored body stays, and nothing large is in the events. */
  readonly body: BodyChange | undefined
}

/** What a turn with these events stores. `after`: the state after the last of them, whose sequence is `sequence`. */
export const stored = (
  context: TurnContext,
  activation: Activation,
  after: unknown,
  events: ReadonlyArray<unknown>,
  sequence: number
): Stored => {
  const { body } = context.behavior
  const value = body === undefined ? null : body.of(after)
  if (body === undefined || (value === null && activation.body === null)) return { state: after, body: undefined }
  return { state: body.without(after), body: change(context.commit, body, activation, value, events, sequence) }
}

const change = (
  commit: GroupCommitShape,
  body: Body<any, any, any>,
  { body: note, sequence: before, state }: Activation,
  value: unknown,
  events: ReadonlyArray<unknown>,
  sequence: number
): BodyChange | undefined => {
  let bytes = 0
  for (let index = 0; index < events.length; index++) bytes += JsonBytes.of(body.changeOf(events[index]))
  const isSame = value === body.of(state)
  const lagEvents = commit.journal.bodyLagEvents ?? 0
  const behindFrom = note === null || note.behindFrom === 0 ? (isSame ? 0 : before + 1) : note.behindFrom
  const isLate = behindFrom > 0 && sequence - behindFrom >= lagEvents
  if (isSame && !isLate && note !== null)
    return bytes === 0 ? undefined : { value: undefined, behindFrom: undefined, bytes, note }
  const behindBytes = (note === null ? 0 : note.behindBytes) + bytes
  if (note !== null && value !== null && !isLate && behindBytes <= note.bytes)
    return {
      value: undefined,
      behindFrom,
      bytes,
      note: { bytes: note.bytes + bytes, behindFrom, behindBytes }
    }
  const valueBytes = JsonBytes.of(value)
  const whole = value === null ? null : { bytes: valueBytes, behindFrom: 0, behindBytes: 0 }
  return { value, behindFrom: 0, bytes: bytes + valueBytes, note: whole }
}

/** Merges the body changes of two turns in the same entry. */
export const joined = (first: JournalBody | undefined, then: JournalBody | undefined): JournalBody | undefined => {
  if (first === undefined || then === undefined) return first ?? then
  return {
    value: then.value === undefined ? first.value : then.value,
    behindFrom: then.behindFrom === undefined ? first.behindFrom : then.behindFrom,
    bytes: first.bytes + then.bytes
  }
}

/** Returns the state of a row, with its body. Throws what the behavior throws. */
export const stateOf = ({ behavior }: TurnContext, row: JournalRow): unknown => {
  const state = behavior.decode(row.state)
  const { body } = behavior
  if (row.body === undefined || body === undefined) return state
  const { since, value } = row.body
  if (value === null && since.length === 0) return state
  let changed: unknown = value === null ? state : body.with(state, value)
  for (const { event } of since) changed = behavior.evolve(changed, event)
  return since.length === 0 ? changed : body.with(state, body.of(changed))
}

/**
 * Returns the note for a row whose state is `state`; null: no body is stored apart yet, so the next commit stores it.
 */
export const noteOf = ({ behavior }: TurnContext, row: JournalRow, state: unknown): BodyNote | null => {
  const { body } = behavior
  if (body === undefined || row.body === undefined) return null
  const value = body.of(state)
  if (value === null) return null
  const { since } = row.body
  let behindBytes = 0
  for (const { event } of since) behindBytes += JsonBytes.of(body.changeOf(event))
  return { bytes: JsonBytes.of(value), behindFrom: since.length === 0 ? 0 : since[0]!.sequence, behindBytes }
}
