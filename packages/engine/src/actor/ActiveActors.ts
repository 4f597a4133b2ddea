/**
 * ActiveActors: the registry of active actors. An actor is activated by its first message and passivated after a while
 * without one, by a sweep in slices over one iterator; there is no timer per actor. Their number is limited: at the
 * limit the iterator is searched for an idle one to evict.
 */

import * as Effect from "effect/Effect"
import type { Address } from "../Address.js"
import type { EngineConfig } from "../runtime/EngineConfig.js"
import type { EngineMetrics } from "../runtime/EngineMetrics.js"
import * as Activation from "./Activation.js"
import type { BodyNote } from "./Bodies.js"

/** The active actors of one kind. */
export interface ActiveActors {
  readonly kind: string
  readonly initial: unknown
  readonly liveCapacity: number
  readonly metrics: EngineMetrics
  readonly awake: Map<string, Activation.Activation>
  /** Open while any actor is active; without one there is nothing to sweep. */
  readonly somebody: Effect.Latch
  /** Actors with a body, in the order in which they are tried for eviction. */
  readonly large: Set<Activation.Activation>
  /** Bytes of all bodies in memory, and how many of them idle actors may keep. */
  bodyBytes: number
  readonly bodyBytesCapacity: number
  /** Counts sweeps; an activation stores the one in which it was last used. */
  epoch: number
  /** Position of the sweep; null between two rounds, because an iterator retains every old table of its map. */
  hand: Iterator<Activation.Activation> | null
  /**
   * The last actor that was read without ever being written, or was written for the first time; null: none
   * (`keepGuest`).
   */
  guest: Activation.Activation | null
  /**
   * The journal is in memory, so an actor is passivated after its first turn; most addresses get no second one soon.
   */
  readonly sleepsEarly: boolean
}

/** Activations inspected to evict one. */
const evictionTries = 64

/** Creates an empty registry. */
export const make = (
  kind: string,
  initial: unknown,
  { bodyBytes: bodyBytesCapacity, liveCapacity }: Pick<EngineConfig, "liveCapacity" | "bodyBytes">,
  metrics: EngineMetrics,
  sleepsEarly = false
): ActiveActors => {
  const awake = new Map<string, Activation.Activation>()
  const bodies = { large: new Set<Activation.Activation>(), bodyBytes: 0, bodyBytesCapacity }
  const somebody = Effect.unsafeMakeLatch(false)
  const sweeps = { epoch: 0, hand: null, guest: null, sleepsEarly }
  return { kind, initial, liveCapacity, metrics, awake, somebody, ...bodies, ...sweeps }
}

/** Returns the activation of an id, creating it if needed; null at the limit if none can be evicted. */
export const activationOf = (self: ActiveActors, id: string): Activation.Activation | null => {
  const found = self.awake.get(id)
  if (found !== undefined) {
    found.epoch = self.epoch
    return found
  }
  if (self.awake.size >= self.liveCapacity && !evictOne(self)) return null
  const address: Address = { kind: self.kind, id }
  const made = Activation.make(address, self.initial, self.epoch)
  self.awake.set(id, made)
  if (self.awake.size === 1) self.somebody.unsafeOpen()
  self.metrics.live = self.awake.size
  return made
}

/**
 * Passivates an activation. Does nothing if it is no longer the registered one: its address was removed, and may have a
 * successor.
 */
export const passivate = (self: ActiveActors, activation: Activation.Activation): void => {
  if (self.awake.get(activation.address.id) !== activation) return
  noteBody(self, activation, null)
  self.awake.delete(activation.address.id)
  if (self.awake.size === 0) self.somebody.unsafeClose()
  self.metrics.passivations += 1
  self.metrics.live = self.awake.size
}

/**
 * Keeps an actor that was never written until the next such actor is read, so that a write right after a read need not
 * load it again. If actors sleep early (`sleepsEarly`), one that was written for the first time is kept as long. An
 * actor that gets another command later stays active.
 */
export const keepGuest = (self: ActiveActors, activation: Activation.Activation): void => {
  const { guest, sleepsEarly } = self
  if (guest === activation) return
  self.guest = activation
  if (guest !== null && (sleepsEarly || guest.sequence === 0) && Activation.isIdle(guest)) passivate(self, guest)
}

/**
 * Records size and stored status of an activation's body. If all bodies together exceed the limit, passivates other
 * idle actors with a body.
 */
export const noteBody = (self: ActiveActors, activation: Activation.Activation, note: BodyNote | null): void => {
  const before = activation.body
  activation.body = note
  if (before === null && note === null) return
  if (self.awake.get(activation.address.id) !== activation) return
  self.bodyBytes += (note === null ? 0 : note.bytes) - (before === null ? 0 : before.bytes)
  if (note === null) self.large.delete(activation)
  else if (before === null) self.large.add(activation)
  if (self.bodyBytes > self.bodyBytesCapacity) evictLarge(self, activation)
}

// A busy actor moves to the end of the set, so a few tries find an idle one.
const evictLarge = (self: ActiveActors, but: Activation.Activation): void => {
  let looks = evictionTries
  for (const activation of self.large) {
    if (self.bodyBytes <= self.bodyBytesCapacity || looks-- === 0) return
    if (activation !== but && Activation.isIdle(activation)) passivate(self, activation)
    else {
      self.large.delete(activation)
      self.large.add(activation)
    }
  }
}

/** Starts a new sweep. */
export const nextEpoch = (self: ActiveActors): void => {
  self.epoch += 1
}

/**
 * Inspects up to `slice` activations and passivates those idle and unused for `epochs` sweeps; true when the round is
 * complete.
 */
export const sweep = (self: ActiveActors, slice: number, epochs: number): boolean => {
  self.hand ??= self.awake.values()
  for (let looked = 0; looked < slice; looked++) {
    const next = self.hand.next()
    if (next.done === true) {
      self.hand = null
      return true
    }
    if (Activation.isIdle(next.value) && self.epoch - next.value.epoch > epochs) passivate(self, next.value)
  }
  return false
}

const evictOne = (self: ActiveActors): boolean => {
  self.hand ??= self.awake.values()
  for (let tried = 0; tried < evictionTries; tried++) {
    let next = self.hand.next()
    if (next.done === true) {
      self.hand = self.awake.values()
      next = self.hand.next()
      if (next.done === true) return false
    }
    if (Activation.isIdle(next.value)) {
      passivate(self, next.value)
      return true
    }
  }
  return false
}
