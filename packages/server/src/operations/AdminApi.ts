/**
 * AdminApi: the operations of `Admin` and the pages of `Operations` as an `HttpApi`, for the OpenAPI document, with a
 * summary and an example body each. Loaded when the document is requested.
 */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import * as CheckoutError from "@onelane/checkout/CheckoutErrorSchema"
import { type Documentation, ProblemSchema } from "@onelane/http"
import * as Schema from "effect/Schema"
import * as Admin from "./Admin.js"
import type { Operation } from "./AdminOperation.js"

/** A summary and an example body for each operation. */
const documented: { readonly [N in Admin.Name]: readonly [string, Admin.In<N>] } = {
  "sessions.list": [
    "List sessions, a page at a time: those that need attention first, or by id; by state, cart and search",
    { order: "attention", search: "cart-", stuckMillis: 60_000, limit: 50, archived: true }
  ],
  "sessions.counts": ["Count the sessions that failed, are stuck, run or are live", { stuckMillis: 60_000 }],
  "sessions.inspect": [
    "Read a session with its running task and the last calls that were refused",
    { checkoutSessionId: "cs_example" }
  ],
  "engine.flow": ["Read the states and transitions of the flow", {}],
  "engine.stats": ["Read what this server has counted since it started", {}],
  "sessions.prune": [
    "Remove sessions that finished before an instant, with their history",
    { archivedBefore: "2026-01-31T00:00:00.000Z", keepCompleted: true }
  ],
  "buyers.erase": [
    "Erase everything about one buyer: by cart, or by owner; live sessions refuse it unless force cancels them",
    { cartId: "cart-of-somebody", compact: false }
  ],
  "keys.create": [
    "Make an API key; its token is shown in this answer and nowhere else",
    { label: "nightly export", userId: "ann", roles: ["commerce-integrator"], expiresInMillis: 7_776_000_000 }
  ],
  "keys.list": ["List API keys, without their secrets", {}],
  "keys.revoke": ["End an API key", { id: "0f1e2d3c4b5a6978" }],
  "users.put": ["Add a user, or replace its roles", { id: "ann", roles: ["buyer-checkout"] }],
  "users.remove": ["Remove a user and its memberships", { id: "somebody" }],
  "users.list": ["List users, a page at a time", { after: "ann", limit: 50 }],
  "accounts.put": ["Add an account, or say whether it is active", { id: "acme", active: true }],
  "accounts.remove": ["Remove an account and its memberships", { id: "bankrupt" }],
  "accounts.list": ["List accounts, a page at a time", { limit: 50 }],
  "stores.put": ["Add a store", { id: "store" }],
  "stores.remove": ["Remove a store and its memberships", { id: "closed" }],
  "stores.list": ["List stores, a page at a time", { limit: 50 }],
  "account-members.put": ["Let a user act for an account", { accountId: "acme", userId: "ann" }],
  "account-members.remove": ["Let a user act for an account no longer", { accountId: "acme", userId: "somebody" }],
  "account-members.list": [
    "List who may act for which account, a page at a time",
    { after: "acme", afterMember: "ann", limit: 50 }
  ],
  "store-members.put": ["Make an account a member of a store", { storeId: "store", accountId: "acme" }],
  "store-members.remove": ["End the membership of an account", { storeId: "store", accountId: "bankrupt" }],
  "store-members.list": ["List which account is a member of which store, a page at a time", { limit: 50 }],
  "carts.put": [
    "Add a cart, or replace it",
    { id: "cart-1", storeId: "store", accountId: "acme", ownerId: "ann", status: "Active" }
  ],
  "carts.remove": ["Remove a cart", { id: "cart-2" }],
  "carts.list": ["List carts, a page at a time", { limit: 50 }],
  "backups.create": ["Copy the SQLite file into the server's folder for backups", { name: "nightly.db" }]
}

const names = Object.keys(documented) as ReadonlyArray<Admin.Name>

const Problem = Schema.Union(
  ProblemSchema.problem(CheckoutError.ActionNotPermitted, "ActionNotPermitted"),
  ProblemSchema.problem(CheckoutError.InvalidInput, "InvalidInput"),
  ProblemSchema.problem(CheckoutError.StorageUnavailable, "StorageUnavailable"),
  ProblemSchema.anyAdapter
)

/** Additional errors of an operation about one session. */
const Unseen = Schema.Union(
  ProblemSchema.problem(CheckoutError.SessionInaccessible, "SessionInaccessible"),
  ProblemSchema.problem(CheckoutError.AccountInaccessible, "AccountInaccessible"),
  ProblemSchema.problem(CheckoutError.NotStoreMember, "NotStoreMember"),
  ProblemSchema.problem(CheckoutError.Overloaded, "Overloaded")
)

const admin = names.reduce<any>((group, name) => {
  const { input, output } = Admin.operations[name] as Operation<any, any>
  const endpoint = HttpApiEndpoint.post(name, `${Admin.prefix}${name}`)
    .setPayload(input)
    .addSuccess(output)
    .annotate(OpenApi.Summary, documented[name][0])
  return group.add(name === "sessions.inspect" ? endpoint.addError(Unseen) : endpoint)
}, HttpApiGroup.make("admin").addError(Problem))

const Word = Schema.Struct({ status: Schema.String })
const Busy = Word.annotations(HttpApiSchema.annotations({ status: 503 }))

const operations = HttpApiGroup.make("operations")
  .add(
    HttpApiEndpoint.get("alive", "/healthz").addSuccess(Word).annotate(OpenApi.Summary, "Whether the process answers")
  )
  .add(
    HttpApiEndpoint.get("ready", "/readyz")
      .addSuccess(Word)
      .addError(Busy)
      .annotate(
        OpenApi.Summary,
        "Whether work should be sent here: the store answers, and the server is not about to end"
      )
  )
  .add(
    HttpApiEndpoint.get("metrics", "/metrics")
      .addSuccess(HttpApiSchema.Text({ contentType: "text/plain" }))
      .annotate(OpenApi.Summary, "The numbers of this server, as Prometheus text")
  )

/** What the server adds to the OpenAPI document. */
export const additions: Documentation.Additions = {
  groups: [admin, operations],
  bodies: Object.fromEntries(names.map((name) => [`admin.${name}`, documented[name][1]])),
  open: ["operations"]
}
