/**
 * Attack: changes everything that is reachable from a value, in every way the language allows. A value returned to a
 * program must be a copy or immutable; a suite attacks it and checks that nothing else changes.
 */

const spoiled = "spoiled"

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

// Objects of the language or platform are excluded, because other code in this process uses them.
const isHost = (value: object): boolean =>
  value instanceof AbortSignal || value instanceof Promise || value instanceof Date || value instanceof WeakMap

const membersOf = (value: object): ReadonlyArray<unknown> => {
  const own = Reflect.ownKeys(value).map((key) => Reflect.getOwnPropertyDescriptor(value, key)?.value)
  if (value instanceof Map) return [...own, ...value.keys(), ...value.values()]
  const { forEach } = value as { readonly forEach?: unknown }
  const members: Array<unknown> = []
  // Tables that are no Map or Set, but answer like one.
  if (!Array.isArray(value) && typeof forEach === "function")
    (value as ReadonlyMap<unknown, unknown>).forEach((member, key) => void members.push(member, key))
  return [...own, ...members]
}

/** Everything that can be reached, each object once. */
const reachable = (value: unknown): ReadonlyArray<object> => {
  const found = new Set<object>()
  const queue: Array<unknown> = [value]
  while (queue.length > 0) {
    const next = queue.pop()
    if (!isObject(next) || found.has(next) || isHost(next)) continue
    found.add(next)
    queue.push(...membersOf(next))
  }
  return [...found]
}

// An attack on a frozen object is expected to throw.
const attempt = (attack: () => unknown): void => {
  try {
    attack()
  } catch {}
}

const attacksOn = (target: object): ReadonlyArray<() => unknown> => {
  const mapLike = target as Map<unknown, unknown> & Set<unknown>
  const attacks: Array<() => unknown> = [
    () => (target as Array<unknown>).push(spoiled),
    () => (target as Array<unknown>).reverse(),
    () => (target as Array<unknown>).splice(0, 1),
    () => mapLike.clear(),
    () => mapLike.set(spoiled, spoiled),
    () => mapLike.add(spoiled),
    () => Map.prototype.clear.call(target),
    () => Set.prototype.clear.call(target),
    () => Set.prototype.add.call(target, spoiled),
    () => Map.prototype.set.call(target, spoiled, spoiled)
  ]
  for (const key of Reflect.ownKeys(target)) {
    const value = Reflect.getOwnPropertyDescriptor(target, key)?.value
    const other = typeof value === "number" ? value + 1 : typeof value === "boolean" ? !value : spoiled
    attacks.push(
      () => Reflect.set(target, key, other),
      () => Object.defineProperty(target, key, { value: other, configurable: true, enumerable: true, writable: true })
    )
  }
  attacks.push(
    () => Reflect.set(target, spoiled, spoiled),
    () => Object.setPrototypeOf(target, null)
  )
  return attacks
}

/** Attacks a value, and returns it. */
export const attack = <A>(value: A): A => {
  for (const target of reachable(value)) for (const one of attacksOn(target)) attempt(one)
  return value
}
