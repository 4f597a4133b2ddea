/**
 * Admin: the operators' operations: sessions, engine, directory, API keys, removal, backups. One table with the input
 * and output of each. `AdminFormat` and `AdminClient` provide it over HTTP; without a server the command line runs it
 * on a storage.
 *
 * Does not decide who may call it: the format asks `Access`, and opening the file is permission enough.
 */
import { Caller, Carts, Retention } from "@onelane/checkout"
import { Directory } from "@onelane/directory"
import { WireSession } from "@onelane/http"
import { ApiKeysSql, DirectoryList } from "@onelane/sql"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as ApiKey from "../identity/ApiKey.js"
import { After, Count, Done, Flag, Id, Instant, mustBe, named, textUpTo, whole } from "./AdminInput.js"
import { type AdminFailure, type Operation, operation } from "./AdminOperation.js"
import * as BackupFolder from "./BackupFolder.js"
import * as EngineAdmin from "./EngineAdmin.js"
import * as SessionAdmin from "./SessionAdmin.js"

/** The path prefix of the operations: `POST` this plus the name. */
export const prefix = "/admin/v1/"

const Role = Schema.Literal(...Caller.roles)
const Roles = mustBe(
  `a list of at most ${Caller.roles.length} of: ${Caller.roles.join(", ")}`,
  Schema.Array(Role).pipe(Schema.maxItems(Caller.roles.length))
)
const Status = mustBe(`one of: ${Carts.cartStatuses.join(", ")}`, Schema.Literal(...Carts.cartStatuses))

/** A page of a list: entries after `after`, at most `limit`. */
const Page = Schema.Struct({
  after: Schema.optionalWith(After, { default: () => "" }),
  afterMember: Schema.optionalWith(After, { default: () => "" }),
  limit: Schema.optionalWith(whole(1, DirectoryList.pageEntries), { default: () => 100 })
})

const User = Schema.Struct({ id: Id, roles: Schema.optionalWith(Roles, { default: () => [] }) })
const Account = Schema.Struct({ id: Id, active: Schema.optionalWith(Flag, { default: () => true }) })
const AccountMember = Schema.Struct({ accountId: Id, userId: Id })
const StoreMember = Schema.Struct({ storeId: Id, accountId: Id })
const Cart = Schema.Struct({
  id: Id,
  storeId: Id,
  accountId: Id,
  ownerId: Id,
  status: Schema.optionalWith(Status, { default: () => "Active" as const })
})

/** A key as it is shown: without its secret and its digest. */
const Key = Schema.Struct({
  id: Schema.String,
  label: Schema.String,
  userId: Schema.String,
  roles: Roles,
  accountId: Schema.NullOr(Schema.String),
  createdAt: WireSession.Instant,
  expiresAt: Schema.NullOr(WireSession.Instant),
  revokedAt: Schema.NullOr(WireSession.Instant)
})

const withoutDigest = ({ digest: _, ...key }: ApiKeysSql.ApiKey): typeof Key.Type => key

const write = <In>(
  input: Schema.Schema<In, any>,
  run: (directory: Directory.DirectoryShape, input: In) => Effect.Effect<void, AdminFailure>
): Operation<In, typeof Done.Type> =>
  operation(input, Done, (said) =>
    Effect.as(
      Effect.flatMap(Directory.Directory, (directory) => run(directory, said)),
      {}
    )
  )

const list = <A>(
  entry: Schema.Schema<A, any>,
  run: (list: DirectoryList.DirectoryListShape, page: typeof Page.Type) => Effect.Effect<ReadonlyArray<A>, AdminFailure>
) =>
  operation(Page, Schema.Struct({ entries: Schema.Array(entry) }), (page) =>
    Effect.flatMap(DirectoryList.DirectoryList, (list) => Effect.map(run(list, page), (entries) => ({ entries })))
  )

/** The directory. `put` adds or replaces; `remove` of a missing entry does nothing. */
const directory = {
  "users.put": write(User, (to, user) => to.putUser(user)),
  "users.remove": write(named, (to, { id }) => to.removeUser(id)),
  "users.list": list(User, (from, page) => from.users(page)),
  "accounts.put": write(Account, (to, account) => to.putAccount(account)),
  "accounts.remove": write(named, (to, { id }) => to.removeAccount(id)),
  "accounts.list": list(Account, (from, page) => from.accounts(page)),
  "stores.put": write(named, (to, { id }) => to.putStore(id)),
  "stores.remove": write(named, (to, { id }) => to.removeStore(id)),
  "stores.list": list(named, (from, page) => from.stores(page)),
  "account-members.put": write(AccountMember, (to, { accountId, userId }) => to.putAccountMember(accountId, userId)),
  "account-members.remove": write(AccountMember, (to, { accountId, userId }) =>
    to.removeAccountMember(accountId, userId)
  ),
  "account-members.list": list(AccountMember, (from, page) => from.accountMembers(page)),
  "store-members.put": write(StoreMember, (to, { accountId, storeId }) => to.putStoreMember(storeId, accountId)),
  "store-members.remove": write(StoreMember, (to, { accountId, storeId }) => to.removeStoreMember(storeId, accountId)),
  "store-members.list": list(StoreMember, (from, page) => from.storeMembers(page)),
  "carts.put": write(Cart, (to, cart) => to.putCart(cart)),
  "carts.remove": write(named, (to, { id }) => to.removeCart(id)),
  "carts.list": list(Cart, (from, page) => from.carts(page))
}

