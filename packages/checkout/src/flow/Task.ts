/**
 * Task: the work of a state, as a host defines it, and its limits. `Tasks` runs it.
 * Source: CONTRACT §2 and §4.
 */
import { Fields } from "@onelane/engine"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { CartRevision } from "../ports/Carts.js"
import type { CheckoutSession } from "../session/CheckoutSession.js"
import type { JsonObject } from "../session/Json.js"
import * as TaskResult from "./TaskResult.js"

/** Default deadline, milliseconds from the claim. */
export const defaultDeadlineMillis = 60_000

/** Longest deadline and longest pause, milliseconds: a day. */
export const deadlineMaxMillis = 86_400_000

/** Maximum number of retries. */
export const retryMax = 100

/**
 * The argument of a task. Send `workKey` to a provider as its idempotency key: it stays the same for a session and a
 * state until the outcome of the work is known, through retries, restarts, and a new claim after `Error`. A success
 * ends it, and so does a failure with `applied: "no"`. `requestId` names the update that claimed, `operationId` this
 * claim.
 */
export interface TaskContext {
  readonly session: CheckoutSession
  /** 1..255 printable ASCII characters. */
  readonly workKey: string
  readonly requestId: string
  readonly operationId: string
  /**
   * The cart's revision when the task was claimed; in a chain of tasks, when the client called. Null if the cart port
   * returns none.
   */
  readonly cartRevision: CartRevision | null
  /** Whether the cart has another revision now; checked before each attempt except the first after a client's call. */
  readonly cartChanged: boolean
  /** 1 for the first attempt in this process. */
  readonly attempt: number
  /** Aborted when the task is stopped: by its deadline, a cancel, a release or a shutdown. */
  readonly signal: AbortSignal
}

/**
 * The result of a task: nothing, null, or an object with these members only. Anything else fails the task with
 * `BAD_RESULT`. `Next`: the states that may follow the task's own.
 */
export interface TaskSuccess<Next extends string = string> {
  /** The id of the order that was created, 1..255 characters. */
  readonly orderId?: string | null | undefined
  /**
   * The next state of the session, instead of the one it was claimed for: one of the states that may follow the task's
   * own. Any other state fails the task with `BAD_RESULT`; the order id stays in the history.
   */
  readonly next?: Next | null | undefined
  /**
   * A merge patch for the session's data, applied in the commit that moves the session. If the flow does not accept it,
   * the task fails with `INVALID_DATA`; the order id stays in the history.
   */
  readonly data?: JsonObject | null | undefined
}

/** Why a task failed. */
export interface TaskFailure {
  readonly code: string
  readonly message: string
  /** True stops retries. */
  readonly final?: boolean | undefined
  /**
   * `no`: nothing done under this work key has or will have an effect (a declined payment), so the next claim of the
   * state gets a new work key. Default `unknown`: the next claim uses the same work key.
   */
  readonly applied?: "no" | "unknown" | undefined
}

/** Exponential backoff with full jitter between tries (`client/Backoff`). */
export interface RetryPolicy {
  /** Retries, 0..100. Default 3. */
  readonly limit?: number | undefined
  /** Longest first pause in milliseconds; each following one is twice as long. Default 200. */
  readonly baseMillis?: number | undefined
  /** Longest pause of all in milliseconds. Default 10,000. */
  readonly maxMillis?: number | undefined
}

/** The default policy. */
export const defaultRetry = Object.freeze({ limit: 3, baseMillis: 200, maxMillis: 10_000 } as const)

/**
 * What `run` may return: an Effect, a Promise, or the result itself. To fail, a Promise rejects with a `TaskFailure`,
 * such as an `Error` with a `code`; anything else gets the code `FAILED`. `run` may throw a `TaskFailure`, too.
 */
export type Work<A extends TaskSuccess | null | void = TaskSuccess | null | void> =
  | Effect.Effect<A, TaskFailure>
  | PromiseLike<A>
  | A

/**
 * The work of one state. A defect, and a throw of anything that has no `code`, is final; a failure is retried unless it
 * is `final`. `Next`: the states that may follow, checked by the compiler. A task without it is checked when the flow
 * is defined and when the task returns.
 */
export interface Task<Next extends string = any> {
  /**
   * The work. If it returns a Promise, observe `context.signal`. Absent: the work is external, and the host closes the
   * claim with `completeTask` or `failTask`. It runs outside any call, so the caller's `AsyncLocalStorage` values are
   * not available.
   */
  readonly run?: ((context: TaskContext) => Work<TaskSuccess<Next> | null | void>) | undefined
  /**
   * The next states for which the work runs: an update to any other state skips it. Each must be a state that may
   * follow. Default: all of them.
   */
  readonly nextStates?: ReadonlyArray<Next> | undefined
  /**
   * Milliseconds from the claim until the task fails, retries and restarts included. Default 60,000; at most
   * 86,400,000.
   */
  readonly deadlineMillis?: number | undefined
  readonly retry?: RetryPolicy | undefined
  /** Whether it may be repeated after a crash. Default true; if false, it fails on restart. */
  readonly repeatable?: boolean | undefined
  /**
   * What to do with a success if the cart's revision has changed since the claim: `"note"` records it in the history,
   * `"refuse"` fails the task with `CART_CHANGED`. Default `"note"`. Needs a cart port that returns revisions.
   */
  readonly whenCartChanged?: "note" | "refuse" | undefined
}

