/**
 * Store: opens one storage with all its services. A storage is the path of an SQLite file, `":memory:"`, or the URL of a
 * PostgreSQL database. Used by the server and by commands that work without one.
 */
import type { Access, Carts } from "@onelane/checkout"
import type { Directory } from "@onelane/directory"
import type { Journal } from "@onelane/engine"
import {
  ApiKeysSql,
  type DatabaseRefused,
  DirectoryCacheSql,
  DirectoryList,
  JournalSql,
  SessionList,
  SqliteClient,
  StoreBackup,
  StoreHealth
} from "@onelane/sql"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as BackupFolder from "../operations/BackupFolder.js"

/** The services that operators use. */
export type Kept =
  | Access.Access
  | Directory.Directory
  | DirectoryList.DirectoryList
  | SessionList.SessionList
  | ApiKeysSql.ApiKeys
  | StoreBackup.StoreBackup
  | StoreHealth.StoreHealth
  | BackupFolder.BackupFolder

/** Whether a storage is a database server, which other processes may write to; else one process owns the file. */
export const isServer = (storage: string): boolean => /^postgres(ql)?:\/\//.test(storage)

/** The client of a storage. The PostgreSQL driver is loaded on demand. */
export const client = (storage: string): Layer.Layer<SqliteClient.SqliteClient, DatabaseRefused.DatabaseRefused> =>
  isServer(storage)
    ? Layer.unwrapEffect(
        Effect.map(
          Effect.promise(() => import("@onelane/sql/PostgresClient")),
          ({ layer }) =>
            Layer.mergeAll(
              layer({ url: storage }),
              Layer.succeed(StoreBackup.StoreBackup, StoreBackup.onServer),
              Layer.succeed(StoreHealth.StoreHealth, StoreHealth.none)
            )
        )
      )
    : SqliteClient.layer({ filename: storage })

/** Opens a storage and brings its tables up to date. */
export const layer = (
  storage: string
): Layer.Layer<Journal.Journal | Carts.Carts | Kept, DatabaseRefused.DatabaseRefused> =>
  Layer.mergeAll(
    JournalSql.layer,
    DirectoryCacheSql.layer(),
    DirectoryList.layer,
    SessionList.layer,
    ApiKeysSql.layer,
    Layer.effect(StoreBackup.StoreBackup, StoreBackup.StoreBackup),
    Layer.effect(StoreHealth.StoreHealth, StoreHealth.StoreHealth),
    Layer.succeed(BackupFolder.BackupFolder, null)
  ).pipe(Layer.provide(client(storage)))
