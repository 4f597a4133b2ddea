/**
 * MigrateCommand: `onelane migrate`: creates a storage, or brings its tables up to date. A server also does this when
 * it starts.
 */
import { existsSync } from "node:fs"
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Ending from "../serve/Ending.js"
import * as Output from "./Output.js"
import * as Target from "./Target.js"

/** `onelane migrate`. */
export const migrate = Command.make("migrate", { storage: Target.storage, json: Output.json }, ({ json, storage }) =>
  Target.run(
    Effect.gen(function* () {
      const [{ Migrations, Storage }, Store] = yield* Effect.promise(() =>
        Promise.all([import("@onelane/sql"), import("../serve/Store.js")])
      )
      const isNew = !Storage.isServer(storage) && !existsSync(storage)
      const missing = yield* Migrations.run.pipe(
        Effect.provide(Store.client(storage)),
        Effect.mapError((error) => Target.refused(Ending.sentenceOf(error)))
      )
      const ran = isNew ? Migrations.names : missing // a new file is created with its tables
      yield* Output.show(json, { storage, ran }, () =>
        ran.length === 0 ? `${storage} is up to date` : `${storage}: ${ran.join(", ")}`
      )
    })
  )
).pipe(Command.withDescription("Create a storage, or bring its tables up to date."))
