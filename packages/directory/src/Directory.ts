/**
 * Directory: the small book a host keeps about users, accounts, stores and carts when nothing else keeps it. It feeds the
 * ports `Access` and `Carts`; a host with such systems of its own supplies the two ports and needs no directory.
 *
 * Every call is idempotent and durable when it answers. A membership needs both its ends, and goes when one of them goes;
 * a cart names its store, account and owner as it likes, so that it can outlive them.
 */

import type { PortUnavailable } from "@onelane/checkout/Access"
import type { Role } from "@onelane/checkout/Caller"
import type { Cart, CartStatus } from "@onelane/checkout/Carts"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

/** A user and the roles it has besides those of its token. */
export interface User {
  readonly id: string
  readonly roles: ReadonlyArray<Role>
}

/** An account; one that is not active is invalid for checkout. */
export interface Account {
  readonly id: string
  readonly active: boolean
}

/** A call named something the directory does not hold. Nothing was written. */
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

/** The book. `put` adds or replaces, `remove` of something that is not there does nothing. */
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

/** The directory in force. */
export class Directory extends Context.Tag("@onelane/directory/Directory")<Directory, DirectoryShape>() {}
