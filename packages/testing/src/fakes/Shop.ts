/**
 * Shop: the data behind the two ports of an app: carts, and which users may shop. It changes while a checkout runs,
 * like the database of a shop: a right is revoked, a cart is closed. The simulator then checks that no call is accepted
 * that was made after the change.
 */
import type { Access, Caller, Carts } from "@onelane/checkout"
import type { HostAccess, HostCarts } from "@onelane/sdk"
import type { Fake } from "./Fake.js"

/** Which users may shop. */
export interface Rights {
  /** Queries whether a user may still shop. */
  readonly ask: (userId: string) => Promise<boolean>
  /** Revokes the right. */
  readonly revoke: (userId: string) => void
  readonly restore: (userId: string) => void
  /** What is true now, for the test. */
  readonly isRevoked: (userId: string) => boolean
  /** An access port that queries each time: a user who may shop may do everything with every cart. */
  readonly port: HostAccess
  /** Whether the rights were ever queried. */
  readonly wasAsked: () => boolean
}

/** The carts of a shop. */
export interface ShopCarts {
  /** Queries a cart. A cart without `put` is active and belongs to `buyer`. */
  readonly ask: (cartId: string) => Promise<Carts.Cart>
  readonly put: (cart: Carts.Cart) => void
  readonly setStatus: (cartId: string, status: Carts.Cart["status"]) => void
  /** What is true now, for the test. */
  readonly of: (cartId: string) => Carts.Cart
  /** A carts port that queries each time. */
  readonly port: HostCarts
  /** Carts that were queried, for the test. */
  readonly askedFor: () => ReadonlyArray<string>
}

/** Makes the rights. */
export const makeRights = (fake: Fake): Rights => {
  const revoked = new Set<string>()
  let asked = false
  const ask = (userId: string): Promise<boolean> => {
    asked = true
    return fake.call("ask", {}, { userId }, () => !revoked.has(userId))
  }
  const isHost = ({ roles }: Caller.Caller): boolean => roles.includes("modify-all-data")
  const mayShop = async (caller: Caller.Caller): Promise<boolean> => isHost(caller) || (await ask(caller.userId))
  return {
    ask,
    revoke: (userId) => void revoked.add(userId),
    restore: (userId) => void revoked.delete(userId),
    isRevoked: (userId) => revoked.has(userId),
    wasAsked: () => asked,
    port: {
      mayInvoke: () => true,
      rights: async (caller) => allOrNothing(await mayShop(caller))
    }
  }
}

/** Every right, or none. */
export const allOrNothing = (granted: boolean): Access.Rights => ({
  mayInvoke: granted,
  maySee: true,
  accountAccessible: granted,
  storeMember: granted
})

/** Makes the carts. */
export const makeCarts = (fake: Fake): ShopCarts => {
  const carts = new Map<string, Carts.Cart>()
  const asked = new Set<string>()
  const of = (id: string): Carts.Cart =>
    carts.get(id) ?? { id, storeId: "store", accountId: "account", ownerId: "buyer", status: "Active" }
  const ask = (cartId: string): Promise<Carts.Cart> => {
    asked.add(cartId)
    return fake.call("find", {}, { cartId }, () => of(cartId))
  }
  return {
    ask,
    put: (cart) => void carts.set(cart.id, { ...cart }),
    setStatus: (cartId, status) => void carts.set(cartId, { ...of(cartId), status }),
    of,
    port: { find: ask },
    askedFor: () => [...asked]
  }
}
