/** The directory in memory answers the ports: who may do what, and which cart is whose. */
import { Caller, Carts } from "@onelane/checkout"
import { Access } from "@onelane/checkout/Access"
import { Directory, DirectoryMemory } from "@onelane/directory"
import { Effect } from "effect"

const program = Effect.gen(function* () {
  const directory = yield* Directory.Directory
  yield* directory.putUser({ id: "ann", roles: ["buyer-checkout"] })
  yield* directory.putAccount({ id: "acme", active: true })
  yield* directory.putAccountMember("acme", "ann")
  yield* directory.putStore("store")
  yield* directory.putStoreMember("store", "acme")
  const cart = { id: "cart-1", storeId: "store", accountId: "acme", ownerId: "ann", status: "Active" } as const
  yield* directory.putCart(cart)

  const access = yield* Access
  const subject = { cartId: cart.id, storeId: cart.storeId, accountId: cart.accountId, ownerId: cart.ownerId }
  for (const user of ["ann", "bob"]) {
    const { mayInvoke, maySee } = yield* access.rights(Caller.make(user, []), "update", subject)
    console.log(`${user}: may update ${mayInvoke}, may see ${maySee}`)
  }
  console.log((yield* Effect.flatMap(Carts.Carts, (carts) => carts.find("cart-1")))?.status)
})

await Effect.runPromise(Effect.provide(program, DirectoryMemory.layer))
