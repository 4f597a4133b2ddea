/**
 * Checkout: the Promise API. It takes plain objects and returns `{ ok: true, value } | { ok: false, error }`, whether
 * the engine runs in this process (`Embedded`) or behind a URL (`Remote`).
 *
 * It adds no rule. It owns aborting, closing and turning an `Exit` into a result. A refusal never rejects the Promise:
 * only a defect (a bug) does, and `…OrThrow` throws an `OnelaneError`.
 */

import type * as Caller from "@onelane/checkout/Caller"
import * as CallValues from "@onelane/checkout/CallValues"
import type * as CheckoutError from "@onelane/checkout/CheckoutError"
import type * as CheckoutSessions from "@onelane/checkout/CheckoutSessions"
import type * as Flow from "@onelane/checkout/Flow"
import { AsyncContext, type Answer as EngineAnswer } from "@onelane/engine"
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import type { Behind } from "./Behind.js"
import * as ChangesIterator from "./ChangesIterator.js"
import type { Aborted, Result } from "./Result.js"
import { aborted, draining } from "./Result.js"
import * as Throwing from "./Throwing.js"
import type { CompleteOf, HistoryOf, MoveOf, OpenOf, SessionOf, UpdateOf, With } from "./Typed.js"

/** Options of one call. */
export interface CallOptions {
  /**
   * Aborts the call. Before its turn begins it is certainly not applied. Later, `Aborted` says "unknown": retry with
   * the same key.
   */
  readonly signal?: AbortSignal | undefined
}

/**
 * Options of a call that may wait for the work it starts or finds running. `wait: "screen"` answers when the session
 * has arrived: no work of it runs any more. `arrived` is then true; it is false if the wait timed out, and the work
 * continues. The call was accepted before the wait; aborting it then stops the wait only.
 */
export interface WaitOptions extends CallOptions, Partial<CheckoutSessions.Wait> {}

/**
 * Options of a `get` that may wait. With `afterVersion` it waits for the first state without running work after that
 * version.
 */
export interface WaitAfterOptions extends CallOptions, Partial<CheckoutSessions.WaitAfter> {}

type Answer<A, E> = Promise<Result<A, E | Aborted>>

/**
 * Checkout sessions over Promises.
 *
 * **Errors**: each call's typed union, plus `Aborted`. **Cancellation**: `CallOptions.signal`.
 */
export interface Checkout<F = Flow.Flow> extends AsyncDisposable {
  /** Gets the live session of a cart, or creates one. */
  readonly open: (
    input: OpenOf<F>,
    options?: WaitOptions
  ) => Answer<With<F, CheckoutSessions.Opened>, CheckoutError.OpenError>
  /**
   * Moves a session to its next state. Each time a session enters a state, at most one update out of that state
   * succeeds.
   */
  readonly update: <const S extends Flow.StateOf<F>>(
    input: UpdateOf<F, S>,
    options?: WaitOptions
  ) => Answer<With<F, CheckoutSessions.Updated>, CheckoutError.UpdateError>
  /**
   * Reads a session. With `wait` it answers once the session has arrived, or with its current state after the timeout.
   */
  readonly get: (
    input: CheckoutSessions.SessionInput,
    options?: WaitAfterOptions
  ) => Answer<SessionOf<F>, CheckoutError.AccessError>
  /**
   * Reads the live session of a cart without creating one. `session` is null if the cart has none; `closed` then tells
   * how its last session ended, and its order.
   */
  readonly find: (
    input: CheckoutSessions.FindInput,
    options?: CallOptions
  ) => Answer<With<F, CheckoutSessions.Found>, CheckoutError.AccessError>
  /** Archives a session and frees its cart. */
  readonly cancel: (
    input: CheckoutSessions.CancelInput,
    options?: CallOptions
  ) => Answer<With<F, CheckoutSessions.Cancelled>, CheckoutError.CancelError>
  /** Reads a page of a session's history. */
  readonly history: (
    input: CheckoutSessions.HistoryInput,
    options?: CallOptions
  ) => Answer<ReadonlyArray<HistoryOf<F>>, CheckoutError.HistoryError>
  /**
   * Follows a session: committed changes, in order. The iteration is done when the session is archived or the signal
   * aborts. Errors are thrown as `OnelaneError`; closing the checkout throws one with tag `Closed`.
   */
  readonly changes: (input: CheckoutSessions.ChangesInput, options?: CallOptions) => AsyncIterable<HistoryOf<F>>
  /** Reports that a task the host ran has succeeded, which closes its claim. */
  readonly completeTask: (
    input: CompleteOf<F>,
    options?: WaitOptions
  ) => Answer<With<F, CheckoutSessions.Changed>, CheckoutError.CompleteError>
  /** Reports that a task the host ran has failed for good. */
  readonly failTask: (
    input: CheckoutSessions.FailTaskInput,
    options?: CallOptions
  ) => Answer<With<F, CheckoutSessions.Changed>, CheckoutError.OperationError>
  /** Releases a claim (for operators). */
  readonly releaseClaim: (
    input: CheckoutSessions.ReleaseClaimInput,
    options?: CallOptions
  ) => Answer<With<F, CheckoutSessions.Changed>, CheckoutError.OperationError>

