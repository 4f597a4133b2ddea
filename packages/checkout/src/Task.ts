/**
 * Task: the work that belongs to a state. Running it is `Tasks`; this file is only what a host writes.
 * Source: SEMANTICS §2 and §4.
 */
import type { Effect } from "effect"
import type { CheckoutSession } from "./CheckoutSession.js"

/** Milliseconds from a claim to its failure when the task names none. */
export const defaultDeadlineMillis = 60_000

/** What a task is given. `requestId` and `operationId` stay the same through retries and restarts: use `requestId` as idempotency key downstream. */
export interface TaskContext {
  readonly session: CheckoutSession
  readonly requestId: string
  readonly operationId: string
  /** 1 for the first try in this process. */
  readonly attempt: number
  /** Aborted when the task is stopped: by its deadline, a cancel, a release or a shutdown. */
  readonly signal: AbortSignal
}

/** What a task may hand back. */
export interface TaskSuccess {
  readonly orderId?: string | undefined
}

/** Why a task failed. `final: true` stops retries. */
export interface TaskFailure {
  readonly code: string
  readonly message: string
  readonly final?: boolean | undefined
}

/** Exponential backoff with jitter between tries. */
export interface RetryPolicy {
  /** Tries after the first one, 0..100. Default 3. */
  readonly limit?: number | undefined
  /** First pause in milliseconds. Default 200. */
  readonly baseMillis?: number | undefined
  /** Longest pause in milliseconds. Default 10,000. */
  readonly maxMillis?: number | undefined
}

/** The policy of a task that names none, or parts of one. */
export const defaultRetry = { limit: 3, baseMillis: 200, maxMillis: 10_000 } as const

/** The work of one state. */
export interface Task {
  /**
   * The work. Absent: the host does it elsewhere and closes the claim by `completeTask` or `failTask`.
   */
  readonly run?: ((context: TaskContext) => Effect.Effect<TaskSuccess | void, TaskFailure>) | undefined
  /** Milliseconds from the claim until the task has failed, retries and restarts included. Default 60,000; at most 86,400,000. */
  readonly deadlineMillis?: number | undefined
  readonly retry?: RetryPolicy | undefined
  /** Whether it may be run again after a crash in the middle. Default true; false fails it on restart. */
  readonly repeatable?: boolean | undefined
}
