/**
 * Changes: a session watched as a stream: what was committed, in order, until the session is archived. On its own because it
 * needs all of `Stream`, which a program that never watches need not load.
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { CheckoutSession } from "../session/CheckoutSession.js"
import { historyEntry, isLast, type SessionEvent } from "../session/SessionState.js"
import type { Watch } from "./CheckoutService.js"

/** Watches a session. */
export const watch: Watch = (sessions, { checkoutSessionId, afterVersion }, look) => {
  const from = (session: CheckoutSession) => {
    const after = afterVersion ?? session.version
    if (session.isArchived && after >= session.version) return Stream.empty
    const pages = Stream.unwrapScoped(
      Effect.map(sessions.follow(checkoutSessionId, after), (page) =>
        Stream.repeatEffectChunk(Effect.map(page, Chunk.unsafeFromArray))
      )
    )
    return pages.pipe(
      Stream.takeUntil(({ event }) => isLast(event as SessionEvent)),
      Stream.map(({ sequence, event }) => historyEntry(sequence, event as SessionEvent))
    )
  }
  return Stream.unwrap(Effect.map(look, from)) as ReturnType<Watch>
}
