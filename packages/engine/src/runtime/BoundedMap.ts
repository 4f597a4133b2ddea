/**
 * BoundedMap: a map with a capacity that evicts the least recently used entries. All caches use it.
 *
 * Two generations: when the young one holds half the capacity it becomes the old one, and old entries not used since
 * are evicted. Reading a young entry writes nothing, so a busy cache costs one look-up.
 */

/** Entries by key, at most `capacity` of them. */
export interface BoundedMap<K, V> {
  readonly get: (key: K) => V | undefined
  readonly set: (key: K, value: V) => void
  readonly delete: (key: K) => void
  readonly clear: () => void
  readonly size: () => number
}

/** Creates an empty map. `capacity`: 2 or more; 0 keeps nothing. */
export const make = <K, V>(capacity: number): BoundedMap<K, V> => {
  const half = Math.floor(capacity / 2)
  let young = new Map<K, V>()
  let old = new Map<K, V>()
  const set = (key: K, value: V): void => {
    if (half === 0) return
    if (young.size >= half && !young.has(key)) {
      old = young
      young = new Map()
    }
    old.delete(key)
    young.set(key, value)
  }
  return {
    get: (key) => {
      const found = young.get(key)
      if (found !== undefined) return found
      const aged = old.get(key)
      if (aged !== undefined) set(key, aged)
      return aged
    },
    set,
    delete: (key) => {
      young.delete(key)
      old.delete(key)
    },
    clear: () => {
      young = new Map()
      old = new Map()
    },
    size: () => young.size + old.size
  }
}
