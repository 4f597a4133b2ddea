/**
 * BackupCommand: `onelane backup` and `onelane restore`: copies an SQLite store, with or without a running server, and
 * restores a copy without one.
 */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ending from "../serve/Ending.js"
import * as Output from "./Output.js"
import * as Target from "./Target.js"

const load = <A>(module: () => Promise<A>): Effect.Effect<A> => Effect.promise(module)

const bytesOf = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`

interface Made {
  readonly path: string
  readonly bytes: number
  readonly format: number
  readonly sessions: number
  readonly carts: number
  readonly events: number
}

const sentenceOf = ({ bytes, carts, events, format, path, sessions }: Made): string =>
  `${path}: ${sessions} sessions, ${carts} carts, ${events} events, ${bytesOf(bytes)}, format ${format}; checked and synced`

const to = Options.text("to").pipe(
  Options.withPseudoName("file"),
  Options.withDescription(
    "Its path; with --url a plain name in the server's --backup-folder. Default: a name with the time"
  ),
  Options.optional
)

/** `onelane backup`. */
export const backup = Command.make("backup", { ...Target.options, to, json: Output.json }, ({ json, to, ...target }) =>
  Target.run(
    Effect.gen(function* () {
      const { nameAt } = yield* load(() => import("../operations/BackupFolder.js"))
      const name = Option.getOrElse(to, () => "") || nameAt(yield* Clock.currentTimeMillis)
      const made = yield* Option.isSome(target.url)
        ? Effect.flatMap(Target.admin(target), ({ call }) => call("backups.create", { name }))
        : Target.backup(target.storage, name)
      yield* Output.show(json, made, () => sentenceOf(made))
    })
  )
).pipe(
  Command.withDescription(
    "Copy an SQLite store while updates go on: consistent, checked, synced. --help of restore puts it back."
  )
)

const replace = Options.boolean("replace").pipe(
  Options.withDescription("Move an existing file of that name aside; nothing is deleted")
)

/** `onelane restore`. */
export const restore = Command.make(
  "restore",
  { from: Args.text({ name: "backup" }), storage: Target.storage, replace, json: Output.json },
  ({ from, json, replace, storage }) =>
    Target.run(
      Effect.gen(function* () {
        const { Storage, StoreBackup } = yield* load(() => import("@onelane/sql"))
        if (Storage.isServer(storage))
          return yield* Effect.fail(Target.refused("PostgreSQL restores with its own tools: psql, pg_restore"))
        const made = yield* Effect.mapError(StoreBackup.restore(from, storage, replace), (error) =>
          Target.refused(Ending.sentenceOf(error))
        )
        const moved = made.movedTo === null ? "" : `\nwhat was there is ${made.movedTo} now`
        yield* Output.show(json, made, () => `${sentenceOf(made)}${moved}`)
      })
    )
).pipe(Command.withDescription("Restore a backup to a storage that no server has open. The backup itself is kept."))
