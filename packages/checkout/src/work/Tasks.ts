/**
 * Tasks: the work between two states. An accepted update on a state with a task claims the session in its own commit;
 * only then the work starts, outside the turn. Its result is a message fenced by the operation id, so a late, repeated
 * or cancelled result does not move the session. A success is always reported, even if the claim was closed meanwhile:
 * a Promise that succeeds after its deadline, a cancel or a release is a late success, which the session or its cart
 * keeps.
 *
 * Owns: which operations run in this process, and the report of their results. Does not own: attempts and deadlines
 * (Operation), the claim itself (state of the session, durable). This state is disposable: Alarms rediscovers every
 * claim.
 */
import { type AsyncContext, EffectRunner, type GroupCommit, Timer } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import type { Flow } from "../flow/Flow.js"
import type { CartRevision } from "../ports/Carts.js"
import type { CheckoutSession } from "../session/CheckoutSession.js"
import type { SessionEvent } from "../session/SessionEvent.js"
import type { SessionState } from "../session/SessionState.js"
import * as Operation from "./Operation.js"
import * as TaskReports from "./TaskReports.js"

/** The running operations of this process. */
export interface Tasks {
  /** Stops and (if `isMine`, default true) starts tasks after a durable change. */
  readonly onCommitted: (id: string, events: ReadonlyArray<SessionEvent>, state: SessionState, isMine?: boolean) => void
  /** Resumes a claim that was found after a restart, unless it runs here already. */
  readonly resume: (session: CheckoutSession, deadlineAt: number, cartRevision?: CartRevision | null) => void
  /** Stops tasks of sessions that this engine no longer owns; the new owner resumes them. */
  readonly keep: (isMine: (id: string) => boolean) => void
  /** Whether an operation of this session runs here. */
  readonly isRunning: (id: string) => boolean
  /** The operation of this session that runs here, and the attempts it has begun; null: none. */
  readonly triesOf: (id: string) => Tries | null
  /** How many operations run here. */
  readonly running: () => number
  /**
   * Starts no more tasks, waits for running ones at most `millis`, then stops them: their claims stay and are resumed
   * at the next start. Does not wait for external work.
   */
  readonly drain: (millis: number) => Effect.Effect<void>
}

/** An operation that runs here. `tries`: attempts begun; 0: it is queued, or its work is external. */
export interface Tries {
  readonly operationId: string
  readonly tries: number
}

/** Maximum number of concurrent tasks; further ones wait while their deadlines run. */
export const taskCapacity = 10_000

/** What the runner works with. */
export interface TasksOptions {
  readonly flow: Flow
  readonly tell: TaskReports.Tell
  /** Its clock measures deadlines; its `defer` starts work outside the turn that claimed. */
  readonly commit: GroupCommit.GroupCommitShape
  /** The async context that work begins in. Default: that of the first call that claimed. */
  readonly context?: AsyncContext.Run | undefined
  /** Concurrent tasks. Default `taskCapacity`. */
  readonly capacity?: number | undefined
  readonly hasChanged?: Operation.HasChanged | undefined
  /** Called when a result was refused: its claim is closed, or is stored and no longer runs. */
  readonly onUntaken?: (() => void) | undefined
}

/** An operation of this process. It `works` from its first attempt to its end. */
interface Entry {
  readonly claim: Operation.Claim
  readonly operation: Operation.Operation
  works: boolean
  /**
   * Stops the report of its failure. The report of a success continues, because a success is kept even if the claim was
   * closed meanwhile.
   */
  stopReport: () => void
}

interface Self {
  readonly options: TasksOptions
  readonly parts: Operation.Parts
  readonly reports: TaskReports.TaskReports
  readonly outside: AsyncContext.Run
  readonly running: Map<string, Entry>
  /** Operations that have not begun, oldest first. */
  readonly waiting: Set<Entry>
  isScheduled: boolean
  working: number
  isDraining: boolean
  /** Called when nothing works here and nothing is reported. */
  onIdle: () => void
}

/** Makes the runner of a flow's tasks. Closing the scope stops them; their claims stay. */
export const make = (options: TasksOptions): Effect.Effect<Tasks, never, Scope.Scope> =>
  Effect.gen(function* () {
    const parts = yield* partsOf(options)
    const self: Self = {
      options,
      parts,
      reports: TaskReports.make(options.tell, parts, options.onUntaken),
      outside: options.context ?? ((task) => task()),
      running: new Map(),
      waiting: new Set(),
      isScheduled: false,
      working: 0,
      isDraining: false,
      onIdle: () => {}
    }
    yield* Effect.addFinalizer(() => Effect.sync(() => close(self)))
    return {
      onCommitted: (id, events, { cartRevision = null, deadlineAt, session }, isMine = true) => {
        if (session === null || session.operationId === null || deadlineAt === null) stop(self, id)
        else if (isMine && events.some(mayClaim))
          start(self, { session, cartRevision, operationId: session.operationId, deadlineAt, resumed: false })
      },
      resume: (session, deadlineAt, cartRevision = null) => {
        const { operationId } = session
        if (operationId !== null) start(self, { session, cartRevision, operationId, deadlineAt, resumed: true })
      },
      keep: (isMine) => {
        for (const id of [...self.running.keys()]) if (!isMine(id)) stop(self, id)
      },
      isRunning: (id) => self.running.has(id),
      triesOf: (id) => {
        const entry = self.running.get(id)
        return entry === undefined ? null : { operationId: entry.claim.operationId, tries: entry.operation.tries() }
      },
      running: () => self.running.size,
      drain: (millis) => drain(self, millis)
    }
  })

