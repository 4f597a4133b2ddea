/**
 * BackupFolder: the one folder, named by the settings, into which a running server writes backups. A caller chooses
 * only a plain file name in it.
 */
import { join } from "node:path"
import { StoreBackup } from "@onelane/sql"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/** The folder; null if none is configured. */
export class BackupFolder extends Context.Tag("@onelane/server/BackupFolder")<BackupFolder, string | null>() {}

/** The default name of a backup. */
export const nameAt = (nowMillis: number): string =>
  `onelane-${new Date(nowMillis)
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replaceAll(":", "-")}.db`

const plainName = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/

/** Makes a backup of the current store under this name in the folder. */
export const make = (name: string) =>
  Effect.gen(function* () {
    const folder = yield* BackupFolder
    if (folder === null)
      return yield* StoreBackup.refused(
        "NO_FOLDER",
        "this server has no folder for backups: start it with --backup-folder"
      )
    if (!plainName.test(name))
      return yield* StoreBackup.refused(
        "NAME",
        "the name of a backup is 1 to 100 letters, digits, dots, dashes and underscores"
      )
    return yield* (yield* StoreBackup.StoreBackup).make(join(folder, name))
  })
