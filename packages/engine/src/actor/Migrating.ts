/**
 * Migrating: a behavior's own change of a state that was just read. It is a turn of its own before any other: its event
 * becomes the head at once, and later answers wait for its commit (A2). A conflict or a failure undoes it with
 * everything behind it (A3), and the next load tries again.
 *
 * Runs only after a load, so a turn on a state in memory pays nothing.
 */
import * as Exit from "effect/Exit"
import type { Activation } from "./Activation.js"
import * as Bodies from "./Bodies.js"
import { commitUnasked } from "./Committing.js"
import { noRecords, recordsOf } from "./Records.js"
import type { TurnContext } from "./TurnContext.js"

/** Migrates a state that was just read, if the behavior asks for it. Throws what the behavior throws. */
export const migrate = (context: TurnContext, activation: Activation): void => {
  const { behavior } = context
  if (behavior.migrate === undefined) return
  const { address, sequence, state } = activation
  const migration = behavior.migrate(state, context.input.of(sequence, undefined, noRecords))
  if (migration === null) return
  const { digests = [], event } = migration
  const after = behavior.evolve(state, event)
  const afterSequence = sequence + 1
  const records = digests.length === 0 ? undefined : recordsOf(digests, afterSequence, [event], after)
  commitUnasked(context, activation, {
    address,
    expectedSequence: sequence, // A4
    events: [event],
    ...Bodies.stored(context, activation, after, [event], afterSequence),
    whole: after,
    alarmMillis: behavior.alarm(after),
    records,
    afterSequence,
    exit: Exit.void
  })
}