  /** Moves a stranded session to a state of the flow (for operators). */
  readonly move: (
    input: MoveOf<F>,
    options?: CallOptions
  ) => Answer<With<F, CheckoutSessions.Changed>, CheckoutError.MoveError>

  /**
   * Lists sessions by state, age, cart and claim, page after page, for operators. A page may be short or empty:
   * continue until `next` is null. On a database it may be up to a second stale, and longer after a crash; `get` reads
   * the current session.
   */
  readonly sessions: (
    input?: CheckoutSessions.SessionsInput,
    options?: CallOptions
  ) => Answer<CheckoutSessions.SessionsPage, CheckoutError.AccessError>
  /** Lists open claims, page by page, for external workers; `completeTask` and `failTask` close them. */
  readonly claims: (
    input?: CheckoutSessions.ClaimsInput,
    options?: CallOptions
  ) => Answer<CheckoutSessions.ClaimsPage, CheckoutError.AccessError>

  /** `open`, throwing an `OnelaneError`. */
  readonly openOrThrow: (input: OpenOf<F>, options?: WaitOptions) => Promise<With<F, CheckoutSessions.Opened>>
  /** `update`, throwing an `OnelaneError`. */
  readonly updateOrThrow: <const S extends Flow.StateOf<F>>(
    input: UpdateOf<F, S>,
    options?: WaitOptions
  ) => Promise<With<F, CheckoutSessions.Updated>>
  /** `get`, throwing an `OnelaneError`. */
  readonly getOrThrow: (input: CheckoutSessions.SessionInput, options?: WaitAfterOptions) => Promise<SessionOf<F>>
  /** `find`, throwing an `OnelaneError`. */
  readonly findOrThrow: (
    input: CheckoutSessions.FindInput,
    options?: CallOptions
  ) => Promise<With<F, CheckoutSessions.Found>>
  /** `cancel`, throwing an `OnelaneError`. */
  readonly cancelOrThrow: (
    input: CheckoutSessions.CancelInput,
    options?: CallOptions
  ) => Promise<With<F, CheckoutSessions.Cancelled>>
  /** `history`, throwing an `OnelaneError`. */
  readonly historyOrThrow: (
    input: CheckoutSessions.HistoryInput,
    options?: CallOptions
  ) => Promise<ReadonlyArray<HistoryOf<F>>>
  /** `completeTask`, throwing an `OnelaneError`. */
  readonly completeTaskOrThrow: (
    input: CompleteOf<F>,
    options?: WaitOptions
  ) => Promise<With<F, CheckoutSessions.Changed>>
  /** `failTask`, throwing an `OnelaneError`. */
  readonly failTaskOrThrow: (
    input: CheckoutSessions.FailTaskInput,
    options?: CallOptions
  ) => Promise<With<F, CheckoutSessions.Changed>>
  /** `releaseClaim`, throwing an `OnelaneError`. */
  readonly releaseClaimOrThrow: (
    input: CheckoutSessions.ReleaseClaimInput,
    options?: CallOptions
  ) => Promise<With<F, CheckoutSessions.Changed>>
  /** `move`, throwing an `OnelaneError`. */
  readonly moveOrThrow: (input: MoveOf<F>, options?: CallOptions) => Promise<With<F, CheckoutSessions.Changed>>
  /** `sessions`, throwing an `OnelaneError`. */
  readonly sessionsOrThrow: (
    input?: CheckoutSessions.SessionsInput,
    options?: CallOptions
  ) => Promise<CheckoutSessions.SessionsPage>
  /** `claims`, throwing an `OnelaneError`. */
  readonly claimsOrThrow: (
    input?: CheckoutSessions.ClaimsInput,
    options?: CallOptions
  ) => Promise<CheckoutSessions.ClaimsPage>

