/**
 * Bodies: the large part of a state (`Behavior.body`), kept apart from it in the journal.
 *
 * A body is written when a turn changes it, but where the journal can add what is missing (`bodyLagEvents`), only once the
 * changes are as large as the body itself, or too many: until then a load applies the events to the stored body. So many
 * small changes of a large body cost what they hold, not what it holds.
 *
 * Owns: what an activation knows of its stored body. Does not own: the state (Turn), nor when it is durable (Committing).
 */
import type { Behavior } from "../Behavior.js"
import type { JournalBody, JournalRow } from "../journal/Journal.js"
import * as JsonBytes from "../runtime/JsonBytes.js"
import type { Activation } from "./Activation.js"
import type { TurnContext } from "./TurnContext.js"

/** What an activation knows of its body. */
export interface BodyNote {
  /** At most how many bytes it has. */
  readonly bytes: number
  /** The first event that the stored body lacks; 0: it lacks none. */
  readonly behindFrom: number
  /** The bytes of what it lacks. */
  readonly behindBytes: number
}

/** What a turn means for the stored body, and what is known of it afterwards. */
export interface BodyChange extends JournalBody {
  readonly note: BodyNote | null
}

/**
 * What a turn with these events changes in the stored body; undefined: nothing, and nothing large is in its events.
 * `after`: the state after the last of them, whose sequence is `sequence`.
 */
export const change = (
  { behavior, commit }: TurnContext,
  { body: note, sequence: before, state }: Activation,
  after: unknown,
  events: ReadonlyArray<unknown>,
  sequence: number
): BodyChange | undefined => {
  const { body } = behavior
  if (body === undefined) return undefined
  const value = body.of(after)
  if (value === null && note === null) return undefined
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

/** Adds what a later turn of the same entry means. */
export const joined = (first: JournalBody | undefined, then: JournalBody | undefined): JournalBody | undefined => {
  if (first === undefined || then === undefined) return first ?? then
  return {
    value: then.value === undefined ? first.value : then.value,
    behindFrom: then.behindFrom === undefined ? first.behindFrom : then.behindFrom,
    bytes: first.bytes + then.bytes
  }
}

/** The state of a row, its body included. May throw what the behavior throws. */
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

/** What is known of the body of a row whose state is `state`; null: nothing is stored apart, so that it is with the next commit. */
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

/** The state as the journal stores it. */
export const withoutBody = (behavior: Behavior<any, any, any, any, any, any>, state: unknown): unknown =>
  behavior.body === undefined ? state : behavior.body.without(state)
