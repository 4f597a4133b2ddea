/**
 * Tasks: the work between two states. An accepted update on a state with a task claims the session in its own commit;
 * only then the work starts, outside the turn. Its result is a message fenced by the operation id, so a late, second or
 * cancelled one changes nothing. A success is reported as soon as it is known, whatever happened to the claim meanwhile: a Promise
 * that succeeds after its deadline, a cancel or a release is a late success, which the session or its cart keeps.
 *
 * Owns: which operations run in this process, their deadlines, retries and interruption. Does not own: the claim itself
 * (state of the session, durable). This state is disposable: Alarms rediscovers every claim.
 */
import { Backoff } from "@onelane/engine"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberSet from "effect/FiberSet"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { CommandOf, SessionReply } from "../commands/SessionCommand.js"
import type { CompleteError } from "../errors/CheckoutError.js"
import type { Flow } from "../flow/Flow.js"
import {
  defaultDeadlineMillis,
  defaultRetry,
  type RetryPolicy,
  type Task,
  type TaskFailure,
  work
} from "../flow/Task.js"
import * as TaskResult from "../flow/TaskResult.js"
import type { CartRevision } from "../ports/Carts.js"
import { type CheckoutSession, copyOf, type TaskCause } from "../session/CheckoutSession.js"
import type { SessionState } from "../session/SessionState.js"

/** The running operations of this process. */
export interface Tasks {
  /** Stops and (if `isMine`, default true) starts tasks after a durable change. */
  readonly onCommitted: (id: string, events: unknown, state: SessionState, isMine?: boolean) => void
  /** Resumes a claim that was found after a restart, unless it runs here already. */
  readonly resume: (session: CheckoutSession, deadlineAt: number, cartRevision?: CartRevision | null) => void
  /** Stops tasks of sessions that this engine no longer owns; the new owner resumes them. */
  readonly keep: (isMine: (id: string) => boolean) => void
  /** Whether an operation of this session runs here. */
  readonly isRunning: (id: string) => boolean
  /** How many operations run here. */
  readonly running: () => number
  /**
   * Starts no more tasks, waits for running ones at most `millis`, then stops them: their claims stay and are resumed at the
   * next start. Does not wait for work that the host does elsewhere.
   */
  readonly drain: (millis: number) => Effect.Effect<void>
}

type Result = CommandOf<"CompleteTask" | "FailTask">

/** Sends a command of the engine itself to a session. */
export type Tell = (id: string, command: Result) => Effect.Effect<SessionReply, CompleteError>

/** Maximum number of concurrent tasks; further ones wait while their deadlines run. */
export const taskCapacity = 10_000

/** Whether a cart has another revision now; false if unknown. */
export type HasChanged = (cartId: string, revision: CartRevision) => Effect.Effect<boolean>

interface Operation {
  readonly session: CheckoutSession
  readonly cartRevision: CartRevision | null
  readonly operationId: string
  readonly deadlineAt: number
  readonly resumed: boolean
}

interface Running {
  readonly operationId: string
  fiber: Fiber.RuntimeFiber<void> | null
}

/** Makes the runner of a flow's tasks. `nowMillis`: the time for deadlines. Closing the scope stops them; their claims stay. */
export const make = (
  flow: Flow,
  tell: Tell,
  nowMillis: () => number,
  capacity = taskCapacity,
  hasChanged: HasChanged = () => Effect.succeed(false)
): Effect.Effect<Tasks, never, Scope.Scope> =>
  Effect.gen(function* () {
    // Work that runs here; deadlines of work that the host does elsewhere; successes on their way to the session, which what
    // stops the work does not stop.
    const [here, elsewhere, telling] = [yield* fibers, yield* fibers, yield* fibers]
    const permits = yield* Effect.makeSemaphore(capacity)
    const running = new Map<string, Running>()
    let draining = false

    const stop = (id: string): void => {
      if (running.size === 0) return
      running.get(id)?.fiber?.unsafeInterruptAsFork(FiberId.none)
      running.delete(id)
    }
    const start = (operation: Operation): void => {
      const { operationId, session } = operation
      if (draining || running.get(session.id)?.operationId === operationId) return
      stop(session.id)
      const entry: Running = { operationId, fiber: null }
      running.set(session.id, entry)
      const task = flow.tasks.get(session.state) ?? {}
      const fork = task.run === undefined ? elsewhere.fork : here.fork
      const leftMillis = timeLeft(task, operation, nowMillis())
      entry.fiber = fork(
        outcomeOf(task, operation, leftMillis, permits, hasChanged, (success) =>
          telling.fork(report(tell, operation, success))
        ).pipe(
          Effect.flatMap((result) => ("cause" in result ? report(tell, operation, result) : Fiber.join(result))),
          Effect.ensuring(Effect.sync(() => running.get(session.id) === entry && running.delete(session.id))),
          Effect.interruptible
        )
      )
    }
    return {
      onCommitted: (id, _events, { cartRevision = null, deadlineAt, session }, isMine = true) => {
        if (session === null || session.operationId === null || deadlineAt === null) stop(id)
        else if (isMine) start({ session, cartRevision, operationId: session.operationId, deadlineAt, resumed: false })
      },
      resume: (session, deadlineAt, cartRevision = null) => {
        const { operationId } = session
        if (operationId !== null) start({ session, cartRevision, operationId, deadlineAt, resumed: true })
      },
      keep: (isMine) => {
        for (const id of [...running.keys()]) if (!isMine(id)) stop(id)
      },
      isRunning: (id) => running.has(id),
      running: () => running.size,
      drain: (millis) =>
        Effect.suspend(() => {
          draining = true
          return drained([here.set, telling.set], [elsewhere.set], millis)
        })
    }
  })

