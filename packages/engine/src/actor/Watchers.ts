/**
 * Watchers: the watchers of each address. A watcher holds a signal only and reads events from the journal. While there
 * is one, the process stays alive.
 */
import * as Effect from "effect/Effect"
import * as QuietTimer from "../runtime/QuietTimer.js"

/** One watcher. */
export interface Watcher {
  readonly latch: Effect.Latch
  /** In which part of a poll it is signalled. */
  readonly slot: number
  /** Its address was removed. */
  isGone: boolean
}

/** The watchers of one actor system. */
export interface Watchers {
  readonly waiting: Map<string, Set<Watcher>>
  /** Open while there is a watcher. */
  readonly somebody: Effect.Latch
  /** Lets the process end; null without watchers. */
  release: (() => void) | null
  added: number
  polled: number
}

/** Parts of a poll: of many watchers, only one part reads the journal at a time. */
export const slots = 8

/** Creates an empty registry of watchers. */
export const make = (): Watchers => ({
  waiting: new Map(),
  somebody: Effect.unsafeMakeLatch(false),
  release: null,
  added: 0,
  polled: 0
})

/** Wakes the watchers of one address: something may have changed. */
export const signal = ({ waiting }: Watchers, id: string): void => {
  const watchers = waiting.size === 0 ? undefined : waiting.get(id)
  if (watchers !== undefined) for (const { latch } of watchers) latch.unsafeOpen()
}

/** Wakes those of an address that was removed, for the last time. */
export const remove = ({ waiting }: Watchers, id: string): void => {
  for (const watcher of waiting.get(id) ?? []) {
    watcher.isGone = true
    watcher.latch.unsafeOpen()
  }
}

/** Wakes all watchers: the system drains. */
export const signalAll = ({ waiting }: Watchers): void => {
  for (const watchers of waiting.values()) for (const { latch } of watchers) latch.unsafeOpen()
}

/** Wakes the next part of them. */
export const signalSlot = (self: Watchers): void => {
  const polled = self.polled++ % slots
  for (const watchers of self.waiting.values())
    for (const { latch, slot } of watchers) if (slot === polled) latch.unsafeOpen()
}

/** Adds one. */
export const add = (self: Watchers, id: string): Effect.Effect<Watcher> =>
  Effect.sync(() => {
    const watcher: Watcher = { latch: Effect.unsafeMakeLatch(false), slot: self.added++ % slots, isGone: false }
    const watchers = self.waiting.get(id)
    if (watchers === undefined) self.waiting.set(id, new Set([watcher]))
    else watchers.add(watcher)
    self.somebody.unsafeOpen()
    self.release ??= QuietTimer.keepAlive()
    return watcher
  })

/** Takes it away. */
export const leave = (self: Watchers, id: string, watcher: Watcher): Effect.Effect<void> =>
  Effect.sync(() => {
    const watchers = self.waiting.get(id)
    watchers?.delete(watcher)
    if (watchers?.size === 0) self.waiting.delete(id)
    if (self.waiting.size > 0) return
    self.somebody.unsafeClose()
    self.release?.()
    self.release = null
  })
