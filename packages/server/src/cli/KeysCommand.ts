/**
 * KeysCommand: `onelane keys`: API keys for programs.
 */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import { Caller } from "@onelane/checkout"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Admin from "../operations/Admin.js"
import * as Output from "./Output.js"
import * as Target from "./Target.js"

type Key = Admin.Out<"keys.list">["keys"][number]

const rowOf = (key: Key): Output.Row => ({
  key: key.id,
  label: key.label,
  user: key.userId,
  roles: key.roles,
  account: key.accountId,
  created: Output.instant(key.createdAt),
  expires: Output.instant(key.expiresAt),
  revoked: Output.instant(key.revokedAt)
})

const keyOf = (key: Key) => ({
  ...key,
  createdAt: Output.instant(key.createdAt),
  expiresAt: Output.instant(key.expiresAt),
  revokedAt: Output.instant(key.revokedAt)
})

const optional = (name: string, pseudo: string, text: string) =>
  Options.text(name).pipe(Options.withPseudoName(pseudo), Options.withDescription(text), Options.optional)

const lifetime = Options.text("expires-in").pipe(
  Options.withPseudoName("time"),
  Options.withDescription('Its lifetime, such as "90 days"; default: it does not expire'),
  Options.filterMap(
    (text) => Option.filter(Duration.decodeUnknown(text), (life) => Duration.toMillis(life) >= 1),
    'expires-in is a length of time, such as "90 days" or "12 hours"'
  ),
  Options.optional
)

const create = Command.make(
  "create",
  {
    ...Target.options,
    json: Output.json,
    user: Options.text("user").pipe(Options.withPseudoName("id"), Options.withDescription("The user it calls as")),
    roles: Options.choice("role", Caller.roles).pipe(
      Options.withDescription("A role in addition to those of its user; may be repeated"),
      Options.repeated
    ),
    account: optional("account", "id", "The account its calls act for"),
    label: optional("label", "text", "What it is for"),
    life: lifetime
  },
  ({ account, json, label, life, roles, user, ...target }) =>
    Target.run(
      Effect.gen(function* () {
        const admin = yield* Target.admin(target)
        const { key, token } = yield* admin.call("keys.create", {
          userId: user,
          roles,
          label: Option.getOrElse(label, () => ""),
          accountId: Option.getOrNull(account),
          expiresInMillis: Option.getOrNull(Option.map(life, (life) => Math.trunc(Duration.toMillis(life))))
        })
        yield* Output.show(json, { token, key: keyOf(key) }, () => Output.list({ token, ...rowOf(key) }))
        yield* Output.note(json, "The token is shown this once; only a digest of it is kept.")
      })
    )
).pipe(Command.withDescription("Create a key. Its token is shown once."))

const list = Command.make("list", { ...Target.options, json: Output.json }, ({ json, ...target }) =>
  Target.run(
    Effect.gen(function* () {
      const admin = yield* Target.admin(target)
      const { keys } = yield* admin.call("keys.list", {})
      yield* Output.show(json, { keys: keys.map(keyOf) }, () => Output.table(keys.map(rowOf), "no keys"))
    })
  )
).pipe(Command.withDescription("List all keys, oldest first."))

const revoke = Command.make(
  "revoke",
  {
    ...Target.options,
    json: Output.json,
    id: Args.withDescription(Args.text({ name: "key" }), "The id of a key, the middle part of its token")
  },
  ({ id, json, ...target }) =>
    Target.run(
      Effect.gen(function* () {
        const admin = yield* Target.admin(target)
        const { revoked } = yield* admin.call("keys.revoke", { id })
        if (!revoked) return yield* Effect.fail(Target.refused(`there is no key ${id}, or it was revoked before`))
        yield* Output.show(json, { revoked }, () => `revoked ${id}: it is refused from now on`)
      })
    )
).pipe(Command.withDescription("Revoke a key."))

/** `onelane keys`. */
export const keys = Command.make("keys").pipe(
  Command.withDescription("API keys for programs."),
  Command.withSubcommands([create, list, revoke])
)
