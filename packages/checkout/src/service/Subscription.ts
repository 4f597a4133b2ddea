/**
 * Subscription: a session that is followed page by page until it is archived. An `AsyncIterable`, a `Stream` and
 * server-sent events are views of it. `SessionPages` is the engine's implementation; a client of a server has its own.
 *
 * It uses callbacks, so a silent subscription needs no fiber. It is lazy: it holds nothing before the first ask.
 */
import { EffectRunner } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"
import type { AccessError, HistoryError } from "../errors/CheckoutError.js"
import type { HistoryEntry } from "../session/CheckoutSession.js"
import type { OnVerdict } from "./Vigil.js"

/** A page of changes, oldest first, never empty. All watchers of a session share it, so its text is made once. */
export interface Page {
  /** The version of its last change. */
  readonly version: number
  /** The changes, created anew at each call, so the caller may change them. */
  readonly entries: () => ReadonlyArray<HistoryEntry>
}

/** A page; null once the session is archived and all changes were returned. */
export type Answer = Exit.Exit<Page | null, HistoryError>

/** Called once with the answer, at once or later; must be quick. */
export type OnAnswer = (answer: Answer) => void

/** A subscription to a session. */
export interface Subscription {
  /**
   * Asks for the next page. One ask at a time. After an error or the end, nothing follows: create a new subscription
   * after the last version seen.
   */
  readonly ask: (onAnswer: OnAnswer) => void
  /** Cancels the ask: no answer, and the next ask gets the page. */
  readonly withdraw: () => void
  /**
   * Checks the right to read now. For entries of a page that were kept for a while: do not deliver them without the
   * right.
   */
  readonly check: (onVerdict: OnVerdict<AccessError>) => void
  /** Ends it; the last call. */
  readonly leave: () => void
}

/** Begins a subscription. Without an ask, `leave` is not needed. */
export type Follow = Effect.Effect<Subscription, HistoryError>

const over: Answer = Exit.succeed(null)

/** The subscription of an archived session whose changes were all seen. */
export const ended: Subscription = {
  ask: (onAnswer) => onAnswer(over),
  withdraw: () => {},
  check: (onVerdict) => onVerdict(Exit.void),
  leave: () => {}
}

/** Waits for the next page. */
export const next = (subscription: Subscription): Effect.Effect<Page | null, HistoryError> =>
  Effect.async((resume) => {
    subscription.ask(resume)
    return Effect.sync(() => subscription.withdraw())
  })

/** Checks the right to read. */
export const check = (subscription: Subscription): Effect.Effect<void, AccessError> =>
  Effect.async((resume) => subscription.check(resume))

/** A source of pages with effects. */
export interface Pages {
  readonly next: Effect.Effect<Page | null, HistoryError>
  readonly check: Effect.Effect<void, AccessError>
  readonly leave: Effect.Effect<void>
}

/** Wraps a source of pages with effects as a subscription; each call gets a fiber. */
export const ofPages = (runtime: Runtime.Runtime<never>, pages: Pages): Subscription => {
  const run = EffectRunner.runWith(runtime)
  let asking: Fiber.RuntimeFiber<Page | null, HistoryError> | null = null
  const withdraw = (): void => {
    asking?.unsafeInterruptAsFork(FiberId.none)
    asking = null
  }
  return {
    ask: (onAnswer) => {
      const fiber = Runtime.runFork(runtime)(pages.next)
      asking = fiber
      fiber.addObserver((exit) => {
        if (asking !== fiber) return
        asking = null
        onAnswer(exit)
      })
    },
    withdraw,
    check: (onVerdict) => run(pages.check, onVerdict),
    leave: () => {
      withdraw()
      run(pages.leave, () => {})
    }
  }
}

/** A page of entries that is not shared. */
export const pageOf = (entries: ReadonlyArray<HistoryEntry>): Page => ({
  version: entries[entries.length - 1]!.version,
  entries: () => entries
})

/** Called with an entry; null at the end. */
export type OnEntry = (entry: Exit.Exit<HistoryEntry | null, HistoryError>) => void

/** A subscription entry by entry. */
export interface Entries {
  /** Asks for the next entry: the first of a new page, or a kept one after a check of the right. One ask at a time. */
  readonly ask: (onEntry: OnEntry) => void
  readonly withdraw: () => void
}

/** Reads a subscription entry by entry. */
export const entries = (subscription: Subscription): Entries => {
  let page: ReadonlyArray<HistoryEntry> = []
  let index = 0
  let asked: OnEntry | null = null
  const answer = (exit: Exit.Exit<HistoryEntry | null, HistoryError>): void => {
    const onEntry = asked
    asked = null
    onEntry?.(exit)
  }
  const kept = (verdict: Exit.Exit<void, AccessError>): void => {
    if (asked === null) return
    answer(Exit.isSuccess(verdict) ? Exit.succeed(page[index++]!) : Exit.failCause(verdict.cause))
  }
  const given = (exit: Answer): void => {
    if (Exit.isFailure(exit)) return answer(Exit.failCause(exit.cause))
    page = exit.value === null ? [] : exit.value.entries()
    index = 1
    answer(Exit.succeed(page[0] ?? null))
  }
  return {
    ask: (onEntry) => {
      asked = onEntry
      if (index < page.length) subscription.check(kept)
      else subscription.ask(given)
    },
    withdraw: () => {
      asked = null
      subscription.withdraw()
    }
  }
}