const fibers = Effect.gen(function* () {
  const set = yield* FiberSet.make<void>()
  return { set, fork: yield* FiberSet.runtime(set)() }
})

type Fibers = ReadonlyArray<FiberSet.FiberSet<void>>

// Waits for some of them, then stops all.
const drained = (awaited: Fibers, others: Fibers, millis: number): Effect.Effect<void> => {
  const ended = Effect.forEach(awaited, FiberSet.awaitEmpty, { discard: true })
  // Finalizers run uninterruptibly; a timeout needs interruption.
  return Effect.interruptible(ended).pipe(
    Effect.timeoutOption(millis),
    Effect.zipRight(Effect.forEach([...awaited, ...others], FiberSet.clear, { discard: true }))
  )
}

// A clock that was set back must not extend a deadline.
const timeLeft = (task: Task, operation: Operation, nowMillis: number): number =>
  Math.min(task.deadlineMillis ?? defaultDeadlineMillis, Math.max(0, operation.deadlineAt - nowMillis))

interface Failure {
  readonly cause: TaskCause
  readonly applied: "no" | "unknown"
}

type Telling = Fiber.RuntimeFiber<void>

const deadline: TaskFailure = { code: "DEADLINE", message: "The task did not end within its deadline." }

const interrupted: TaskFailure = {
  code: "INTERRUPTED",
  message: "The process ended during a task that may not be repeated."
}

const failed = ({ applied, code, message }: TaskFailure): Failure => ({
  cause: { code, message },
  applied: applied ?? "unknown"
})

/** Runs the work until it succeeds (and is being reported), fails for good, or reaches its deadline. Work that the host does elsewhere has a deadline only. */
const outcomeOf = (
  task: Task,
  operation: Operation,
  leftMillis: number,
  permits: Effect.Semaphore,
  hasChanged: HasChanged,
  onSuccess: (success: TaskResult.Success) => Telling
): Effect.Effect<Telling | Failure> => {
  const { run, repeatable = true } = task
  if (leftMillis === 0) return Effect.succeed(failed(deadline)) // too late to begin
  if (run !== undefined && operation.resumed && !repeatable) return Effect.succeed(failed(interrupted))
  const doing =
    run === undefined ? Effect.never : permits.withPermits(1)(attempts(task, run, operation, hasChanged, onSuccess))
  // Disconnected: work that is slow to stop must not extend the deadline.
  return Effect.disconnect(doing).pipe(
    Effect.timeoutFail({ duration: leftMillis, onTimeout: () => deadline }),
    Effect.catchAllCause((cause) => Effect.succeed(failed(failureOf(cause))))
  )
}

const attempts = (
  task: Task,
  run: NonNullable<Task["run"]>,
  { cartRevision, operationId, resumed, session }: Operation,
  hasChanged: HasChanged,
  onSuccess: (success: TaskResult.Success) => Telling
) =>
  Effect.suspend(() => {
    const requestId = session.lastRequestId ?? ""
    const workKey = session.workKey ?? ""
    let attempt = 0
    const attemptOnce = (cartChanged: boolean) => {
      const abort = new AbortController()
      attempt += 1
      const { signal } = abort
      const cart = { cartRevision, cartChanged }
      const context = { session: copyOf(session), workKey, requestId, operationId, ...cart, attempt, signal }
      return Effect.onInterrupt(work(run, context, onSuccess), () => Effect.sync(() => abort.abort()))
    }
    const once = Effect.suspend(() =>
      cartRevision === null || (attempt === 0 && !resumed)
        ? attemptOnce(false)
        : Effect.flatMap(hasChanged(session.cartId, cartRevision), attemptOnce)
    )
    return Effect.retry(once, { schedule: backoff(task.retry), while: (failure) => failure.final !== true })
  })

const backoff = (given: RetryPolicy = {}) => {
  const { baseMillis = defaultRetry.baseMillis, limit = defaultRetry.limit, maxMillis = defaultRetry.maxMillis } = given
  const policy = { baseMillis, maxMillis }
  return Schedule.recurs(limit).pipe(
    Schedule.addDelayEffect((n) => Effect.map(Random.next, (jitter) => Backoff.pauseMillis(policy, n + 1, jitter)))
  )
}

const failureOf = (cause: Cause.Cause<TaskFailure>): TaskFailure => {
  const first = Cause.failureOrCause(cause)
  if (first._tag === "Left") return first.left
  return { code: "DEFECT", message: TaskResult.failureOf(Cause.squash(first.right)).message }
}

// The result must become durable: it is reported again while no decision is made (no store, overload). A refusal is final: the
// operation was closed otherwise. A fenced store stays fenced until it is opened again, which resumes the task.
const report = (
  tell: Tell,
  { session, operationId }: Operation,
  result: TaskResult.Success | Failure
): Effect.Effect<void> => {
  const command: Result =
    "cause" in result
      ? { tag: "FailTask", caller: null, operationId, cause: result.cause, applied: result.applied }
      : { tag: "CompleteTask", caller: null, operationId, ...result }
  return tell(session.id, command).pipe(
    Effect.retry({ schedule: backoff(reportRetry), while: isUndecided }),
    Effect.catchAllCause((cause) => Effect.logDebug(`the result of ${operationId} was not taken`, cause)),
    Effect.asVoid
  )
}

const reportRetry = { limit: Number.POSITIVE_INFINITY, baseMillis: 100, maxMillis: 5_000 }

const isUndecided = (error: CompleteError): boolean =>
  (error._tag === "StorageUnavailable" && error.reason !== "FENCED") || error._tag === "Overloaded"
