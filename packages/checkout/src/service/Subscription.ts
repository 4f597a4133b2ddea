/**
 * Subscription: a session that is followed page by page until it is archived. An `AsyncIterable`, a `Stream` and server-sent
 * events are views of it. `SessionPages` is the engine's; a client of a server has its own.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { AccessError, HistoryError } from "../errors/CheckoutError.js"
import type { HistoryEntry } from "../session/CheckoutSession.js"

/** A page of changes, oldest first, never empty; null once the session is archived and all of it was given. */
export type Page = ReadonlyArray<HistoryEntry> | null

/** A subscription to a session. */
export interface Subscription {
  /**
   * Waits for the next page. One asks at a time. After an error or an interruption it is over: follow again, after the last
   * version seen.
   */
  readonly next: Effect.Effect<Page, HistoryError>
  /**
   * Fails when the caller may not read the session any more, or nobody could say. For entries of a page that were kept for a
   * while: what the right is gone for is not handed out.
   */
  readonly check: Effect.Effect<void, AccessError>
}

/** A subscription while the scope is open. */
export type Follow = Effect.Effect<Subscription, HistoryError, Scope.Scope>

/** Of an archived session, all of which was seen. */
export const ended: Subscription = { next: Exit.succeed(null), check: Exit.void }

/** Entry by entry; null at the end. Each is checked when it is asked for. */
export const entries = ({ check, next }: Subscription): Effect.Effect<HistoryEntry | null, HistoryError> => {
  let page: ReadonlyArray<HistoryEntry> = []
  let index = 0
  return Effect.suspend(() => {
    if (index < page.length) return Effect.map(check, () => page[index++]!)
    return Effect.map(next, (given) => {
      page = given ?? []
      index = 1
      return page[0] ?? null
    })
  })
}
