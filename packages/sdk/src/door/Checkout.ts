/**
 * Checkout: the Promise API. It takes plain objects and returns `{ ok: true, value } | { ok: false, error }`, whether the engine
 * runs in this process (`Embedded`) or behind a URL (`Remote`).
 *
 * It adds no rule. It owns aborting, closing and turning an `Exit` into a result. A refusal never rejects the Promise: only a
 * defect (a bug) does, and `…OrThrow` throws an `OnelaneError`.
 */

import type * as Caller from "@onelane/checkout/Caller"
import * as CallValues from "@onelane/checkout/CallValues"
import type * as CheckoutError from "@onelane/checkout/CheckoutError"
import type * as CheckoutSessions from "@onelane/checkout/CheckoutSessions"
import type * as Flow from "@onelane/checkout/Flow"
import { AsyncContext, type Answer as EngineAnswer } from "@onelane/engine"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import type { Behind } from "./Behind.js"
import * as ChangesIterator from "./ChangesIterator.js"
import type { Aborted, CallError, Result } from "./Result.js"
import { aborted, draining, fromExit, orThrow } from "./Result.js"
import type { CompleteOf, HistoryOf, MoveOf, OpenOf, SessionOf, UpdateOf, With } from "./Typed.js"

/** Options of one call. */
export interface CallOptions {
  /** Aborts the call. Before its turn begins it is certainly not applied. Later, `Aborted` says "unknown": retry with the same key. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Options of a call that may wait for the work it starts or finds running. `wait: "screen"` answers when the session has arrived: no
 * work of it runs any more. `arrived` in the answer says so; it is false when the time is over, and the work goes on. The call was
 * accepted before the wait; aborting it then stops the wait only.
 */
export interface WaitOptions extends CallOptions, Partial<CheckoutSessions.Wait> {}

/** Options of a `get` that may wait. With `afterVersion` it waits for the first state without running work after that version. */
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
  /** Moves a session to its next state. Each time a session enters a state, at most one update out of that state succeeds. */
  readonly update: <const S extends Flow.StateOf<F>>(
    input: UpdateOf<F, S>,
    options?: WaitOptions
  ) => Answer<With<F, CheckoutSessions.Updated>, CheckoutError.UpdateError>
  /** Reads a session; with `wait`, once it has arrived, or as it is when the time is over. */
  readonly get: (
    input: CheckoutSessions.SessionInput,
    options?: WaitAfterOptions
  ) => Answer<SessionOf<F>, CheckoutError.AccessError>
  /**
   * Reads the live session of a cart, and creates none. `session` is null if the cart has none; `closed` then says how its last one
   * ended, and with which order.
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
   * Follows a session: committed changes, in order. The iteration is done when the session is archived or the signal aborts.
   * Errors are thrown as `OnelaneError`; closing the checkout throws one with tag `Closed`.
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

  /** Moves a session that has no way on to a state of the flow (for operators). */
  readonly move: (
    input: MoveOf<F>,
    options?: CallOptions
  ) => Answer<With<F, CheckoutSessions.Changed>, CheckoutError.MoveError>

  /**
   * Lists sessions by state, age, cart and claim, page after page, for operators. A page may be short or empty: go on until `next` is
   * null. On a database it may be up to a second old, and longer after a crash; `get` a session for what is true now.
   */
  readonly sessions: (
    input?: CheckoutSessions.SessionsInput,
    options?: CallOptions
  ) => Answer<CheckoutSessions.SessionsPage, CheckoutError.AccessError>
  /** Lists the claims that are open, page after page, for work that is done elsewhere; `completeTask` and `failTask` close them. */
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
   * Finishes calls that have begun, ends every iteration of `changes` (with `Closed`) and releases all resources. Later calls are
   * answered with `Overloaded`, reason `DRAINING`.
   */
  readonly close: () => Promise<void>
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
    const settle = (exit: Exit.Exit<A, E>): void => {
      try {
        resolve(fromExit(exit, aborted(whenAborted)))
      } catch (defect) {
        reject(defect)
      }
    }
    if (Exit.isExit(effect)) return settle(effect as Exit.Exit<A, E>)
    const context = AsyncContext.optionsOf(behind.capture?.(), behind.runtime)
    if (signal === undefined) return void Runtime.runCallback(behind.runtime)(effect, { onExit: settle, ...context })
    let interrupt = (): void => {}
    const leave = (): void => interrupt()
    signal.addEventListener("abort", leave, { once: true })
    interrupt = Runtime.runCallback(behind.runtime)(effect, {
      ...context,
      onExit: (exit) => {
        signal.removeEventListener("abort", leave)
        settle(exit)
      }
    })
    if (signal.aborted) leave()
  })
}

