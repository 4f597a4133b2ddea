/**
 * Tasks: the work between two states. An accepted update on a state with a task claims the session in its own commit;
 * only then the work starts, outside the turn. Its result is a message fenced by the operation id, so a late, second or
 * cancelled one changes nothing.
 *
 * Owns: which operations run in this process, their deadlines, retries and interruption. Does not own: the claim itself
 * (state of the session, durable). Nothing here is needed to be right after a crash: Alarms finds every claim again.
 */
import { Cause, Clock, Effect, Exit, FiberMap, Schedule, type Scope } from "effect"
import type { CheckoutError } from "./CheckoutError.js"
import type { CheckoutSession, TaskCause } from "./CheckoutSession.js"
import type { Flow } from "./Flow.js"
import type { SessionCommand, SessionReply } from "./SessionCommand.js"
import type { SessionState } from "./SessionState.js"
import { defaultDeadlineMillis, defaultRetry, type RetryPolicy, type Task, type TaskFailure } from "./Task.js"

/** The running operations of this process. */
export interface Tasks {
  /** Starts, or stops, what a durable change asks for. */
  readonly onCommitted: (id: string, state: SessionState) => void
  /** Takes up a claim that was found after a restart; nothing when it runs here already. */
  readonly resume: (session: CheckoutSession, deadlineAt: number) => void
  /** Whether an operation of this session runs here. */
  readonly isRunning: (id: string) => boolean
  /** Waits for what runs, at most `millis`, then stops it: its claim stays and is resumed at the next start. */
  readonly drain: (millis: number) => Effect.Effect<void>
}

/** Sends a message of the engine's own to a session. */
export type Tell = (id: string, command: SessionCommand) => Effect.Effect<SessionReply, CheckoutError>

/** Most tasks that run at once; more wait, their deadlines running. */
export const taskCapacity = 10_000

interface Operation {
  readonly session: CheckoutSession
  readonly operationId: string
  readonly deadlineAt: number
  readonly resumed: boolean
}

/** Makes the runner of a flow's tasks; closing the scope stops them, and their claims stay. */
export const make = (flow: Flow, tell: Tell): Effect.Effect<Tasks, never, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Clock.clockWith(Effect.succeed)
    const fibers = yield* FiberMap.make<string>()
    const fork = yield* FiberMap.runtime(fibers)<never>()
    const permits = yield* Effect.makeSemaphore(taskCapacity)
    const running = new Map<string, string>()

    const start = (operation: Operation): void => {
      const { id } = operation.session
      running.set(id, operation.operationId)
      const task = flow.tasks.get(operation.session.state) ?? {}
      const leftMillis = timeLeft(task, operation, clock.unsafeCurrentTimeMillis())
      fork(
        id,
        outcomeOf(task, operation, leftMillis, permits).pipe(
          Effect.flatMap((result) => report(tell, operation, result)),
          Effect.ensuring(Effect.sync(() => running.get(id) === operation.operationId && running.delete(id)))
        )
      )
    }
    const stop = (id: string): void => {
      running.delete(id)
      fork(id, Effect.void)
    }
    const resume = (session: CheckoutSession, deadlineAt: number, resumed: boolean): void => {
      const { operationId } = session
      if (operationId !== null && running.get(session.id) !== operationId)
        start({ session, operationId, deadlineAt, resumed })
    }
    return {
      onCommitted: (id, { session, deadlineAt }) => {
        if (session?.isProcessing && deadlineAt !== null) resume(session, deadlineAt, false)
        else if (running.has(id)) stop(id)
      },
      resume: (session, deadlineAt) => resume(session, deadlineAt, true),
      isRunning: (id) => running.has(id),
      drain: (millis) =>
        FiberMap.awaitEmpty(fibers).pipe(
          // A finalizer runs uninterruptibly, and a bound that cannot interrupt is none.
          Effect.interruptible,
          Effect.timeoutOption(millis),
          Effect.ignore,
          Effect.zipRight(FiberMap.clear(fibers))
        )
    }
  })

