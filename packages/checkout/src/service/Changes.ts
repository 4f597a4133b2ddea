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
import type * as Vigil from "./Vigil.js"

/** Watches a session while the caller may. */
export const watch: Watch = (sessions, { checkoutSessionId, afterVersion }, look, guard) => {
  const from = (session: CheckoutSession) => {
    const after = afterVersion ?? session.version
    if (session.isArchived && after >= session.version) return Stream.empty
    const entries = Stream.unwrapScoped(
      Effect.zipWith(guard(session), sessions.follow(checkoutSessionId, after), (right, pages) =>
        Stream.repeatEffectChunk(Effect.map(oneByOne(right, pages), Chunk.of))
      )
    )
    return entries.pipe(
      Stream.takeUntil(({ event }) => isLast(event as SessionEvent)),
      Stream.map(({ sequence, event }) => historyEntry(sequence, event as SessionEvent))
    )
  }
  return Stream.unwrap(Effect.map(look, from)) as ReturnType<Watch>
}

// What was read and not yet handed out when the right went is not handed out: a slow consumer asks for each entry.
const oneByOne = <A, E, Lost, Undecided>(
  { check, lost }: Vigil.Watched<Lost, Undecided>,
  pages: Effect.Effect<ReadonlyArray<A>, E>
): Effect.Effect<A, E | Lost | Undecided> => {
  const read = Effect.raceFirst(pages, lost)
  let page: ReadonlyArray<A> = []
  let index = 0
  return Effect.suspend(() => {
    if (index < page.length) return Effect.as(check, page[index++]!)
    return Effect.flatMap(read, (next) => {
      page = next
      index = 1
      return Effect.as(check, page[0]!)
    })
  })
}
