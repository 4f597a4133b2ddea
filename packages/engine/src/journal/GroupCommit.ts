/**
 * GroupCommit: batches the entries that many addresses append at the same time into one durable write.
 *
 * Entries gather until the next turn of the event loop, then go to the journal as one batch. Up to `appendsAtOnce`
 * batches are in flight while the next one gathers. An address is in at most one of them. Owns the batch; does not own
 * what an outcome means for an address (Activation). Runs no user code.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { isExit, runWith } from "../runtime/EffectRunner.js"
import { type EngineConfig, make as makeConfig } from "../runtime/EngineConfig.js"
import * as Metrics from "../runtime/EngineMetrics.js"
import * as RareLog from "../runtime/RareLog.js"
import {
  type AppendOutcome,
  failure,
  Journal,
  type JournalEntry,
  type JournalFailure,
  type JournalShape
} from "./Journal.js"

/** An entry that waits for, or is in, a batch. */
export interface CommitEntry extends JournalEntry {
  /** It was sent to the journal, so nothing may be added. */
  flying: boolean
  /** The journal has answered; callers may be notified later. */
  landed: boolean
  /**
   * The entry of its address that is in flight before it, and on which it depends; it is sent after that one has
   * landed.
   */
  behind: CommitEntry | null
  /** It must not be sent: what it depends on was not committed. */
  withdrawn: boolean
  readonly settle: (result: AppendOutcome | JournalFailure) => void
}

/** The service. */
export interface GroupCommitShape {
  readonly journal: JournalShape
  readonly config: EngineConfig
  readonly metrics: Metrics.CommitMetrics
  /** The time, epoch milliseconds: the store's if it has its own, else this process's. */
  readonly nowMillis: () => number
  /** Adds an entry to the next batch. Its `settle` is called once, unless it is withdrawn before. */
  readonly append: (entry: CommitEntry) => void
  /** Counts a held message as answered (`metrics.held`). */
  readonly release: () => void
  /** Whether nothing is unanswered and no batch is gathering or in flight. */
  readonly isIdle: () => boolean
  /** Calls back whenever it becomes idle; the returned function unsubscribes. */
  readonly onIdle: (callback: () => void) => () => void
}

/** The group commit of one journal; every actor system over that journal shares it. */
export class GroupCommit extends Context.Tag("@onelane/engine/GroupCommit")<GroupCommit, GroupCommitShape>() {}

/** A committed batch; callers of entries before `from` are notified already. */
interface Told {
  readonly batch: ReadonlyArray<CommitEntry>
  from: number
}

interface Batching {
  readonly journal: JournalShape
  readonly config: EngineConfig
  readonly metrics: Metrics.CommitMetrics
  readonly run: <A, E>(effect: Effect.Effect<A, E>, onExit: (exit: Exit.Exit<A, E>) => void) => void
  readonly log: RareLog.RareLog
  readonly idleCallbacks: Set<() => void>
  readonly concurrency: number
  gathering: Array<CommitEntry>
  scheduled: boolean
  inFlight: number
  /** Oldest first. */
  readonly telling: Array<Told>
}

const schedule = (self: Batching): void => {
  if (self.scheduled) return
  self.scheduled = true
  self.config.defer(() => {
    self.scheduled = false
    turn(self)
  })
}

const mayLeave = ({ concurrency, gathering, inFlight }: Batching): boolean =>
  gathering.length > 0 && inFlight < concurrency

// Sends what has gathered first, so the disk works while callers are notified.
const turn = (self: Batching): void => {
  const left = mayLeave(self) && flush(self)
  tell(self, self.config.settleSlice)
  // Entries left behind although there is room wait for their own addresses.
  if (self.telling.length > 0 || (left && mayLeave(self))) schedule(self)
  else notifyIdle(self)
}

/** Entries that are worth a batch of their own. */
const worthwhileEntries = 32

// Ready entries are divided among the batches that may be sent, so that these overlap.
const takeBatch = (self: Batching): Array<CommitEntry> => {
  const { concurrency, config, gathering, inFlight } = self
  const waiting: Array<CommitEntry> = []
  const ready: Array<CommitEntry> = []
  for (const entry of gathering) {
    if (entry.withdrawn) continue
    waiting.push(entry)
    if (inFlight === 0 || entry.behind === null || entry.behind.landed) ready.push(entry)
  }
  const share = Math.max(worthwhileEntries, Math.ceil(ready.length / (concurrency - inFlight)))
  const batch: Array<CommitEntry> = []
  const entriesAtMost = Math.min(share, config.batchCapacity)
  let bytes = 0
  for (const entry of ready) {
    bytes += entry.body === undefined ? 0 : entry.body.bytes
    // The first entry is taken whatever its size.
    if (batch.length >= entriesAtMost || (bytes > config.batchBytes && batch.length > 0)) break
    entry.flying = true
    entry.behind = null
    batch.push(entry)
  }
  self.gathering = batch.length === waiting.length ? [] : waiting.filter((entry) => !entry.flying)
  return batch
}