// A clock set back must not stretch a deadline beyond what the task was given.
const timeLeft = (task: Task, operation: Operation, nowMillis: number): number =>
  Math.min(task.deadlineMillis ?? defaultDeadlineMillis, Math.max(0, operation.deadlineAt - nowMillis))

type Result = { readonly orderId: string | null } | { readonly cause: TaskCause }

const deadline: TaskFailure = { code: "DEADLINE", message: "The task did not end within its deadline." }

const interrupted: Result = {
  cause: { code: "INTERRUPTED", message: "The process ended during a task that may not be repeated." }
}

/** Runs the work to its end: result, final failure, or deadline. Work that the host does elsewhere only has a deadline. */
const outcomeOf = (
  task: Task,
  operation: Operation,
  leftMillis: number,
  permits: Effect.Semaphore
): Effect.Effect<Result> => {
  const { run, repeatable = true } = task
  if (run !== undefined && operation.resumed && !repeatable) return Effect.succeed(interrupted)
  const work = run === undefined ? Effect.never : permits.withPermits(1)(attempts(task, run, operation))
  return work.pipe(
    Effect.timeoutFail({ duration: leftMillis, onTimeout: () => deadline }),
    Effect.matchCause({
      onSuccess: (success): Result => ({ orderId: success?.orderId ?? null }),
      onFailure: (cause): Result => ({ cause: causeOf(cause) })
    }),
    Effect.interruptible
  )
}

const attempts = (task: Task, run: NonNullable<Task["run"]>, { session, operationId }: Operation) =>
  Effect.suspend(() => {
    const requestId = session.lastRequestId ?? ""
    let attempt = 0
    const once = Effect.suspend(() => {
      const abort = new AbortController()
      attempt += 1
      return Effect.onInterrupt(run({ session, requestId, operationId, attempt, signal: abort.signal }), () =>
        Effect.sync(() => abort.abort())
      )
    })
    return Effect.retry(once, { schedule: backoff(task.retry), while: (failure) => failure.final !== true })
  })

const backoff = (policy: RetryPolicy = {}) => {
  const limit = policy.limit ?? defaultRetry.limit
  const baseMillis = policy.baseMillis ?? defaultRetry.baseMillis
  const maxMillis = policy.maxMillis ?? defaultRetry.maxMillis
  return Schedule.exponential(baseMillis).pipe(
    Schedule.union(Schedule.spaced(maxMillis)),
    Schedule.jittered,
    Schedule.intersect(Schedule.recurs(limit))
  )
}

const causeOf = (cause: Cause.Cause<TaskFailure>): TaskCause => {
  const first = Cause.failureOrCause(cause)
  if (first._tag === "Left") return { code: first.left.code, message: first.left.message }
  const defect = Cause.squash(first.right)
  return { code: "DEFECT", message: defect instanceof Error ? defect.message : String(defect) }
}

// The result must become durable: while the store gives no answer it is told again. A refusal is an answer: the
// operation was closed by somebody else.
const report = (tell: Tell, { session, operationId }: Operation, result: Result): Effect.Effect<void> => {
  const command: SessionCommand =
    "cause" in result
      ? { tag: "FailTask", caller: null, operationId, cause: result.cause }
      : { tag: "CompleteTask", caller: null, operationId, orderId: result.orderId }
  return Effect.exit(tell(session.id, command)).pipe(
    Effect.flatMap((exit) => (Exit.isFailure(exit) && isUnavailable(exit.cause) ? Effect.fail("again") : Effect.void)),
    Effect.retry(Schedule.exponential(100).pipe(Schedule.union(Schedule.spaced(5_000)))),
    Effect.ignore
  )
}

const isUnavailable = (cause: Cause.Cause<CheckoutError>): boolean => {
  const first = Cause.failureOrCause(cause)
  return first._tag === "Left" && first.left._tag === "StorageUnavailable"
}