/** A key that lives longer needs no end: a hundred years. */
const longestLifeMillis = 3_155_760_000_000

/** API keys. Only the answer of `create` contains the token. */
const keys = {
  "keys.create": operation(
    Schema.Struct({
      label: Schema.optionalWith(textUpTo(255), { default: () => "" }),
      userId: Id,
      roles: Schema.optionalWith(Roles, { default: () => [] }),
      accountId: Schema.optionalWith(Schema.NullOr(Id), { default: () => null }),
      expiresInMillis: Schema.optionalWith(Schema.NullOr(whole(1, longestLifeMillis)), { default: () => null })
    }),
    Schema.Struct({ token: Schema.String, key: Key }),
    ({ expiresInMillis, ...wanted }) =>
      Effect.gen(function* () {
        const expiresAt = expiresInMillis === null ? null : (yield* Clock.currentTimeMillis) + expiresInMillis
        const { key, token } = yield* ApiKey.create({ ...wanted, expiresAt })
        return { token, key: withoutDigest(key) }
      })
  ),
  "keys.list": operation(Done, Schema.Struct({ keys: Schema.Array(Key) }), () =>
    Effect.flatMap(ApiKeysSql.ApiKeys, ({ list }) => Effect.map(list, (keys) => ({ keys: keys.map(withoutDigest) })))
  ),
  "keys.revoke": operation(named, Schema.Struct({ revoked: Schema.Boolean }), ({ id }) =>
    Effect.gen(function* () {
      const { revoke } = yield* ApiKeysSql.ApiKeys
      return { revoked: yield* revoke(id, yield* Clock.currentTimeMillis) }
    })
  )
}

/** Permanent removal. */
const retention = {
  "sessions.prune": operation(
    Schema.Struct({
      archivedBefore: Instant,
      keepCompleted: Schema.optionalWith(Flag, { default: () => false })
    }),
    Schema.Struct({ pruned: Schema.Int }),
    (input) => Effect.flatMap(Retention.Retention, ({ prune }) => prune(input))
  ),
  "buyers.erase": operation(
    Schema.Struct({
      cartId: Schema.optional(Id),
      ownerId: Schema.optional(Id),
      force: Schema.optionalWith(Flag, { default: () => false }),
      compact: Schema.optionalWith(Flag, { default: () => true })
    }),
    Schema.Struct({ erasureId: Schema.String, sessions: Schema.Int, carts: Schema.Int, entries: Schema.Int }),
    (input) => Effect.flatMap(Retention.Retention, ({ erase }) => erase(input))
  )
}

/** Backups of the store. */
const backups = {
  "backups.create": operation(
    Schema.Struct({ name: Schema.optionalWith(mustBe("text", Schema.String), { default: () => "" }) }),
    Schema.Struct({
      path: Schema.String,
      bytes: Count,
      tookMillis: Count,
      format: Count,
      sessions: Count,
      carts: Count,
      events: Count
    }),
    ({ name }) =>
      Effect.flatMap(Clock.currentTimeMillis, (nowMillis) => BackupFolder.make(name || BackupFolder.nameAt(nowMillis)))
  )
}

/** Whether an operation reads the whole store and may take minutes. */
export const isLong = (name: Name): boolean => name in retention || name in backups

/** Every operation, by name. */
export const operations = {
  ...SessionAdmin.operations,
  ...EngineAdmin.operations,
  ...keys,
  ...directory,
  ...retention,
  ...backups
}

/** Whether an operation only reads, so that nothing can have been applied. */
export const isRead = (name: Name): boolean =>
  name.endsWith(".list") || name in SessionAdmin.operations || name in EngineAdmin.operations

/** The name of an operation. */
export type Name = keyof typeof operations

/** The encoded input of an operation: fields with a default are optional. */
export type In<N extends Name> = Schema.Schema.Encoded<(typeof operations)[N]["input"]>

/** The output of an operation. */
export type Out<N extends Name> = Schema.Schema.Type<(typeof operations)[N]["output"]>

/** Runs operations on a server or a storage. */
export interface Admin<E> {
  readonly call: <N extends Name>(name: N, input: Readonly<Record<string, unknown>>) => Effect.Effect<Out<N>, E>
}