const flush = (self: Batching): boolean => {
  const batch = takeBatch(self)
  if (batch.length === 0) return false
  self.inFlight += 1
  const startedAtMillis = performance.now()
  let appending: Effect.Effect<ReadonlyArray<AppendOutcome>, JournalFailure>
  try {
    appending = self.journal.append(batch)
  } catch (defect) {
    // A journal that throws is a failed append with an unknown outcome.
    appending = Exit.die(defect)
  }
  const heldLoop = isExit(appending)
  self.run(appending, (exit) => {
    self.inFlight -= 1
    for (const entry of batch) entry.landed = true
    Metrics.countAppend(self.metrics, batch.length, performance.now() - startedAtMillis)
    if (!heldLoop && isAllCommitted(exit, batch.length)) {
      self.telling.push({ batch, from: 0 })
      return turn(self)
    }
    // Oldest first: a failed entry may depend on a committed one whose callers are not notified yet.
    tell(self, Number.POSITIVE_INFINITY)
    settle(self, batch, exit)
    if (mayLeave(self)) schedule(self)
    else notifyIdle(self)
  })
  return true
}

const isAllCommitted = (exit: Exit.Exit<ReadonlyArray<AppendOutcome>, JournalFailure>, entries: number): boolean => {
  if (Exit.isFailure(exit) || exit.value.length !== entries) return false
  for (const outcome of exit.value) if (outcome !== "committed") return false
  return true
}

/**
 * Settles at most `most` committed entries. With an asynchronous journal the loop yields between slices; entries queued
 * meanwhile may depend on committed entries whose callers are not notified yet, and are in order behind them.
 */
const tell = (self: Batching, most: number): void => {
  for (let left = most; left > 0 && self.telling.length > 0; ) {
    const { batch, from } = self.telling[0]!
    const to = Math.min(batch.length, from + left)
    left -= to - from
    if (to === batch.length) self.telling.shift()
    else self.telling[0]!.from = to
    for (let index = from; index < to; index++) batch[index]!.settle("committed")
  }
}

const settle = (
  self: Batching,
  batch: ReadonlyArray<CommitEntry>,
  exit: Exit.Exit<ReadonlyArray<AppendOutcome>, JournalFailure>
): void => {
  if (Exit.isSuccess(exit) && exit.value.length === batch.length) {
    for (let index = 0; index < batch.length; index++) batch[index]!.settle(exit.value[index]!)
    return
  }
  self.metrics.failures += 1
  const failed = failureOf(exit)
  const { reason, applied } = failed
  self.log("append failed", { reason, applied, entries: batch.length }, failed.cause ?? reason)
  for (const entry of batch) entry.settle(failed)
}

/** The failure of an append; a defect leaves the outcome unknown. */
export const failureOf = (exit: Exit.Exit<unknown, JournalFailure>): JournalFailure => {
  if (Exit.isSuccess(exit)) return failure("unknown", "BROKEN_JOURNAL", "it answered another number of entries")
  const first = Cause.failureOrCause(exit.cause)
  return first._tag === "Left" ? first.left : failure("unknown", "DEFECT", Cause.squash(first.right))
}

const isIdle = (self: Batching): boolean =>
  self.metrics.held === 0 && self.gathering.length === 0 && self.inFlight === 0 && self.telling.length === 0

const notifyIdle = (self: Batching): void => {
  if (self.idleCallbacks.size > 0 && isIdle(self)) for (const callback of self.idleCallbacks) callback()
}

/** Creates the group commit of a journal. */
export const make = (overrides: Partial<EngineConfig> = {}): Effect.Effect<GroupCommitShape, never, Journal> =>
  Effect.gen(function* () {
    const runtime = yield* Effect.runtime<never>()
    const journal = yield* Journal
    const clock = yield* Clock.clockWith(Effect.succeed)
    const self: Batching = {
      journal,
      config: makeConfig(overrides),
      metrics: Metrics.makeCommit(),
      run: runWith(runtime),
      log: yield* RareLog.make,
      idleCallbacks: new Set(),
      concurrency: journal.appendsAtOnce ?? 1,
      gathering: [],
      scheduled: false,
      inFlight: 0,
      telling: []
    }
    return {
      journal: self.journal,
      config: self.config,
      metrics: self.metrics,
      nowMillis: journal.nowMillis ?? (() => clock.unsafeCurrentTimeMillis()),
      append: (entry) => {
        self.gathering.push(entry)
        if (self.inFlight < self.concurrency) schedule(self)
      },
      release: () => {
        self.metrics.held -= 1
        notifyIdle(self)
      },
      isIdle: () => isIdle(self),
      onIdle: (callback) => {
        self.idleCallbacks.add(callback)
        return () => void self.idleCallbacks.delete(callback)
      }
    }
  })

/** The layer of `make`. */
export const layer = (overrides: Partial<EngineConfig> = {}): Layer.Layer<GroupCommit, never, Journal> =>
  Layer.effect(GroupCommit, make(overrides))
