/**
 * ChangesIterator: a subscription as an `AsyncIterable` of history entries. Errors are thrown as `OnelaneError`. The
 * iteration is done when the session is archived or the signal aborts; closing the checkout throws `Closed`.
 *
 * It follows the rules of iterators: every call is answered, in order; after the end, an error or `return`, every
 * `next` is done.
 */
import type * as CheckoutSession from "@onelane/checkout/CheckoutSession"
import * as Subscription from "@onelane/checkout/Subscription"
import { AsyncContext } from "@onelane/engine"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as GlobalValue from "effect/GlobalValue"
import * as Runtime from "effect/Runtime"
import type { Behind } from "./Behind.js"
import { type CallError, closed, OnelaneError } from "./Result.js"

type Entry = CheckoutSession.HistoryEntry

/**
 * Creates the iterable. It subscribes when the first `next` is called, in the async context in which the iteration
 * begins.
 */
export const make = (
  behind: Behind,
  follow: () => Subscription.Follow,
  signal: AbortSignal | undefined
): AsyncIterable<Entry> => {
  const iterable: AsyncIterable<Entry> = { [Symbol.asyncIterator]: () => iterate(behind, follow, signal) }
  if (signal !== undefined) signals.set(iterable, signal)
  return iterable
}

const signals = GlobalValue.globalValue("@onelane/sdk/ChangesIterator", () => new WeakMap<object, AbortSignal>())

/** The signal of an iterable created here; undefined if it has none. */
export const signalOf = (iterable: object): AbortSignal | undefined => signals.get(iterable)

const end: IteratorResult<Entry> = { done: true, value: undefined }

const iterate = (
  behind: Behind,
  follow: () => Subscription.Follow,
  signal: AbortSignal | undefined
): AsyncIterator<Entry> => {
  const watcher = new Watcher(behind, follow, signal)
  return { next: () => watcher.next(), return: () => watcher.return() }
}

const nothing = (): void => {}

/** An entry, or null at the end. */
type Told = Exit.Exit<Entry | null, CallError>

class Watcher {
  private subscription: Subscription.Subscription | null = null
  private entries: Subscription.Entries | null = null
  /** Begins the subscription. */
  private beginning: Fiber.RuntimeFiber<Subscription.Subscription, CallError> | null = null
  private readonly runtime: Runtime.Runtime<never>
  private resolve: ((result: IteratorResult<Entry>) => void) | null = null
  private reject: ((error: unknown) => void) | null = null
  private last: Promise<unknown> = Promise.resolve()
  private isLeft = false
  constructor(
    private readonly behind: Behind,
    private readonly follow: () => Subscription.Follow,
    private readonly signal: AbortSignal | undefined
  ) {
    this.runtime = runtimeOf(behind)
    signal?.addEventListener("abort", this.onAbort, { once: true })
  }

  next(): Promise<IteratorResult<Entry>> {
    const result = this.last.then(this.step)
    this.last = result.catch(nothing)
    return result
  }

  return(): Promise<IteratorResult<Entry>> {
    this.leave()
    this.done()
    return Promise.resolve(end)
  }

  private readonly step = (): Promise<IteratorResult<Entry>> =>
    new Promise((resolve, reject) => {
      const { behind, signal } = this
      if (signal?.aborted) this.leave()
      if (this.isLeft) return resolve(end)
      this.resolve = resolve
      this.reject = reject
      if (behind.closed()) this.tell(Exit.fail(closed))
      else if (this.entries === null) this.begin()
      else this.entries.ask(this.tell)
    })

  private begin(): void {
    const beginning = Runtime.runFork(this.runtime)(Effect.suspend(this.follow))
    this.beginning = beginning
    beginning.addObserver((exit) => {
      this.beginning = null
      if (this.isLeft) return
      if (Exit.isFailure(exit)) return this.tell(Exit.failCause(exit.cause))
      this.subscription = exit.value
      this.entries = Subscription.entries(exit.value)
      this.entries.ask(this.tell)
    })
  }

  private readonly tell = (told: Told): void => {
    const { reject, resolve } = this
    if (Exit.isSuccess(told) && told.value !== null) {
      this.resolve = null
      return resolve?.({ done: false, value: told.value })
    }
    this.leave()
    if (Exit.isSuccess(told)) return this.done()
    this.resolve = null
    reject?.(thrown(told.cause, this.behind))
  }

  private readonly onAbort = (): void => {
    this.leave()
    this.done()
  }

  private done(): void {
    const { resolve } = this
    this.resolve = null
    resolve?.(end)
  }

  private leave(): void {
    this.isLeft = true
    this.signal?.removeEventListener("abort", this.onAbort)
    this.beginning?.unsafeInterruptAsFork(FiberId.none)
    this.subscription?.leave()
    this.subscription = null
    this.entries = null
  }
}

/** The value to throw: an `OnelaneError` for a typed error, the defect itself otherwise. */
const thrown = (cause: Cause.Cause<CallError>, behind: Behind): unknown => {
  if (behind.closed()) return new OnelaneError(closed)
  return cause._tag === "Fail" ? new OnelaneError(cause.error) : Cause.squash(cause)
}

const runtimeOf = ({ capture, runtime }: Behind): Runtime.Runtime<never> =>
  capture === undefined
    ? runtime
    : Runtime.setFiberRef(runtime, FiberRef.currentScheduler, AsyncContext.schedulerOf(capture(), runtime))
