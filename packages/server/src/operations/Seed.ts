/**
 * Seed: a small directory as JSON. At every start entries that the directory lacks are added; existing ones stay as
 * they are, so that a restart does not reopen a closed cart or restore a role.
 */
import { type Access, Carts } from "@onelane/checkout"
import { Directory } from "@onelane/directory"
import { DirectoryList } from "@onelane/sql"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Id = Schema.NonEmptyString
const Role = Schema.Literal("modify-all-data", "commerce-integrator", "buyer-checkout")
const orElse = <A, I>(schema: Schema.Schema<A, I>, value: () => A) => Schema.optionalWith(schema, { default: value })
const ids = orElse(Schema.Array(Id), () => [])

/** Users, stores, accounts with their users and stores, and carts. */
export const Seed = Schema.Struct({
  users: orElse(Schema.Array(Schema.Struct({ id: Id, roles: orElse(Schema.Array(Role), () => []) })), () => []),
  stores: ids,
  accounts: orElse(
    Schema.Array(Schema.Struct({ id: Id, active: orElse(Schema.Boolean, () => true), users: ids, stores: ids })),
    () => []
  ),
  carts: orElse(
    Schema.Array(
      Schema.Struct({
        id: Id,
        storeId: Id,
        accountId: Id,
        ownerId: Id,
        status: orElse(Schema.Literal(...Carts.cartStatuses), () => "Active" as const)
      })
    ),
    () => []
  )
})

/** Users, stores, accounts and carts. */
export type Seed = typeof Seed.Type

type Put = Effect.Effect<void, Access.PortUnavailable>

/** Adds missing entries to the current directory. Fails on an account that names an unknown user or store. */
export const put = (
  seed: Seed
): Effect.Effect<
  void,
  Access.PortUnavailable | Directory.UnknownEntry,
  Directory.Directory | DirectoryList.DirectoryList
> =>
  Effect.gen(function* () {
    const directory = yield* Directory.Directory
    const { holds } = yield* DirectoryList.DirectoryList
    const unlessHeld = (entry: Directory.UnknownEntry["entry"], id: string, add: Put): Put =>
      Effect.flatMap(holds(entry, id), (held) => (held ? Effect.void : add))
    for (const user of seed.users) yield* unlessHeld("user", user.id, directory.putUser(user))
    for (const storeId of seed.stores) yield* directory.putStore(storeId)
    for (const { active, id, stores, users } of seed.accounts) {
      yield* unlessHeld("account", id, directory.putAccount({ id, active }))
      for (const userId of users) yield* directory.putAccountMember(id, userId)
      for (const storeId of stores) yield* directory.putStoreMember(storeId, id)
    }
    for (const cart of seed.carts) yield* unlessHeld("cart", cart.id, directory.putCart(cart))
  })