  /**
   * Finishes calls that have begun, ends every iteration of `changes` (with `Closed`) and releases all resources. Later
   * calls are answered with `Overloaded`, reason `DRAINING`.
   */
  readonly close: () => Promise<void>
}

// Settles a Promise with the end of a call. A defect rejects it.
const settle = <A, E>(
  exit: Exit.Exit<A, E>,
  whenAborted: "no" | "unknown",
  resolve: (result: Result<A, E | Aborted>) => void,
  reject: (defect: unknown) => void
): void => {
  if (Exit.isSuccess(exit)) return resolve({ ok: true, value: exit.value })
  const { cause } = exit
  if (cause._tag === "Fail") return resolve({ ok: false, error: cause.error })
  // A refusal combined with an interruption answers one attempt only; an earlier one may have been applied.
  if (Cause.isInterrupted(cause) && Cause.defects(cause).length === 0)
    return resolve({ ok: false, error: aborted(whenAborted) })
  const failure = Cause.failureOption(cause)
  if (failure._tag === "Some") resolve({ ok: false, error: failure.value })
  else reject(Cause.squash(cause))
}

/** Runs one call. An effect that is already an `Exit` needs no fiber. */
export const run = <A, E>(
  behind: Behind,
  call: () => Effect.Effect<A, E>,
  whenAborted: "no" | "unknown",
  signal: AbortSignal | undefined
): Answer<A, E | CheckoutError.Overloaded> => {
  if (signal?.aborted) return Promise.resolve({ ok: false, error: aborted("no") })
  if (behind.closed()) return Promise.resolve({ ok: false, error: draining })
  const effect = call()
  return new Promise((resolve, reject) => {
    const onExit = (exit: Exit.Exit<A, E>): void => settle(exit, whenAborted, resolve, reject)
    if (Exit.isExit(effect)) return onExit(effect as Exit.Exit<A, E>)
    const context = AsyncContext.optionsOf(behind.capture?.(), behind.runtime)
    if (signal === undefined) return void Runtime.runCallback(behind.runtime)(effect, { onExit, ...context })
    let interrupt = (): void => {}
    const leave = (): void => interrupt()
    signal.addEventListener("abort", leave, { once: true })
    interrupt = Runtime.runCallback(behind.runtime)(effect, {
      ...context,
      onExit: (exit) => {
        signal.removeEventListener("abort", leave)
        onExit(exit)
      }
    })
    if (signal.aborted) leave()
  })
}

/** The wait in the options of a call; undefined if there is none. The service validates it. */
const waitIn = (options: WaitAfterOptions = {}): object | undefined => {
  const given = Object.entries(options).filter(([name, value]) => name !== "signal" && value !== undefined)
  return given.length === 0 ? undefined : Object.fromEntries(given)
}

type Start<I, W, A, E> = (caller: Caller.Caller, input: I, wait?: W) => EngineAnswer.Answer<A, E>

type Call<I, A, E> = (input: I, options?: WaitOptions) => Answer<A, E | CheckoutError.Overloaded>

