/**
 * AccessWorld: two stores, three accounts, and somebody for every role, membership and acting account, before a real server
 * on a real store. What is promised to each of them is `AccessModel`'s to say.
 */
import { createServer } from "node:http"
import * as HttpServer from "@effect/platform/HttpServer"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Caller, CheckoutEngine, CheckoutSessions } from "@onelane/checkout"
import { Directory } from "@onelane/directory"
import { Authentication, CheckoutServer } from "@onelane/http"
import * as Model from "@onelane/testkit/AccessModel"
import { Context, Effect, Layer } from "effect"
import * as Store from "../src/serve/Store.js"

export const stores = ["store-one", "store-two"] as const
export const accounts = ["account-one", "account-two", "account-shut"] as const

type Account = (typeof accounts)[number]
type StoreId = (typeof stores)[number]

/** The second store knows the first account only; the third account is not active. */
const memberships: ReadonlyArray<readonly [StoreId, Account]> = [
  ["store-one", "account-one"],
  ["store-one", "account-two"],
  ["store-one", "account-shut"],
  ["store-two", "account-one"]
]

/** Somebody who calls; the token is the name. */
export interface Person extends Model.Person {
  readonly token: string
  /** Where the roles are: in the token, or in the directory. */
  readonly granted: "token" | "directory"
  readonly memberOf: Account | null
}

const rolesOf: ReadonlyArray<readonly [string, ReadonlyArray<Caller.Role>, Person["granted"]]> = [
  ["nobody", [], "token"],
  ...Caller.roles.flatMap((role) => [
    [role, [role], "token"] as const,
    [`${role}-by-directory`, [role], "directory"] as const
  ])
]

export const people: ReadonlyArray<Person> = rolesOf.flatMap(([name, roles, granted]) =>
  [null, ...accounts].flatMap((memberOf) =>
    [null, ...accounts].map((acting) => {
      const userId = `${name}-of-${memberOf ?? "none"}`
      return { token: `${userId}-for-${acting ?? "any"}`, userId, roles, granted, memberOf, acting }
    })
  )
)

/** One session for each store, account and owner: a stranger, and a buyer without an account. */
export const held: ReadonlyArray<Model.Held> = stores.flatMap((storeId) =>
  accounts.flatMap((accountId) =>
    ["somebody-else", "buyer-checkout-of-none"].map((ownerId) => {
      const id = `${storeId}_${accountId}_${ownerId}`
      return { id, cartId: `cart-${id}`, storeId, accountId, ownerId }
    })
  )
)

const shut: Account = "account-shut"

/** What the directory says. */
const book: Model.Book = {
  granted: new Map(),
  activeAccounts: new Set(accounts.filter((each) => each !== shut)),
  accountMembers: new Set(people.flatMap(({ memberOf, userId }) => (memberOf ? [Model.pair(memberOf, userId)] : []))),
  storeMembers: new Set(memberships.map(([store, account]) => Model.pair(store, account)))
}

/** The tag of the refusal, or null where the rights hold. */
export const expected = (person: Person, asked: Model.Asked, session: Model.Held): Model.Refusal | null =>
  Model.expected(book, person, asked, session)

/** Where the server listens. */
export class Base extends Context.Tag("test/AccessWorld")<Base, string>() {}

const callers = Object.fromEntries(
  people.map(({ acting, granted, roles, token, userId }) => [
    token,
    Caller.make(userId, granted === "token" ? roles : [], acting)
  ])
)

const fill = Effect.gen(function* () {
  const directory = yield* Directory.Directory
  const sessions = yield* CheckoutSessions.CheckoutSessions
  for (const id of accounts) yield* directory.putAccount({ id, active: true })
  for (const id of stores) yield* directory.putStore(id)
  for (const store of stores) for (const account of accounts) yield* directory.putStoreMember(store, account)
  for (const { granted, memberOf, roles, userId } of people) {
    yield* directory.putUser({ id: userId, roles: granted === "directory" ? roles : [] })
    if (memberOf !== null) yield* directory.putAccountMember(memberOf, userId)
  }
  for (const { accountId, cartId, id, ownerId, storeId } of held) {
    yield* directory.putCart({ id: cartId, storeId, accountId, ownerId, status: "Active" })
    yield* sessions.open(Caller.host, { cartId, checkoutSessionId: id })
  }
  // Only now, for nobody could have opened these.
  yield* directory.putAccount({ id: shut, active: false })
  for (const store of stores) {
    for (const account of accounts) {
      if (!book.storeMembers.has(Model.pair(store, account))) yield* directory.removeStoreMember(store, account)
    }
  }
})

const base = Layer.effect(
  Base,
  Effect.map(HttpServer.HttpServer, ({ address }) =>
    address._tag === "TcpAddress" ? `http://127.0.0.1:${address.port}` : ""
  )
)

/** The server, filled. */
export const world = Layer.effectDiscard(fill).pipe(
  Layer.provideMerge(CheckoutServer.layer()),
  Layer.provideMerge(base),
  Layer.provide(NodeHttpServer.layerServer(createServer, { port: 0, host: "127.0.0.1" })),
  Layer.provide(Authentication.layerStatic(callers)),
  Layer.provideMerge(CheckoutEngine.layer()),
  Layer.provideMerge(Store.layer(":memory:"))
)
