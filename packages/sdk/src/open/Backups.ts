/**
 * Backups: backups of an embedded store over Promises. A store in memory refuses them without loading SQLite.
 */
import type { StoreBackup } from "@onelane/sql"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import type * as Behind from "../door/Behind.js"
import { draining, OnelaneError } from "../door/Result.js"

/** Creates backups of the open store. */
export class Backups extends Context.Tag("@onelane/sdk/Backups")<Backups, StoreBackup.StoreBackupShape>() {}

/** For a store in memory. */
export const layerMemory: Layer.Layer<Backups> = Layer.succeed(Backups, {
  isMaking: () => false,
  make: (path) =>
    Effect.flatMap(
      Effect.promise(() => import("@onelane/sql")),
      ({ StoreBackup }) => StoreBackup.inMemory.make(path)
    )
})

/** `backup` of an embedded checkout. Rejects with `BackupRefused`, or after closing with `OnelaneError`. */
export const door =
  (behind: Behind.Behind, { make }: StoreBackup.StoreBackupShape) =>
  async (path: string): Promise<StoreBackup.Backup> => {
    if (typeof path !== "string" || path === "") throw new TypeError("backup: path must be text")
    if (behind.closed()) throw new OnelaneError(draining)
    const exit = await Runtime.runPromiseExit(behind.runtime)(make(path))
    if (Exit.isSuccess(exit)) return exit.value
    throw Cause.squash(exit.cause)
  }
