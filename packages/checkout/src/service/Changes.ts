/**
 * Changes: subscriptions as streams. In a file of its own because it needs `Stream`: loading it costs more than opening
 * an engine and answering the first update.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { HistoryError } from "../errors/CheckoutError.js"
import type { HistoryEntry } from "../session/CheckoutSession.js"
import type { CheckoutSessionsShape, SessionCalls } from "./CheckoutSessions.js"
import * as Subscription from "./Subscription.js"

const end = Effect.fail(Option.none())

/** A subscription as a stream: entry by entry, until the session is archived. */
export const stream = (follow: Subscription.Follow): Stream.Stream<HistoryEntry, HistoryError> =>
  Stream.unwrapScoped(
    Effect.flatMap(follow, (subscription) =>
      Effect.as(
        Effect.addFinalizer(() => Effect.sync(() => subscription.leave())),
        Stream.repeatEffectOption(entryOf(Subscription.entries(subscription)))
      )
    )
  )

const entryOf = (entries: Subscription.Entries): Effect.Effect<HistoryEntry, Option.Option<HistoryError>> => {
  const next = Effect.async<HistoryEntry | null, HistoryError>((resume) => {
    entries.ask(resume)
    return Effect.sync(entries.withdraw)
  })
  return Effect.flatMap(Effect.mapError(next, Option.some), (entry) => (entry === null ? end : Effect.succeed(entry)))
}

/** The service, with its subscriptions as streams, too. */
export const withStreams = (calls: SessionCalls): CheckoutSessionsShape => ({
  ...calls,
  changes: (caller, input) => stream(calls.follow(caller, input))
})