/** A call that begins without a fiber, unless it can be aborted. An engine in memory answers synchronously. */
const beginning =
  <I, W, A, E>(
    behind: Behind,
    start: Start<I, W, A, E>,
    take: (input: I) => I,
    caller: Caller.Caller,
    whenAborted: "no" | "unknown",
    inFiber: Call<I, A, E>
  ): Call<I, A, E> =>
  (input, options) => {
    if (options?.signal !== undefined) return inFiber(input, options)
    if (behind.closed()) return Promise.resolve({ ok: false, error: draining })
    let started: EngineAnswer.Answer<A, E>
    try {
      started = start(caller, take(input), options === undefined ? undefined : (waitIn(options) as W | undefined))
    } catch (defect) {
      return Promise.reject(defect)
    }
    if ("listen" in started) return untilAnswered(started, whenAborted)
    if (Exit.isSuccess(started)) return Promise.resolve({ ok: true, value: started.value })
    return started.cause._tag === "Fail"
      ? Promise.resolve({ ok: false, error: started.cause.error })
      : untilAnswered(started, whenAborted)
  }

// A separate function: a closure inside `beginning` would make every call allocate a context.
const untilAnswered = <A, E>(started: EngineAnswer.Answer<A, E>, whenAborted: "no" | "unknown"): Answer<A, E> =>
  new Promise((resolve, reject) => {
    const onExit = (exit: Exit.Exit<A, E>): void => settle(exit, whenAborted, resolve, reject)
    if ("listen" in started) started.listen(onExit)
    else onExit(started)
  })

// A list of everything needs no input.
const listing =
  <I extends object, A>(method: (input: I, options?: CallOptions) => A) =>
  (input: I | undefined = {} as I, options?: CallOptions): A =>
    method(input, options)

/** Creates the API for one caller, which must not be changed afterwards. */
export const make = <F>(behind: Behind, caller: Caller.Caller): Checkout<F> => {
  const { calls, starts } = behind
  const call =
    <I, A, E>(method: (caller: Caller.Caller, input: I) => Effect.Effect<A, E>, whenAborted: "no" | "unknown") =>
    (input: I, options?: CallOptions) =>
      run(behind, () => method(caller, input), whenAborted, options?.signal)
  // An engine in this process needs no fiber for a call that cannot be aborted.
  const quick = <I, W, A, E>(
    start: Start<I, W, A, E> | undefined,
    take: (input: I) => I,
    method: (caller: Caller.Caller, input: I, wait?: W) => Effect.Effect<A, E>,
    whenAborted: "no" | "unknown"
  ) => {
    const inFiber: Call<I, A, E> = (input, options) =>
      run(behind, () => method(caller, input, waitIn(options) as W | undefined), whenAborted, options?.signal)
    return start === undefined ? inFiber : beginning(behind, start, take, caller, whenAborted, inFiber)
  }
  const results = {
    open: quick(starts?.startOpen, CallValues.takes.open, calls.open, "unknown"),
    update: quick(starts?.startUpdate, CallValues.takes.update, calls.update, "unknown"),
    get: quick(starts?.startGet, CallValues.takes.get, calls.get, "no"),
    find: call(calls.find, "no"),
    cancel: call(calls.cancel, "unknown"),
    history: call(calls.history, "no"),
    completeTask: quick(starts?.startCompleteTask, CallValues.takes.completeTask, calls.completeTask, "unknown"),
    failTask: call(calls.failTask, "unknown"),
    releaseClaim: call(calls.releaseClaim, "unknown"),
    move: call(calls.move, "unknown"),
    sessions: listing(call(calls.sessions, "no")),
    claims: listing(call(calls.claims, "no"))
  }
  const door: Checkout<any> = {
    ...Throwing.add(results),
    changes: (input, options) => ChangesIterator.make(behind, () => calls.follow(caller, input), options?.signal),
    close: behind.close,
    [Symbol.asyncDispose]: behind.close
  }
  return door
}
