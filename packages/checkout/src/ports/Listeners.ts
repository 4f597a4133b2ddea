/**
 * Listeners: a list of change listeners.
 */
import type { OnChange } from "./Access.js"

/** Registers listeners and notifies them. */
export interface Listeners {
  readonly onChange: OnChange
  readonly tell: () => void
}

/** Makes an empty list. */
export const make = (): Listeners => {
  const listeners = new Set<{ readonly hear: () => void }>()
  return {
    onChange: (hear) => {
      const listener = { hear }
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    tell: () => {
      for (const { hear } of listeners) hear()
    }
  }
}
