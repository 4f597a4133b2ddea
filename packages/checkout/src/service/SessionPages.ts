/**
 * SessionPages: the committed events of a session as a subscription.
 *
 * Pages are read from the journal when they are asked for, so a slow reader costs nothing. The right to read is checked before a
 * page is given, and while there is none.
 */
import type { Journal } from "@onelane/engine"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { AccessError } from "../errors/CheckoutError.js"
import type { CheckoutSession } from "../session/CheckoutSession.js"
import { historyEntry } from "../session/SessionHistory.js"
import { isLast, type SessionEvent } from "../session/SessionState.js"
import type { Sessions } from "../work/Sessions.js"
import * as Subscription from "./Subscription.js"
import type * as Vigil from "./Vigil.js"

/** Watches the right to read a session; `onLost` is told when it is gone. */
export type Guard = (onLost: () => void) => Effect.Effect<Vigil.Check<AccessError, AccessError>, never, Scope.Scope>

/** Follows a session after a version. */
export const make = (
  sessions: Sessions,
  session: CheckoutSession,
  afterVersion: number,
  guard: Guard
): Effect.Effect<Subscription.Subscription, never, Scope.Scope> =>
  session.isArchived && afterVersion >= session.version
    ? Effect.succeed(Subscription.ended)
    : Effect.flatMap(sessions.follow(session.id, afterVersion), (feed) =>
        Effect.map(guard(feed.wake), (check) => pages(feed.next, check))
      )

type Events = Effect.Effect<ReadonlyArray<Journal.JournalEvent>, AccessError>

const pages = (read: Events, check: Subscription.Subscription["check"]): Subscription.Subscription => {
  let isOver = false
  const next: Subscription.Subscription["next"] = Effect.suspend(() =>
    isOver ? Subscription.ended.next : Effect.flatMap(read, given)
  )
  // Of an empty page `check` knows the reason: a look has found that the right is gone.
  const given = (events: ReadonlyArray<Journal.JournalEvent>): Subscription.Subscription["next"] =>
    Effect.flatMap(check, () => {
      if (events.length === 0) return next
      isOver = isLast(events[events.length - 1]!.event as SessionEvent)
      return Effect.succeed(events.map(({ sequence, event }) => historyEntry(sequence, event as SessionEvent)))
    })
  return { next, check }
}
