/**
 * Subscription: a session that is followed page by page until it is archived. An `AsyncIterable`, a `Stream` and server-sent
 * events are views of it. `SessionPages` is the engine's; a client of a server has its own.
 *
 * It is asked and calls back, so that a silent one needs no fiber; and it is lazy: it holds nothing before it is first asked.
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

/** A page of changes, oldest first, never empty. All who watch a session share it: one page has one text. */
export interface Page {
  /** That of its last change. */
  readonly version: number
  /** The changes, made anew at each call: they are the caller's own. */
  readonly entries: () => ReadonlyArray<HistoryEntry>
}

/** A page; null once the session is archived and all of it was given. */
export type Answer = Exit.Exit<Page | null, HistoryError>

/** Is called once with the answer, at once or later; must be quick. */
export type OnAnswer = (answer: Answer) => void

/** A subscription to a session. */
export interface Subscription {
  /**
   * Asks for the next page. One asks at a time. After an error or the end there is nothing more: follow again, after the last
   * version seen.
   */
  readonly ask: (onAnswer: OnAnswer) => void
  /** Takes the ask back: no answer, and nothing is lost for the next ask. */
  readonly withdraw: () => void
  /**
   * Looks at the right to read, now. For entries of a page that were kept for a while: what the right is gone for is not handed
   * out.
   */
  readonly check: (onVerdict: OnVerdict<AccessError>) => void
  /** Ends it; the last call. */
  readonly leave: () => void
}

/** Begins a subscription. One that was never asked need not be left. */
export type Follow = Effect.Effect<Subscription, HistoryError>

const over: Answer = Exit.succeed(null)

/** Of an archived session, all of which was seen. */
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

/** Looks at the right to read. */
export const check = (subscription: Subscription): Effect.Effect<void, AccessError> =>
  Effect.async((resume) => subscription.check(resume))

/** What gives pages by effects. */
export interface Pages {
  readonly next: Effect.Effect<Page | null, HistoryError>
  readonly check: Effect.Effect<void, AccessError>
  readonly leave: Effect.Effect<void>
}

/** A subscription to what gives pages by effects; each call gets a fiber. */
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

/** A page of entries that nobody else has. */
export const pageOf = (entries: ReadonlyArray<HistoryEntry>): Page => ({
  version: entries[entries.length - 1]!.version,
  entries: () => entries
})

/** What is told an entry; null at the end. */
export type OnEntry = (entry: Exit.Exit<HistoryEntry | null, HistoryError>) => void

/** A subscription entry by entry. */
export interface Entries {
  /** Asks for the next entry: one of a new page, or one that was kept, after a look at the right. One asks at a time. */
  readonly ask: (onEntry: OnEntry) => void
  readonly withdraw: () => void
}

/** Hands out a subscription entry by entry. */
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
