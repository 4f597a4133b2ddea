/** WriteBehind: the loop of a writer that collects committed changes and writes them asynchronously. */
import { QuietTimer } from "@onelane/engine"
import * as Effect from "effect/Effect"

/**
 * Writes repeatedly until it is interrupted, and then once more. Each round waits for the latch, then collects for
 * `gatherMillis`, then writes. The writer opens the latch when it has something to write, and closes it when it writes.
 */
export const writeBehind = (
  latch: Effect.Latch,
  gatherMillis: number,
  write: Effect.Effect<void>
): Effect.Effect<void> =>
  latch.await.pipe(
    Effect.zipRight(QuietTimer.sleep(gatherMillis)),
    Effect.zipRight(write),
    Effect.forever,
    Effect.ensuring(write),
    Effect.interruptible
  )
