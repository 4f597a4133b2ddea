/**
 * DirectoryCache: a cache between a directory and the ports that read it, so that a turn need not read the directory.
 *
 * 1. A write through this cache is visible to every later read: a revoked right is effective at once.
 * 2. A write that bypasses it (another process on the same database) is visible within `ttlMillis`.
 * 3. It never holds more than `capacity` answers of a kind; the least recently used are evicted first.
 *
 * Owns the cached answers; owns no rule and no row. Failures are not cached.
 */

import * as Access from "@onelane/checkout/Access"
import type { Caller, Role } from "@onelane/checkout/Caller"
import type { Cart, CartsShape } from "@onelane/checkout/Carts"
import * as Listeners from "@onelane/checkout/Listeners"
import * as BoundedMap from "@onelane/engine/BoundedMap"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { DirectoryShape } from "./Directory.js"

/** Size and lifetime of the cache. */
export interface DirectoryCacheOptions {
  /** Most answers of a kind (roles, facts, carts). Default 65,536. */
  readonly capacity?: number | undefined
  /** How long an answer is used if other processes write, too, milliseconds. Default: for ever. */
  readonly ttlMillis?: number | undefined
}

/** The cached directory, and its reads. */
export interface Behind {
  readonly lookup: Access.Lookup
  readonly carts: CartsShape
  readonly directory: DirectoryShape
}

/** The two ports over the cache, and the directory whose writes invalidate it. */
export interface DirectoryCache {
  readonly access: Access.AccessShape
  readonly carts: CartsShape
  readonly directory: DirectoryShape
}

/** Puts a cache in front of a directory. */
export const make = (behind: Behind, options: DirectoryCacheOptions = {}): Effect.Effect<DirectoryCache> =>
  Clock.clockWith((clock) =>
    Effect.sync(() => {
      const { capacity = 65_536, ttlMillis = Number.POSITIVE_INFINITY } = options
      const nowMillis = () => clock.unsafeCurrentTimeMillis()
      const roles = remember<ReadonlyArray<Role>>(capacity, ttlMillis, nowMillis)
      const facts = remember<Access.AccessFacts>(capacity, ttlMillis, nowMillis)
      const carts = remember<Cart | null>(capacity, ttlMillis, nowMillis)
      const listeners = Listeners.make()
      const { assign, kept } = behind.carts
      const forgetting: Forgetting = {
        people: (write) =>
          after(write, () => {
            roles.forgetAll()
            facts.forgetAll()
            listeners.tell()
          }),
        cart: (cartId, write) =>
          after(write, () => {
            carts.forget(cartId)
            listeners.tell()
          })
      }
      return {
        access: Access.fromFacts(
          {
            roles: (userId) => roles.get(userId) ?? roles.keep(userId, behind.lookup.roles(userId)),
            facts: (caller, subject) => {
              const key = keyOf(caller, subject)
              return facts.get(key) ?? facts.keep(key, behind.lookup.facts(caller, subject))
            }
          },
          listeners.onChange
        ),
        carts: {
          book: behind.carts.book,
          find: (cartId) => carts.get(cartId) ?? carts.keep(cartId, behind.carts.find(cartId)),
          assign: assign && ((cartId, owner) => forgetting.cart(cartId, assign(cartId, owner))),
          kept: kept && {
            cartsOf: kept.cartsOf,
            erase: (cartIds, userId) =>
              forgetting.people(after(kept.erase(cartIds, userId), () => cartIds.forEach(carts.forget)))
          }
        },
        directory: forgettingDirectory(behind.directory, forgetting)
      }
    })
  )

// Ids are opaque and may contain any separator, so the key contains their lengths.
const keyOf = ({ userId }: Caller, { accountId, storeId }: Access.Subject): string =>
  `${userId.length}.${accountId.length}.${userId}${accountId}${storeId}`

/** Answers by key. */
interface Remembered<A> {
  readonly get: (key: string) => Exit.Exit<A> | undefined
  /** Caches an answer, unless something was invalidated while it was read. */
  readonly keep: <E>(key: string, asked: Effect.Effect<A, E>) => Effect.Effect<A, E>
  readonly forget: (key: string) => void
  readonly forgetAll: () => void
}

interface Entry<A> {
  readonly answer: Exit.Exit<A>
  readonly untilMillis: number
}

const remember = <A>(capacity: number, ttlMillis: number, nowMillis: () => number): Remembered<A> => {
  const entries = BoundedMap.make<string, Entry<A>>(capacity)
  let forgotten = 0
  return {
    get: (key) => {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      return ttlMillis === Number.POSITIVE_INFINITY || nowMillis() < entry.untilMillis ? entry.answer : undefined
    },
    keep: (key, asked) => {
      const asOf = forgotten
      const untilMillis = ttlMillis === Number.POSITIVE_INFINITY ? ttlMillis : nowMillis() + ttlMillis
      const keep = (answer: Exit.Exit<A>): void => {
        if (forgotten === asOf) entries.set(key, { answer, untilMillis })
      }
      if (!Exit.isExit(asked)) return Effect.tap(asked, (value) => Effect.sync(() => keep(Exit.succeed(value))))
      if (Exit.isSuccess(asked)) keep(asked as Exit.Exit<A>)
      return asked
    },
    forget: (key) => {
      forgotten += 1
      entries.delete(key)
    },
    forgetAll: () => {
      forgotten += 1
      entries.clear()
    }
  }
}

/**
 * What a write invalidates: a write of users, accounts or stores invalidates all facts, a write of a cart that cart. A
 * failed or interrupted write invalidates as well, because it may have been written.
 */
interface Forgetting {
  readonly people: <A, E>(write: Effect.Effect<A, E>) => Effect.Effect<A, E>
  readonly cart: <A, E>(cartId: string, write: Effect.Effect<A, E>) => Effect.Effect<A, E>
}

const after = <A, E>(write: Effect.Effect<A, E>, then: () => void): Effect.Effect<A, E> =>
  Effect.ensuring(write, Effect.sync(then))

/** The directory, whose writes invalidate the cache. */
const forgettingDirectory = (directory: DirectoryShape, { cart, people }: Forgetting): DirectoryShape => {
  return {
    putUser: (user) => people(directory.putUser(user)),
    removeUser: (userId) => people(directory.removeUser(userId)),
    putAccount: (account) => people(directory.putAccount(account)),
    removeAccount: (accountId) => people(directory.removeAccount(accountId)),
    putAccountMember: (accountId, userId) => people(directory.putAccountMember(accountId, userId)),
    removeAccountMember: (accountId, userId) => people(directory.removeAccountMember(accountId, userId)),
    putStore: (storeId) => people(directory.putStore(storeId)),
    removeStore: (storeId) => people(directory.removeStore(storeId)),
    putStoreMember: (storeId, accountId) => people(directory.putStoreMember(storeId, accountId)),
    removeStoreMember: (storeId, accountId) => people(directory.removeStoreMember(storeId, accountId)),
    putCart: (entry) => cart(entry.id, directory.putCart(entry)),
    removeCart: (cartId) => cart(cartId, directory.removeCart(cartId)),
    setCartStatus: (cartId, status) => cart(cartId, directory.setCartStatus(cartId, status))
  }
}