// These events leave a running claim as it is, so they start no task; if nobody runs the claim's task, Alarms finds it.
const bystanders: ReadonlySet<SessionEvent["type"]> = new Set(["Migrated", "OwnerChanged", "LateResult"])

const mayClaim = ({ type }: SessionEvent): boolean => !bystanders.has(type)

const partsOf = ({ hasChanged = () => Exit.succeed(false) }: TasksOptions): Effect.Effect<Operation.Parts> =>
  Effect.gen(function* () {
    const runtime = yield* Effect.runtime<never>()
    const random = yield* Effect.random
    return {
      after: yield* Timer.make,
      quietly: yield* Timer.makeQuiet,
      run: EffectRunner.runWith(runtime),
      fork: (effect, onExit) => {
        const fiber = Runtime.runFork(runtime)(effect)
        fiber.addObserver(onExit)
        return () => fiber.unsafeInterruptAsFork(FiberId.none)
      },
      jitter: () => Runtime.runSync(runtime)(random.next),
      hasChanged
    }
  })

const start = (self: Self, claim: Operation.Claim): void => {
  const { id, state } = claim.session
  if (self.isDraining || self.running.get(id)?.claim.operationId === claim.operationId) return
  stop(self, id)
  const task = self.options.flow.tasks.get(state) ?? {}
  const operation = Operation.make(self.parts, task, claim, self.options.commit.nowMillis(), {
    onSuccess: (success) => {
      ended(self, entry)
      TaskReports.tell(self.reports, id, TaskReports.completed(claim, success), () => forget(self, entry))
    },
    onFailure: (failure) => {
      ended(self, entry)
      entry.stopReport = TaskReports.tell(self.reports, id, TaskReports.failed(claim, failure), () =>
        forget(self, entry)
      )
    }
  })
  const entry: Entry = { claim, operation, works: false, stopReport: nothing }
  self.running.set(id, entry)
  if (task.run === undefined) return
  self.waiting.add(entry)
  schedule(self)
}

const nothing = (): void => {}

const stop = (self: Self, id: string): void => {
  const entry = self.running.get(id)
  if (entry === undefined) return
  forget(self, entry)
  entry.operation.stop()
  entry.stopReport()
}

// Frees capacity for the next operation; the result is still to be reported.
const ended = (self: Self, entry: Entry): void => {
  self.waiting.delete(entry)
  if (!entry.works) return
  entry.works = false
  self.working -= 1
  schedule(self)
}

const forget = (self: Self, entry: Entry): void => {
  const { id } = entry.claim.session
  if (self.running.get(id) === entry) self.running.delete(id)
  ended(self, entry)
  if (isIdle(self)) self.onIdle()
}

/** Operations that begin in one turn of the event loop. */
const beginSlice = 128

const schedule = (self: Self): void => {
  if (self.isScheduled || self.waiting.size === 0) return
  self.isScheduled = true
  self.outside(() =>
    self.options.commit.config.defer(() => {
      self.isScheduled = false
      beginWaiting(self)
    })
  )
}

const beginWaiting = (self: Self): void => {
  const { capacity = taskCapacity } = self.options
  let left = Math.min(beginSlice, self.waiting.size)
  for (const entry of self.waiting) {
    if (self.working >= capacity) return
    if (left === 0) break
    left -= 1
    self.waiting.delete(entry)
    entry.works = true
    self.working += 1
    entry.operation.begin()
  }
  schedule(self)
}

const isIdle = ({ reports, waiting, working }: Self): boolean =>
  working === 0 && waiting.size === 0 && TaskReports.isIdle(reports)

const close = (self: Self): void => {
  self.isDraining = true
  for (const id of [...self.running.keys()]) stop(self, id)
  TaskReports.close(self.reports)
}

const drain = (self: Self, millis: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    self.isDraining = true
    const idle = Effect.async<void>((resume) => {
      self.onIdle = () => resume(Effect.void)
      if (isIdle(self)) self.onIdle()
    })
    // Finalizers run uninterruptibly; a timeout needs interruption.
    return Effect.zipRight(
      isIdle(self) ? Effect.void : Effect.timeoutOption(Effect.interruptible(idle), millis),
      Effect.sync(() => close(self))
    )
  })
