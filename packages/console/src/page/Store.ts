/**
 * Store: a value that parts of the page share, and a hook that shows it. The page has two: the operator's token, and
 * whether the server answers.
 */
import { useEffect, useState } from "preact/hooks"

/** A value and those who show it. */
export interface Store<A> {
  readonly get: () => A
  readonly set: (value: A) => void
  readonly subscribe: (listener: () => void) => () => void
}

/** Makes one. */
export const make = <A>(initial: A): Store<A> => {
  let value = initial
  const listeners = new Set<() => void>()
  return {
    get: () => value,
    set: (next) => {
      if (Object.is(value, next)) return
      value = next
      for (const listener of [...listeners]) listener()
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    }
  }
}

/** Shows the value of a store. */
export const useStore = <A>(store: Store<A>): A => {
  const [, draw] = useState(0)
  const shown = store.get()
  useEffect(() => {
    const again = (): void => draw((count) => count + 1)
    // It may have changed after rendering and before the subscription.
    if (!Object.is(shown, store.get())) again()
    return store.subscribe(again)
  }, [store])
  return shown
}
