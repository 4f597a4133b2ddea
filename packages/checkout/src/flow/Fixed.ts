/**
 * Fixed: immutable maps and sets that the whole process shares. Not even the methods of `Map` and `Set` themselves can
 * change them. Created once; engines copy what they look up in every turn.
 */

/** A map that cannot be changed. */
export class FixedMap<K, V> implements ReadonlyMap<K, V> {
  readonly #entries: ReadonlyMap<K, V>
  constructor(entries: Iterable<readonly [K, V]>) {
    this.#entries = new Map(entries)
    Object.freeze(this)
  }
  get size(): number {
    return this.#entries.size
  }
  get(key: K): V | undefined {
    return this.#entries.get(key)
  }
  has(key: K): boolean {
    return this.#entries.has(key)
  }
  forEach(each: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this.#entries) each(value, key, this)
  }
  entries(): MapIterator<[K, V]> {
    return this.#entries.entries()
  }
  keys(): MapIterator<K> {
    return this.#entries.keys()
  }
  values(): MapIterator<V> {
    return this.#entries.values()
  }
  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.#entries.entries()
  }
}

/** A set that cannot be changed. */
export class FixedSet<A> implements ReadonlySet<A> {
  readonly #members: ReadonlySet<A>
  constructor(members: Iterable<A>) {
    this.#members = new Set(members)
    Object.freeze(this)
  }
  get size(): number {
    return this.#members.size
  }
  has(member: A): boolean {
    return this.#members.has(member)
  }
  forEach(each: (member: A, again: A, set: ReadonlySet<A>) => void): void {
    for (const member of this.#members) each(member, member, this)
  }
  entries(): SetIterator<[A, A]> {
    return this.#members.entries()
  }
  keys(): SetIterator<A> {
    return this.#members.keys()
  }
  values(): SetIterator<A> {
    return this.#members.values()
  }
  [Symbol.iterator](): SetIterator<A> {
    return this.#members.values()
  }
}

for (const kind of [FixedMap, FixedSet]) Object.freeze(kind.prototype)
