/**
 * DirectoryDoor: the directory over Promises. It validates entries before they are stored, because they decide later
 * who may do what.
 *
 * `Embedded` loads it only with `directory: true`.
 */

import type * as Access from "@onelane/checkout/Access"
import * as Carts from "@onelane/checkout/Carts"
import * as Ids from "@onelane/checkout/Ids"
import type * as Directory from "@onelane/directory/Directory"
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import * as Options from "../open/Options.js"
import { DirectoryError } from "./Result.js"

/** The directory over Promises. A call rejects with a `DirectoryError`, or with a `TypeError` for an invalid entry. */
export type DirectoryDoor = {
  readonly [K in keyof Directory.DirectoryShape]: (...input: Parameters<Directory.DirectoryShape[K]>) => Promise<void>
}

const id: Options.Option = {
  is: `text of 1 to ${Ids.opaqueIdMaxLength} characters, none of them a control character`,
  check: (value) => typeof value === "string" && Ids.isOpaqueId(value),
  required: true
}

const status: Options.Option = {
  is: `one of ${Carts.cartStatuses.join(", ")}`,
  check: (value) => (Carts.cartStatuses as ReadonlyArray<unknown>).includes(value),
  required: true
}

const user: Options.Options<Directory.User> = { id, roles: Options.roles }
const account: Options.Options<Directory.Account> = { id, active: { ...Options.flag, required: true } }
const cart: Options.Options<Omit<Carts.Cart, "revision" | "isGuest">> = {
  id,
  storeId: id,
  accountId: id,
  ownerId: id,
  status
}

type Check = (where: string, input: ReadonlyArray<unknown>) => void

const entry =
  <A>(parts: Options.Options<A>): Check =>
  (where, [given]) =>
    Options.check(where, given, parts)

const named =
  (parts: { readonly [name: string]: Options.Option }): Check =>
  (where, input) =>
    Options.check(where, Object.fromEntries(Object.keys(parts).map((name, index) => [name, input[index]])), parts)

const checks: { readonly [Name in keyof Directory.DirectoryShape]: Check } = {
  putUser: entry(user),
  removeUser: named({ userId: id }),
  putAccount: entry(account),
  removeAccount: named({ accountId: id }),
  putAccountMember: named({ accountId: id, userId: id }),
  removeAccountMember: named({ accountId: id, userId: id }),
  putStore: named({ storeId: id }),
  removeStore: named({ storeId: id }),
  putStoreMember: named({ storeId: id, accountId: id }),
  removeStoreMember: named({ storeId: id, accountId: id }),
  putCart: entry(cart),
  removeCart: named({ cartId: id }),
  setCartStatus: named({ cartId: id, status })
}

type Method = (...input: ReadonlyArray<unknown>) => Effect.Effect<void, Directory.UnknownEntry | Access.PortUnavailable>

/** Creates the API. */
export const make = (directory: Directory.DirectoryShape, runtime: Runtime.Runtime<never>): DirectoryDoor => {
  const door = Object.entries(checks).map(([name, check]) => [
    name,
    async (...input: ReadonlyArray<unknown>): Promise<void> => {
      check(`directory.${name}`, input)
      const method = directory[name as keyof Directory.DirectoryShape] as Method
      const exit = await Runtime.runPromiseExit(runtime)(method(...input))
      if (Exit.isSuccess(exit)) return
      const failed = Cause.failureOrCause(exit.cause)
      throw failed._tag === "Left" ? new DirectoryError(failed.left) : Cause.squash(failed.right)
    }
  ])
  return Object.fromEntries(door) as DirectoryDoor
}
