/**
 * Records: finds what earlier turns recorded under a digest. An activation keeps all digests of its address if it can
 * (complete for an address created here or loaded with the whole list), so a new digest costs one lookup in a set. The
 * set includes digests that are not yet durable; their records are in flight. Other records are read from the journal.
 *
 * Owns: that set. Does not own: what a digest means (the behavior), nor that it is recorded once (A4, the journal).
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { failure, type JournalFailure, type JournalRecord, type JournalRow, type Recorded } from "../journal/Journal.js"
import { attempt, isExit } from "../runtime/EffectRunner.js"
import type { Activation } from "./Activation.js"
import type { TurnContext } from "./TurnContext.js"

/** No records. */
export const noRecords: ReadonlyArray<JournalRecord> = []

/** The result of a lookup that found no record. */
export const nothingRecorded = Exit.succeed(noRecords)

/** Digests kept in memory per actor; with more, each is looked up. About 70 bytes each. */
export const rememberedDigests = 4_096

/** Events per page when a state is rebuilt for a record. */
const pageEvents = 1_000

const noDigests: ReadonlySet<string> = new Set()

/** Adopts the digests of a load. A synchronous journal is queried each time instead. */
export const adoptDigests = (context: TurnContext, activation: Activation, row: JournalRow | null): void => {
  if (context.commit.journal.immediate) activation.digests = null
  else if (row === null) activation.digests = noDigests
  else activation.digests = row.digests === null ? null : row.digests.length === 0 ? noDigests : new Set(row.digests)
}

/** Adds the digests of a turn. */
export const remember = (activation: Activation, records: ReadonlyArray<JournalRecord>): void => {
  const known = activation.digests
  if (known === null) return
  if (known.size + records.length > rememberedDigests) {
    activation.digests = null
    return
  }
  const all = known === noDigests ? new Set<string>() : (known as Set<string>)
  for (const { digest } of records) all.add(digest)
  activation.digests = all
}

/** The records of a turn: each digest refers to its last event. */
export const recordsOf = (
  digests: ReadonlyArray<string>,
  sequence: number,
  events: ReadonlyArray<unknown>,
  state: unknown
): ReadonlyArray<JournalRecord> =>
  digests.map((digest) => ({ digest, sequence, event: events[events.length - 1], state }))

/** Finds the records of digests, in their order; an `Exit` if nothing has to be waited for. */
export const find = (
  context: TurnContext,
  activation: Activation,
  digests: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<JournalRecord>, JournalFailure> => {
  let found: ReadonlyArray<JournalRecord> = noRecords
  for (let index = 0; index < digests.length; index++) {
    const record = findOne(context, activation, digests[index]!)
    if (!isExit(record)) return findRest(context, activation, found, digests.slice(index + 1), record)
    if (Exit.isFailure(record)) return Exit.failCause(record.cause)
    if (record.value !== null) found = [...found, record.value]
  }
  return found === noRecords ? nothingRecorded : Exit.succeed(found)
}

// Once one has to be waited for, the others may wait too.
const findRest = (
  context: TurnContext,
  activation: Activation,
  found: ReadonlyArray<JournalRecord>,
  digests: ReadonlyArray<string>,
  asked: Effect.Effect<JournalRecord | null, JournalFailure>
): Effect.Effect<ReadonlyArray<JournalRecord>, JournalFailure> =>
  Effect.gen(function* () {
    const all = [yield* asked]
    for (const digest of digests) all.push(yield* findOne(context, activation, digest))
    return [...found, ...all.filter((record) => record !== null)]
  })

const none = Exit.succeed(null)

const findOne = (
  context: TurnContext,
  activation: Activation,
  digest: string
): Effect.Effect<JournalRecord | null, JournalFailure> => {
  if (activation.digests !== null && !activation.digests.has(digest)) return none
  const inFlight = findInFlight(activation, digest)
  if (inFlight !== undefined) return Exit.succeed(inFlight)
  const asked = attempt(() => context.commit.journal.recorded(activation.address, digest))
  if (!isExit(asked)) return Effect.flatMap(asked, (recorded) => recordOf(context, activation, digest, recorded))
  return Exit.isFailure(asked) ? Exit.failCause(asked.cause) : recordOf(context, activation, digest, asked.value)
}

// An address has at most two commits in flight: one at the journal, and one that gathers behind it.
const findInFlight = ({ inFlight }: Activation, digest: string): JournalRecord | undefined => {
  if (inFlight === null || inFlight.newest === null) return undefined
  const isIt = (record: JournalRecord): boolean => record.digest === digest
  return inFlight.newest.records?.find(isIt) ?? inFlight.oldest?.records?.find(isIt)
}

const recordOf = (
  context: TurnContext,
  { address }: Activation,
  digest: string,
  recorded: Recorded | null
): Effect.Effect<JournalRecord | null, JournalFailure> => {
  if (recorded === null) return none
  if (recorded.record !== null) return Exit.succeed(recorded.record)
  const { behavior, commit } = context
  return Effect.gen(function* () {
    let state: unknown = behavior.initial
    let event: unknown = null
    for (let sequence = 0; sequence < recorded.sequence; ) {
      const page = yield* commit.journal.events(address, sequence, Math.min(pageEvents, recorded.sequence - sequence))
      if (page.length === 0)
        return yield* Effect.fail(failure("no", "CORRUPT", "events of a recorded digest are missing"))
      for (const each of page) {
        event = each.event
        state = behavior.evolve(state, event)
        sequence = each.sequence
      }
    }
    return { digest, sequence: recorded.sequence, event, state }
  })
}