/** Callbacks for the end of work: its success, even after an interruption, or its failure. */
export interface WorkEnds {
  readonly onSuccess: (success: TaskResult.Success) => void
  readonly onFailure: (failure: TaskFailure) => void
}

/** Runs an effect in a fiber; the returned function interrupts it. */
export type Fork = (
  effect: Effect.Effect<void, TaskFailure>,
  onExit: (exit: Exit.Exit<void, TaskFailure>) => void
) => () => void

const nothing = (): void => {}

/**
 * Runs the work once; only an Effect gets a fiber. The returned function interrupts it. A Promise cannot be
 * interrupted: it continues, and its success is reported however late.
 */
export const work = (run: NonNullable<Task["run"]>, context: TaskContext, fork: Fork, ends: WorkEnds): (() => void) => {
  const settle = (value: unknown): void => {
    const result = TaskResult.of(value)
    if ("code" in result) ends.onFailure(result)
    else ends.onSuccess(result)
  }
  let begun: unknown
  try {
    begun = run(context)
  } catch (thrown) {
    ends.onFailure(thrownBy(thrown))
    return nothing
  }
  switch (kindOf(begun)) {
    case "value":
      settle(begun)
      return nothing
    case "promise":
      Promise.resolve(begun).then(settle, (rejection) => ends.onFailure(TaskResult.failureOf(rejection)))
      return nothing
    case "effect":
      return fork(settling(begun as Effect.Effect<unknown, unknown>, settle), (exit) => {
        if (Exit.isFailure(exit)) ends.onFailure(failureOf(exit.cause))
      })
  }
}

// Work that had finished when the interruption arrived counts as done.
const settling = (effect: Effect.Effect<unknown, unknown>, settle: (value: unknown) => void) =>
  Effect.uninterruptibleMask((restore) => Effect.map(Effect.mapError(restore(effect), TaskResult.failureOf), settle))

// Throwing a `TaskFailure` is a failure, like rejecting with one.
const thrownBy = (thrown: unknown): TaskFailure => {
  const failure = TaskResult.failureOf(thrown)
  return failure.code === TaskResult.noCode ? defectOf(thrown) : failure
}

const defectOf = (thrown: unknown): TaskFailure => ({
  code: "DEFECT",
  message: TaskResult.failureOf(thrown).message,
  final: true
})

const failureOf = (cause: Cause.Cause<TaskFailure>): TaskFailure => {
  const first = Cause.failureOrCause(cause)
  return first._tag === "Left" ? first.left : defectOf(Cause.squash(first.right))
}

// Reading a host's value may throw: it is then treated as a plain value.
const kindOf = (begun: unknown): "effect" | "promise" | "value" => {
  try {
    if (Effect.isEffect(begun)) return "effect"
    return typeof (begun as PromiseLike<unknown> | null | undefined)?.then === "function" ? "promise" : "value"
  } catch {
    return "value"
  }
}

const fields: { readonly [Name in keyof Required<Task>]: Fields.Field } = {
  run: Fields.func,
  nextStates: {
    is: "a list of at least one state",
    check: (value) => Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string")
  },
  deadlineMillis: Fields.whole(1, deadlineMaxMillis),
  retry: Fields.nested({
    limit: Fields.whole(0, retryMax),
    baseMillis: Fields.whole(0, deadlineMaxMillis),
    maxMillis: Fields.whole(0, deadlineMaxMillis)
  }),
  repeatable: Fields.flag,
  whenCartChanged: Fields.oneOf(["note", "refuse"])
}

/** Copies and freezes a host's task; each field is read once. Unknown fields are kept for `faultOf`. */
export const copyOf = (written: Task): Task => {
  const copy: { [name: string]: unknown } = {}
  for (const name of new Set([...Object.keys(fields), ...Object.keys(written)])) {
    const value = (written as { readonly [name: string]: unknown })[name]
    if (value !== undefined) copy[name] = copyOfField(name, value)
  }
  return Object.freeze(copy)
}

const copyOfField = (name: string, value: unknown): unknown => {
  if (name === "retry") return Object.freeze({ ...(value as RetryPolicy) })
  return name === "nextStates" && Array.isArray(value) ? Object.freeze([...value]) : value
}

/** Whether the work is for an update to this state. */
export const isFor = ({ nextStates }: Task, next: string): boolean =>
  nextStates === undefined || nextStates.includes(next)

/** What is wrong with a task, as a sentence; null if nothing. */
export const faultOf = (task: Task): string | null => Fields.sentenceOf(task, fields)
