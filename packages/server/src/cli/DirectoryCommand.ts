/**
 * DirectoryCommand: `onelane directory`: users, accounts, stores, memberships and carts. `put` adds or replaces;
 * `remove` of an entry that does not exist does nothing.
 */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import { Caller, Carts } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Admin from "../operations/Admin.js"
import * as Output from "./Output.js"
import * as Target from "./Target.js"

/** The fields by which the next page of each list is requested. */
const keys = {
  "users.list": ["id"],
  "accounts.list": ["id"],
  "stores.list": ["id"],
  "carts.list": ["id"],
  "account-members.list": ["accountId", "userId"],
  "store-members.list": ["storeId", "accountId"]
} as const

type ListName = keyof typeof keys

const pageEntries = 1_000

type Input = Readonly<Record<string, unknown>>

/** A whole list, page after page. */
const all = (admin: Admin.Admin<Target.Refused>, name: ListName) =>
  Effect.gen(function* () {
    const found: Array<Output.Row> = []
    const [first, second] = keys[name]
    for (;;) {
      const last = found.at(-1)
      const after = last === undefined ? {} : { after: last[first], ...(second && { afterMember: last[second] }) }
      const { entries } = yield* admin.call(name, { ...after, limit: pageEntries })
      found.push(...entries.map((entry) => ({ ...entry })))
      if (entries.length < pageEntries) return found
    }
  })

const listing = (title: string, names: ReadonlyArray<ListName>) =>
  Command.make("list", { ...Target.options, json: Output.json }, ({ json, ...target }) =>
    Target.run(
      Effect.gen(function* () {
        const admin = yield* Target.admin(target)
        const lists = yield* Effect.forEach(names, (name) => all(admin, name))
        yield* Output.show(json, { entries: lists.flat() }, () =>
          lists
            .filter((rows, index) => rows.length > 0 || index === 0)
            .map((rows) => Output.table(rows, `no ${title}`))
            .join("\n\n")
        )
      })
    )
  ).pipe(Command.withDescription(`List ${title}.`))

/** Calls one operation and prints the result. */
const call = (target: Target.Target & { readonly json: boolean }, name: Admin.Name, input: Input) =>
  Target.run(
    Effect.gen(function* () {
      const admin = yield* Target.admin(target)
      yield* admin.call(name, input)
      const said = Object.entries(input).map(
        ([key, value]) => `${key}=${Array.isArray(value) ? value.join(",") : value}`
      )
      yield* Output.show(target.json, { done: name, ...input }, () => `${name} ${said.join(" ")}`)
    })
  )

const shared = { ...Target.options, json: Output.json }
const idOf = (name: string) => Args.withDescription(Args.text({ name }), `The id of the ${name}`)
const text = (name: string, description: string) =>
  Options.text(name).pipe(Options.withPseudoName("id"), Options.withDescription(description))

const removing = (title: string, name: Admin.Name) =>
  Command.make("remove", { ...shared, id: idOf(title) }, ({ id, ...target }) => call(target, name, { id })).pipe(
    Command.withDescription(`Remove one of the ${title}s.`)
  )

const users = Command.make("users").pipe(
  Command.withDescription("Users, and the roles they have in addition to those of their tokens."),
  Command.withSubcommands([
    Command.make(
      "put",
      {
        ...shared,
        roles: Options.choice("role", Caller.roles).pipe(
          Options.withDescription("A role; may be repeated"),
          Options.repeated
        ),
        id: idOf("user")
      },
      ({ id, roles, ...target }) => call(target, "users.put", { id, roles })
    ).pipe(Command.withDescription("Add a user, or replace its roles.")),
    removing("user", "users.remove"),
    listing("users", ["users.list"])
  ])
)

const accounts = Command.make("accounts").pipe(
  Command.withDescription("Accounts that carts belong to."),
  Command.withSubcommands([
    Command.make(
      "put",
      {
        ...shared,
        inactive: Options.withDescription(Options.boolean("inactive"), "The account is not valid for checkout"),
        id: idOf("account")
      },
      ({ id, inactive, ...target }) => call(target, "accounts.put", { id, active: !inactive })
    ).pipe(Command.withDescription("Add an account, or say whether it is active.")),
    removing("account", "accounts.remove"),
    listing("accounts", ["accounts.list"])
  ])
)

const stores = Command.make("stores").pipe(
  Command.withDescription("Web stores."),
  Command.withSubcommands([
    Command.make("put", { ...shared, id: idOf("store") }, ({ id, ...target }) =>
      call(target, "stores.put", { id })
    ).pipe(Command.withDescription("Add a store.")),
    removing("store", "stores.remove"),
    listing("stores", ["stores.list"])
  ])
)

const membership = {
  ...shared,
  account: text("account", "The account"),
  user: Options.optional(text("user", "The user who may act for it")),
  store: Options.optional(text("store", "The store it is a member of"))
}

const member = (verb: "put" | "remove", description: string) =>
  Command.make(verb, membership, ({ account, store, user, ...target }) => {
    if (Option.isSome(user) === Option.isSome(store)) {
      return Target.misused("a membership is --account with either --user or --store")
    }
    return Option.isSome(user)
      ? call(target, `account-members.${verb}`, { accountId: account, userId: user.value })
      : call(target, `store-members.${verb}`, { accountId: account, storeId: Option.getOrThrow(store) })
  }).pipe(Command.withDescription(description))

const members = Command.make("members").pipe(
  Command.withDescription("Which users act for an account, and which stores it is a member of."),
  Command.withSubcommands([
    member("put", "Let a user act for an account, or make an account a member of a store."),
    member("remove", "Remove a membership."),
    listing("members", ["account-members.list", "store-members.list"])
  ])
)

const carts = Command.make("carts").pipe(
  Command.withDescription("Carts: their store, account, owner and status."),
  Command.withSubcommands([
    Command.make(
      "put",
      {
        ...shared,
        storeId: text("store", "Its store"),
        accountId: text("account", "Its account"),
        ownerId: text("owner", "The buyer who opened it"),
        status: Options.choice("status", Carts.cartStatuses).pipe(
          Options.withDescription("Its status; only Active and Checkout allow updates"),
          Options.withDefault("Active" as const)
        ),
        id: idOf("cart")
      },
      ({ accountId, id, ownerId, status, storeId, ...target }) =>
        call(target, "carts.put", { id, storeId, accountId, ownerId, status })
    ).pipe(Command.withDescription("Add a cart, or replace it.")),
    removing("cart", "carts.remove"),
    listing("carts", ["carts.list"])
  ])
)

/** `onelane directory`. */
export const directory = Command.make("directory").pipe(
  Command.withDescription("Users, accounts, stores, memberships and carts."),
  Command.withSubcommands([users, accounts, stores, members, carts])
)
