/**
 * Subscription: a session followed page by page: what was committed, in order, until the session is archived. An
 * `AsyncIterable`, a `Stream` and server-sent events are views of it.
 *
 * Owns when a page is given. Pages are read from the journal when they are asked for: a slow reader costs nothing. The right to
 * read is looked at before anything is given, and while there is nothing to give.
 */
import type { Journal } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { AccessError, HistoryError } from "../errors/CheckoutError.js"
import type { CheckoutSession, HistoryEntry } from "../session/CheckoutSession.js"
import { historyEntry, isLast, type SessionEvent } from "../session/SessionState.js"
import type { Sessions } from "../work/Sessions.js"
import type * as Vigil from "./Vigil.js"

/** A page of changes, oldest first, never empty; null once the session is archived and all of it was given. */
export type Page = ReadonlyArray<HistoryEntry> | null

/** A session that is followed. */
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

/** Watches the right to read a session; `onLost` is told when it is gone. */
export type Guard = (onLost: () => void) => Effect.Effect<Vigil.Check<AccessError, AccessError>, never, Scope.Scope>

/** Follows a session after a version. */
export const make = (
  sessions: Sessions,
  session: CheckoutSession,
  afterVersion: number,
  guard: Guard
): Effect.Effect<Subscription, never, Scope.Scope> =>
  session.isArchived && afterVersion >= session.version
    ? Effect.succeed(ended)
    : Effect.flatMap(sessions.follow(session.id, afterVersion), (feed) =>
        Effect.map(guard(feed.wake), (check) => pages(feed.next, check))
      )

type Events = Effect.Effect<ReadonlyArray<Journal.JournalEvent>, AccessError>

const pages = (read: Events, check: Subscription["check"]): Subscription => {
  let isOver = false
  const next: Subscription["next"] = Effect.suspend(() => (isOver ? ended.next : Effect.flatMap(read, given)))
  // Of an empty page `check` knows the reason: a look has found that the right is gone.
  const given = (events: ReadonlyArray<Journal.JournalEvent>): Subscription["next"] =>
    Effect.flatMap(check, () => {
      if (events.length === 0) return next
      isOver = isLast(events[events.length - 1]!.event as SessionEvent)
      return Effect.succeed(events.map(({ sequence, event }) => historyEntry(sequence, event as SessionEvent)))
    })
  return { next, check }
}

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
