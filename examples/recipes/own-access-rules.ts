/** Your own rules and carts: two ports that Onelane asks inside every turn. A revoked right counts at once. */
import { Caller, type HostAccess, type HostCarts, Onelane } from "@onelane/sdk"

const carts = new Map([["cart-1", { id: "cart-1", storeId: "shop", accountId: "acme", ownerId: "ann" }]])
const members = new Map([["acme", new Set(["ann", "bob"])]])

const access: HostAccess = {
  mayInvoke: (caller) => caller.roles.length > 0,
  rights: (caller, _action, subject) => {
    const isMember = members.get(subject.accountId)?.has(caller.userId) === true
    return { mayInvoke: true, maySee: isMember, accountAccessible: isMember, storeMember: true }
  }
}
const find: HostCarts["find"] = async (cartId) => {
  const cart = carts.get(cartId)
  return cart === undefined ? null : { ...cart, status: "Active" }
}

await using checkout = await Onelane.open({ storage: ":memory:", access, carts: { find } })
const ann = checkout.as(Caller.make("ann", ["buyer-checkout"]))
const bob = checkout.as(Caller.make("bob", ["buyer-checkout"]))

const { session } = await ann.openOrThrow({ cartId: "cart-1" })
const read = async (): Promise<string> => {
  const answer = await bob.get({ checkoutSessionId: session.id })
  return answer.ok ? `sees ${answer.value.state}` : answer.error._tag
}
console.log(`bob ${await read()}`)
members.get("acme")?.delete("bob")
console.log(`bob ${await read()}`)
