/**
 * Watchers: who waits for changes of which address. A watcher holds a signal and nothing else; it reads what it emits from the
 * journal. While there is one, the process stays alive.
 */
import * as Effect from "effect/Effect"
import * as QuietTimer from "../runtime/QuietTimer.js"

/** The watchers of one actor system. */
export interface Watchers {
  readonly latches: Map<string, Set<Effect.Latch>>
  /** Lets the process end; null while nobody watches. */
  release: (() => void) | null
}

/** No watchers. */
export const make = (): Watchers => ({ latches: new Map(), release: null })

/** Wakes those of one address: something may have changed. */
export const signal = ({ latches }: Watchers, id: string): void => {
  const waiting = latches.size === 0 ? undefined : latches.get(id)
  if (waiting !== undefined) for (const latch of waiting) latch.unsafeOpen()
}

/** Wakes all of them: the system drains. */
export const signalAll = ({ latches }: Watchers): void => {
  for (const waiting of latches.values()) for (const latch of waiting) latch.unsafeOpen()
}

/** Adds one. */
export const add = (self: Watchers, id: string): Effect.Effect<Effect.Latch> =>
  Effect.sync(() => {
    const latch = Effect.unsafeMakeLatch(false)
    const waiting = self.latches.get(id)
    if (waiting === undefined) self.latches.set(id, new Set([latch]))
    else waiting.add(latch)
    self.release ??= QuietTimer.keepAlive()
    return latch
  })

/** Takes it away. */
export const remove = (self: Watchers, id: string, latch: Effect.Latch): Effect.Effect<void> =>
  Effect.sync(() => {
    const waiting = self.latches.get(id)
    waiting?.delete(latch)
    if (waiting?.size === 0) self.latches.delete(id)
    if (self.latches.size > 0) return
    self.release?.()
    self.release = null
  })
