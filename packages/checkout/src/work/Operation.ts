/**
 * Operation: one claimed task in this process: its attempts, the pauses between them, and its deadline. A state machine
 * of callbacks and timers, because a fiber per task, its timeout and its retries cost a hundred times an update; only
 * work that is an Effect gets a fiber.
 *
 * Owns: when work begins, is retried and ends. Does not own: which operations run (Tasks), the claim (the session's
 * state).
 */
import * as Backoff from "@onelane/client/backoff"
import type { EffectRunner, Timer } from "@onelane/engine"
import type * as Effect from "effect/Effect"
import {
  defaultDeadlineMillis,
  defaultRetry,
  type Fork,
  type Task,
  type TaskContext,
  type TaskFailure,
  type WorkEnds,
  work
} from "../flow/Task.js"
import type * as TaskResult from "../flow/TaskResult.js"
import type { CartRevision } from "../ports/Carts.js"
import { type CheckoutSession, copyOf } from "../session/CheckoutSession.js"
import * as OperationId from "../session/OperationId.js"

/** A claim to work on. */
export interface Claim {
  readonly session: CheckoutSession
  readonly cartRevision: CartRevision | null
  readonly operationId: string
  readonly deadlineAt: number
  /** It was found after a restart. */
  readonly resumed: boolean
}

/** Whether a cart has another revision now; false if unknown. */
export type HasChanged = (cartId: string, revision: CartRevision) => Effect.Effect<boolean>

/** What operations need from their process. */
export interface Parts {
  readonly after: Timer.Start
  /** The same, without keeping the process alive: for the deadline of external work. */
  readonly quietly: Timer.Start
  readonly run: EffectRunner.RunEffect
  readonly fork: Fork
  /** 0..1, for pauses. */
  readonly jitter: () => number
  readonly hasChanged: HasChanged
}

/** How an operation ends: one of these is called, once, unless it is stopped before. */
export interface Ends {
  /**
   * It succeeded. Called for a Promise that succeeds after a failure or a stop as well, because it cannot be stopped.
   */
  readonly onSuccess: (success: TaskResult.Success) => void
  /** It failed for good. */
  readonly onFailure: (failure: TaskFailure) => void
}

/** An operation whose deadline runs. */
export interface Operation {
  /** Makes the first attempt. */
  readonly begin: () => void
  /** Stops it: running work is interrupted, nothing is retried, no failure is reported. */
  readonly stop: () => void
  /** Attempts begun so far. */
  readonly tries: () => number
}

const deadline: TaskFailure = { code: "DEADLINE", message: "The task did not end within its deadline." }

const interrupted: TaskFailure = {
  code: "INTERRUPTED",
  message: "The process ended during a task that may not be repeated."
}

// A clock that was set back must not extend a deadline.
const timeLeft = (task: Task, claim: Claim, nowMillis: number): number =>
  Math.min(task.deadlineMillis ?? defaultDeadlineMillis, Math.max(0, claim.deadlineAt - nowMillis))

// A follow-up claim has the revision of the client's call, which may be out of date already.
const isFresh = ({ operationId, resumed }: Claim): boolean => !resumed && !OperationId.isFollowUp(operationId)

/** Makes an operation and starts its deadline; for external work, that is all. */
export const make = (parts: Parts, task: Task, claim: Claim, nowMillis: number, ends: Ends): Operation =>
  new RunningOperation(parts, task, claim, timeLeft(task, claim, nowMillis), ends)

const nothing = (): void => {}

// One object per operation: a closure for each of its functions would cost more than they do.
class RunningOperation implements Operation, WorkEnds {
  private isOver = false
  private attempts = 0
  private signal: LazySignal | null = null
  private interrupt = nothing
  private stopPause = nothing
  private readonly stopDeadline: () => void

  constructor(
    private readonly parts: Parts,
    private readonly task: Task,
    private readonly claim: Claim,
    private readonly leftMillis: number,
    private readonly ends: Ends
  ) {
    const after = task.run === undefined ? parts.quietly : parts.after
    this.stopDeadline = after(leftMillis, () => this.fail(deadline))
  }

  tries(): number {
    return this.attempts
  }

  begin(): void {
    const { claim, parts, task } = this
    const { cartRevision, resumed, session } = claim
    if (this.leftMillis === 0) return this.fail(deadline) // too late to begin
    if (resumed && task.repeatable === false) return this.fail(interrupted)
    if (cartRevision === null || (this.attempts === 0 && isFresh(claim))) return this.attempt(false)
    parts.run(parts.hasChanged(session.cartId, cartRevision), (exit) =>
      this.attempt(exit._tag === "Success" && exit.value)
    )
  }

  stop(): void {
    if (this.isOver) return
    this.isOver = true
    this.stopDeadline()
    this.stopPause()
    this.signal?.abort()
    this.interrupt()
  }

  onSuccess(success: TaskResult.Success): void {
    this.workEnded()
    this.stop()
    this.ends.onSuccess(success)
  }

  onFailure(failure: TaskFailure): void {
    this.workEnded()
    const { parts } = this
    const { retry = {} } = this.task
    const {
      baseMillis = defaultRetry.baseMillis,
      limit = defaultRetry.limit,
      maxMillis = defaultRetry.maxMillis
    } = retry
    if (failure.final === true || this.attempts > limit) return this.fail(failure)
    if (this.isOver) return
    const pauseMillis = Backoff.pauseMillis({ baseMillis, maxMillis }, this.attempts, parts.jitter())
    this.stopPause = parts.after(pauseMillis, () => this.begin())
  }

  private attempt(cartChanged: boolean): void {
    if (this.isOver) return
    this.attempts += 1
    this.signal = new LazySignal()
    const context = contextOf(this.claim, cartChanged, this.attempts, this.signal)
    this.interrupt = work(this.task.run!, context, this.parts.fork, this)
    // Work may stop its own operation.
    if (this.isOver) this.interrupt()
  }

  private workEnded(): void {
    this.signal = null
    this.interrupt = nothing
  }

  private fail(failure: TaskFailure): void {
    if (this.isOver) return
    this.stop()
    this.ends.onFailure(failure)
  }
}

// Created when the work reads it; most work does not.
class LazySignal {
  private aborted = false
  private controller: AbortController | null = null
  get(): AbortSignal {
    this.controller ??= new AbortController()
    if (this.aborted) this.controller.abort()
    return this.controller.signal
  }
  abort(): void {
    this.aborted = true
    this.controller?.abort()
  }
}

const contextOf = (
  { cartRevision, operationId, session }: Claim,
  cartChanged: boolean,
  attempt: number,
  signal: LazySignal
): TaskContext => ({
  session: copyOf(session),
  workKey: session.workKey ?? "",
  requestId: session.lastRequestId ?? OperationId.requestOf(operationId),
  operationId,
  cartRevision,
  cartChanged,
  attempt,
  get signal() {
    return signal.get()
  }
})
