/**
 * ListWriter: gathers the rows of what this engine committed and writes them to the narrow table of the store (`SessionLists`) behind
 * the commits, within a second. A turn waits for nothing; a session that changes often is one row.
 */
import { QuietTimer } from "@onelane/engine"
import * as Effect from "effect/Effect"
import type { SessionListsShape } from "../ports/SessionLists.js"
import type { CheckoutSession } from "../session/CheckoutSession.js"
import type { ListedSession } from "./CheckoutSessions.js"
import { rowOf } from "./Listing.js"

/** How long rows are gathered, milliseconds. */
const gatherMillis = 500

/** Rows of one write. */
const writtenRows = 1_000

/** Rows that wait to be written, at most. What is more is found when the store is walked (`SessionListSql`). */
const waitingMaxCount = 100_000

/** Writes rows behind the commits. */
export interface Writer {
  readonly committed: (session: CheckoutSession) => void
  /** Writes until it is interrupted, and then once more. */
  readonly writing: Effect.Effect<void>
}

/** Makes the writer of a table. */
export const make = ({ write }: SessionListsShape): Writer => {
  const latch = Effect.unsafeMakeLatch(false)
  let waiting = new Map<string, ListedSession>()
  const keep = (rows: Iterable<ListedSession>): void => {
    for (const row of rows) if (!waiting.has(row.checkoutSessionId)) waiting.set(row.checkoutSessionId, row)
    if (waiting.size > 0) latch.unsafeOpen()
  }
  const flush = Effect.suspend(() => {
    latch.unsafeClose()
    const rows = [...waiting.values()]
    waiting = new Map()
    let written = 0
    const some = Effect.suspend(() => {
      const part = rows.slice(written, written + writtenRows)
      return Effect.map(write(part), () => void (written += part.length))
    })
    // The store tells of its failures itself, with the commits that fail. What was not written is tried again.
    return Effect.catchAllCause(
      Effect.whileLoop({ while: () => written < rows.length, body: () => some, step: () => {} }),
      () => Effect.sync(() => keep(rows.slice(written)))
    )
  })
  return {
    committed: (session) => {
      if (waiting.size < waitingMaxCount || waiting.has(session.id)) waiting.set(session.id, rowOf(session))
      if (waiting.size === 1) latch.unsafeOpen()
    },
    writing: latch.await.pipe(
      Effect.zipRight(QuietTimer.sleep(gatherMillis)),
      Effect.zipRight(flush),
      Effect.forever,
      Effect.ensuring(flush),
      Effect.interruptible
    )
  }
}
