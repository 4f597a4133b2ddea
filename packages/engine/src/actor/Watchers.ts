/**
 * Watchers: callbacks for each change of an address that is committed here. All followers of an address share one
 * watcher (Feeds), which keeps the process alive. An attendant is a watcher that lives as long as its call.
 */
import * as Effect from "effect/Effect"
import * as QuietTimer from "../runtime/QuietTimer.js"

/**
 * A signal to a watcher: a state was committed here (`Committed`), something may have changed (`Look`), or, as the last
 * signal, the address was removed (`Removed`) or the system drains (`Draining`).
 */
export type Signal =
  | {
      readonly _tag: "Committed"
      readonly state: unknown
      readonly events: ReadonlyArray<unknown>
      /** The sequence of the last event. */
      readonly sequence: number
    }
  | { readonly _tag: "Look" | "Removed" | "Draining" }

/** One watcher. `hear` runs on the stack of the change: it must be quick. */
export interface Watcher {
  readonly hear: (signal: Signal) => void
  /** The part of a poll in which it is signalled. */
  readonly slot: number
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

const look: Signal = { _tag: "Look" }
const removed: Signal = { _tag: "Removed" }
const draining: Signal = { _tag: "Draining" }

const tell = (watchers: Set<Watcher> | undefined, signal: Signal): void => {
  if (watchers !== undefined) for (const { hear } of watchers) hear(signal)
}

/** Tells the watchers of one address about committed events and the state after the last of them. */
export const committed = (
  { waiting }: Watchers,
  id: string,
  events: ReadonlyArray<unknown>,
  state: unknown,
  sequence: number
): void => {
  const watchers = waiting.get(id)
  if (watchers !== undefined) tell(watchers, { _tag: "Committed", state, events, sequence })
}

/** Tells the watchers of one address that something may have changed. */
export const signal = ({ waiting }: Watchers, id: string): void => tell(waiting.get(id), look)

/** Tells the watchers of one address, for the last time, that it was removed. */
export const remove = ({ waiting }: Watchers, id: string): void => tell(waiting.get(id), removed)

/** Tells all watchers that the system drains. */
export const drain = ({ waiting }: Watchers): void => {
  for (const watchers of waiting.values()) tell(watchers, draining)
}

/** Signals the next part of all watchers (`Look`). */
export const signalSlot = (self: Watchers): void => {
  const polled = self.polled++ % slots
  for (const watchers of self.waiting.values()) for (const { hear, slot } of watchers) if (slot === polled) hear(look)
}

const join = (self: Watchers, id: string, hear: Watcher["hear"]): Watcher => {
  const watcher: Watcher = { hear, slot: self.added++ % slots }
  const watchers = self.waiting.get(id)
  if (watchers === undefined) self.waiting.set(id, new Set([watcher]))
  else watchers.add(watcher)
  self.somebody.unsafeOpen()
  return watcher
}

/** Adds a watcher for followers, which keeps the process alive. */
export const add = (self: Watchers, id: string, hear: Watcher["hear"]): Watcher => {
  self.release ??= QuietTimer.keepAlive()
  return join(self, id, hear)
}

/** Removes a watcher. */
export const leave = (self: Watchers, id: string, watcher: Watcher): void => {
  const watchers = self.waiting.get(id)
  watchers?.delete(watcher)
  if (watchers?.size === 0) self.waiting.delete(id)
  if (self.waiting.size > 0) return
  self.somebody.unsafeClose()
  self.release?.()
  self.release = null
}

/** Adds an attendant; the returned function removes it. Null if the address has `capacity` watchers already. */
export const attend = (self: Watchers, id: string, hear: Watcher["hear"], capacity: number): (() => void) | null => {
  if ((self.waiting.get(id)?.size ?? 0) >= capacity) return null
  const watcher = join(self, id, hear)
  return () => leave(self, id, watcher)
}