/** The wait in the options of a call; undefined where there is none. The service checks it, and refuses what it does not know. */
const waitIn = (options: WaitAfterOptions = {}): object | undefined => {
  const given = Object.entries(options).filter(([name, value]) => name !== "signal" && value !== undefined)
  return given.length === 0 ? undefined : Object.fromEntries(given)
}

type Start<I, W, A, E> = (caller: Caller.Caller, input: I, wait?: W) => EngineAnswer.Answer<A, E>

/** Begins a call without a fiber. An engine in memory answers synchronously. */
const begin = <I, W, A, E>(
  behind: Behind,
  start: Start<I, W, A, E>,
  take: (input: I) => I,
  caller: Caller.Caller,
  input: I,
  whenAborted: "no" | "unknown",
  options: WaitOptions | undefined
): Answer<A, E | CheckoutError.Overloaded> => {
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

// A function of its own: a closure inside `begin` would make every call allocate a context.
const untilAnswered = <A, E>(started: EngineAnswer.Answer<A, E>, whenAborted: "no" | "unknown"): Answer<A, E> =>
  new Promise((resolve, reject) => {
    const settle = (exit: Exit.Exit<A, E>): void => {
      try {
        resolve(fromExit(exit, aborted(whenAborted)))
      } catch (defect) {
        reject(defect)
      }
    }
    if ("listen" in started) started.listen(settle)
    else settle(started)
  })

// A list of everything needs no input.
const listing =
  <I extends object, A>(method: (input: I, options?: CallOptions) => A) =>
  (input: I | undefined = {} as I, options?: CallOptions): A =>
    method(input, options)

const throwing =
  <I, A, E extends CallError>(method: (input: I, options?: CallOptions) => Promise<Result<A, E>>) =>
  (input: I, options?: CallOptions): Promise<A> =>
    method(input, options).then(orThrow)

/** Creates the API for one caller, which must not change any more. */
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
    const inFiber = (input: I, options?: WaitOptions): Answer<A, E | CheckoutError.Overloaded> =>
      run(behind, () => method(caller, input, waitIn(options) as W | undefined), whenAborted, options?.signal)
    return start === undefined
      ? inFiber
      : (input: I, options?: WaitOptions) =>
          options?.signal === undefined
            ? begin(behind, start, take, caller, input, whenAborted, options)
            : inFiber(input, options)
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
    ...results,
    openOrThrow: throwing(results.open),
    updateOrThrow: throwing(results.update),
    getOrThrow: throwing(results.get),
    findOrThrow: throwing(results.find),
    cancelOrThrow: throwing(results.cancel),
    historyOrThrow: throwing(results.history),
    completeTaskOrThrow: throwing(results.completeTask),
    failTaskOrThrow: throwing(results.failTask),
    releaseClaimOrThrow: throwing(results.releaseClaim),
    moveOrThrow: throwing(results.move),
    sessionsOrThrow: listing(throwing(results.sessions)),
    claimsOrThrow: listing(throwing(results.claims)),
    changes: (input, options) => ChangesIterator.make(behind, () => calls.follow(caller, input), options?.signal),
    close: behind.close,
    [Symbol.asyncDispose]: behind.close
  }
  return door
}
