/**
 * Directory: built-in store of users, accounts, stores and carts. It implements the ports `Access` and `Carts`; a host
 * with its own systems provides the two ports and needs no directory.
 *
 * Every call is idempotent, and durable when it succeeds. A membership needs both its members to exist, and is removed
 * with either of them. The store, account and owner of a cart need not exist, so a cart can outlive them.
 */

import type { PortUnavailable } from "@onelane/checkout/Access"
import type { Role } from "@onelane/checkout/Caller"
import type { Cart, CartStatus } from "@onelane/checkout/Carts"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

/** A user, and its roles in addition to those of its token. */
export interface User {
  readonly id: string
  readonly roles: ReadonlyArray<Role>
}

/** An account; one that is not active is invalid for checkout. */
export interface Account {
  readonly id: string
  readonly active: boolean
}

/** A call names an entry that does not exist. Nothing was written. */
export interface UnknownEntry {
  readonly _tag: "UnknownEntry"
  readonly entry: "user" | "account" | "store" | "cart"
  readonly id: string
}

/** Makes an `UnknownEntry`. */
export const unknownEntry = (entry: UnknownEntry["entry"], id: string): UnknownEntry => ({
  _tag: "UnknownEntry",
  entry,
  id
})

/** The directory. `put…` adds or replaces an entry; `remove…` does nothing for an entry that does not exist. */
export interface DirectoryShape {
  readonly putUser: (user: User) => Effect.Effect<void, PortUnavailable>
  readonly removeUser: (userId: string) => Effect.Effect<void, PortUnavailable>
  readonly putAccount: (account: Account) => Effect.Effect<void, PortUnavailable>
  readonly removeAccount: (accountId: string) => Effect.Effect<void, PortUnavailable>
  /** Lets a user act for an account. */
  readonly putAccountMember: (accountId: string, userId: string) => Effect.Effect<void, PortUnavailable | UnknownEntry>
  readonly removeAccountMember: (accountId: string, userId: string) => Effect.Effect<void, PortUnavailable>
  readonly putStore: (storeId: string) => Effect.Effect<void, PortUnavailable>
  readonly removeStore: (storeId: string) => Effect.Effect<void, PortUnavailable>
  /** Makes an account a member of a store. */
  readonly putStoreMember: (storeId: string, accountId: string) => Effect.Effect<void, PortUnavailable | UnknownEntry>
  readonly removeStoreMember: (storeId: string, accountId: string) => Effect.Effect<void, PortUnavailable>
  readonly putCart: (cart: Cart) => Effect.Effect<void, PortUnavailable>
  readonly removeCart: (cartId: string) => Effect.Effect<void, PortUnavailable>
  readonly setCartStatus: (cartId: string, status: CartStatus) => Effect.Effect<void, PortUnavailable | UnknownEntry>
}

/** The directory. */
export class Directory extends Context.Tag("@onelane/directory/Directory")<Directory, DirectoryShape>() {}
