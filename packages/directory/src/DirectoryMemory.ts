/**
 * DirectoryMemory: the directory in this process's memory, with the two ports that read it. Nothing survives the
 * process.
 */

import * as Access from "@onelane/checkout/Access"
import type { Role } from "@onelane/checkout/Caller"
import * as Carts from "@onelane/checkout/Carts"
import * as Listeners from "@onelane/checkout/Listeners"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Directory from "./Directory.js"

// Values are frozen, because they are returned without a copy.
interface Book {
  readonly users: Map<string, ReadonlyArray<Role>>
  readonly accounts: Map<string, boolean>
  readonly stores: Set<string>
  readonly carts: Map<string, Carts.Cart>
  /** Account to its users, store to its accounts. */
  readonly accountMembers: Map<string, Set<string>>
  readonly storeMembers: Map<string, Set<string>>
}

const none: ReadonlyArray<Role> = Object.freeze([])

const makeAccess = (book: Book, onChange: Access.OnChange): Access.AccessShape =>
  Access.fromFacts(
    {
      roles: (userId) => Exit.succeed(book.users.get(userId) ?? none),
      facts: (caller, subject) =>
        Exit.succeed({
          roles: book.users.get(caller.userId) ?? none,
          belongsToAccount: book.accountMembers.get(subject.accountId)?.has(caller.userId) ?? false,
          accountValid: book.accounts.get(subject.accountId) ?? false,
          storeMember: book.storeMembers.get(subject.storeId)?.has(subject.accountId) ?? false
        })
    },
    onChange
  )

/** The directory, whose writes notify the listeners. */
const telling = (directory: Directory.DirectoryShape, tell: () => void): Directory.DirectoryShape => {
  const told = Object.entries(directory).map(([name, write]) => [
    name,
    (...input: ReadonlyArray<never>) =>
      Effect.ensuring((write as (...input: ReadonlyArray<never>) => Effect.Effect<void>)(...input), Effect.sync(tell))
  ])
  return Object.fromEntries(told) as Directory.DirectoryShape
}

const makeKept = (book: Book, tell: () => void): Carts.KeptBuyers => ({
  cartsOf: (ownerId) =>
    Effect.sync(() => [...book.carts.values()].filter((cart) => cart.ownerId === ownerId).map(({ id }) => id)),
  erase: (cartIds, userId) =>
    Effect.sync(() => {
      let entries = 0
      for (const cartId of cartIds) if (book.carts.delete(cartId)) entries += 1
      if (userId !== null) {
        if (book.users.delete(userId)) entries += 1
        for (const members of book.accountMembers.values()) if (members.delete(userId)) entries += 1
      }
      tell()
      return entries
    })
})

const makeCarts = (book: Book, tell: () => void): Carts.CartsShape => ({
  ...cartsPort(book, tell),
  kept: makeKept(book, tell)
})

const cartsPort = ({ carts }: Book, tell: () => void): Carts.CartsShape => ({
  book: "unknown",
  find: (cartId) => Exit.succeed(carts.get(cartId) ?? null),
  assign: (cartId, owner) =>
    Effect.sync(() => {
      const cart = carts.get(cartId)
      if (cart !== undefined) carts.set(cartId, Object.freeze({ ...cart, ...owner }))
      tell()
    })
})

const join = (members: Map<string, Set<string>>, of: string, member: string): void => {
  const present = members.get(of)
  if (present) present.add(member)
  else members.set(of, new Set([member]))
}

const leaveAll = (members: Map<string, Set<string>>, member: string): void => {
  for (const present of members.values()) present.delete(member)
}

const makeDirectory = (book: Book): Directory.DirectoryShape => ({
  putUser: ({ id, roles }) => {
    const kept = Object.freeze([...roles])
    return Effect.sync(() => void book.users.set(id, kept))
  },
  removeUser: (userId) =>
    Effect.sync(() => {
      book.users.delete(userId)
      leaveAll(book.accountMembers, userId)
    }),
  putAccount: ({ id, active }) => Effect.sync(() => void book.accounts.set(id, active)),
  removeAccount: (accountId) =>
    Effect.sync(() => {
      book.accounts.delete(accountId)
      book.accountMembers.delete(accountId)
      leaveAll(book.storeMembers, accountId)
    }),
  putAccountMember: (accountId, userId) =>
    Effect.suspend(() => {
      if (!book.accounts.has(accountId)) return Effect.fail(Directory.unknownEntry("account", accountId))
      if (!book.users.has(userId)) return Effect.fail(Directory.unknownEntry("user", userId))
      join(book.accountMembers, accountId, userId)
      return Effect.void
    }),
  removeAccountMember: (accountId, userId) =>
    Effect.sync(() => void book.accountMembers.get(accountId)?.delete(userId)),
  putStore: (storeId) => Effect.sync(() => void book.stores.add(storeId)),
  removeStore: (storeId) =>
    Effect.sync(() => {
      book.stores.delete(storeId)
      book.storeMembers.delete(storeId)
    }),
  putStoreMember: (storeId, accountId) =>
    Effect.suspend(() => {
      if (!book.stores.has(storeId)) return Effect.fail(Directory.unknownEntry("store", storeId))
      if (!book.accounts.has(accountId)) return Effect.fail(Directory.unknownEntry("account", accountId))
      join(book.storeMembers, storeId, accountId)
      return Effect.void
    }),
  removeStoreMember: (storeId, accountId) => Effect.sync(() => void book.storeMembers.get(storeId)?.delete(accountId)),
  putCart: ({ id, storeId, accountId, ownerId, status }) => {
    const kept = Object.freeze({ id, storeId, accountId, ownerId, status })
    return Effect.sync(() => void book.carts.set(id, kept))
  },
  removeCart: (cartId) => Effect.sync(() => void book.carts.delete(cartId)),
  setCartStatus: (cartId, status) =>
    Effect.suspend(() => {
      const cart = book.carts.get(cartId)
      if (cart === undefined) return Effect.fail(Directory.unknownEntry("cart", cartId))
      book.carts.set(cartId, Object.freeze({ ...cart, status }))
      return Effect.void
    })
})

/** A fresh, empty directory and the ports over it. */
export const layer: Layer.Layer<Access.Access | Carts.Carts | Directory.Directory> = Layer.effectContext(
  Effect.sync(() => {
    const book: Book = {
      users: new Map(),
      accounts: new Map(),
      stores: new Set(),
      carts: new Map(),
      accountMembers: new Map(),
      storeMembers: new Map()
    }
    const listeners = Listeners.make()
    return Context.make(Access.Access, makeAccess(book, listeners.onChange)).pipe(
      Context.add(Carts.Carts, makeCarts(book, listeners.tell)),
      Context.add(Directory.Directory, telling(makeDirectory(book), listeners.tell))
    )
  })
)
