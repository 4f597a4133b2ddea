/**
 * Stores: the journal, the directory and the backups of a storage: memory, an SQLite file or PostgreSQL. Loads only
 * what the storage needs.
 */
import type * as Access from "@onelane/checkout/Access"
import type * as Carts from "@onelane/checkout/Carts"
import type * as Directory from "@onelane/directory/Directory"
import * as DirectoryMemory from "@onelane/directory/DirectoryMemory"
import { type Journal, JournalMemory } from "@onelane/engine"
import type { DatabaseRefused } from "@onelane/sql"
import * as Storage from "@onelane/sql/Storage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Backups from "./Backups.js"

/** The services of a storage. */
export type Stored = Journal.Journal | Access.Access | Carts.Carts | Directory.Directory | Backups.Backups

const memory: Layer.Layer<Stored> = Layer.mergeAll(JournalMemory.layer, DirectoryMemory.layer, Backups.layerMemory)

const sql = Effect.promise(() => import("@onelane/sql"))

const sqlite = (filename: string): Layer.Layer<Stored, DatabaseRefused.DatabaseRefused> =>
  Layer.unwrapEffect(
    Effect.map(sql, ({ DirectoryCacheSql, JournalSql, SessionListSql, SqliteClient, StoreBackup }) =>
      Layer.provide(
        Layer.mergeAll(
          JournalSql.layer,
          SessionListSql.layer,
          DirectoryCacheSql.layer(),
          Layer.effect(Backups.Backups, StoreBackup.StoreBackup)
        ),
        SqliteClient.layer({ filename })
      )
    )
  )

const postgres = (url: string, connections: number | undefined): Layer.Layer<Stored, DatabaseRefused.DatabaseRefused> =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      const { DirectoryCacheSql, JournalSql, PostgresDriver, SessionListSql, StoreBackup } = yield* sql
      const { layer } = yield* PostgresDriver.load
      const backups = Layer.succeed(Backups.Backups, StoreBackup.onServer)
      return Layer.provide(
        Layer.mergeAll(JournalSql.layer, SessionListSql.layer, DirectoryCacheSql.layer(), backups),
        layer({ url, connections })
      )
    })
  )

/** Opens a storage; `connections`: to PostgreSQL. */
export const layer = (
  storage: string,
  connections: number | undefined
): Layer.Layer<Stored, DatabaseRefused.DatabaseRefused> => {
  switch (Storage.kindOf(storage)) {
    case "memory":
      return memory
    case "file":
      return sqlite(storage)
    case "postgres":
      return postgres(storage, connections)
  }
}
