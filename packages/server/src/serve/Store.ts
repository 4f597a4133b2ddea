/**
 * Store: opens one storage with all its services. A storage is the path of an SQLite file, `":memory:"`, or the URL of
 * a PostgreSQL database. Used by the server and by commands that work without one.
 */
import type { Access, Carts } from "@onelane/checkout"
import type { Directory } from "@onelane/directory"
import type { Journal } from "@onelane/engine"
import {
  ApiKeysSql,
  DatabaseRefused,
  DirectoryCacheSql,
  DirectoryList,
  JournalSql,
  PostgresDriver,
  SessionList,
  SessionListSql,
  SqliteClient,
  Storage,
  StoreBackup,
  StoreHealth
} from "@onelane/sql"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as BackupFolder from "../operations/BackupFolder.js"
import * as Running from "../operations/Running.js"

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
  | Running.Running

/** The client of a storage. The PostgreSQL driver is loaded on demand. */
export const client = (storage: string): Layer.Layer<SqliteClient.SqliteClient, DatabaseRefused.DatabaseRefused> => {
  const fault = Storage.faultOf(storage)
  if (fault !== null)
    return Layer.fail(new DatabaseRefused.DatabaseRefused({ reason: "CANNOT_OPEN", message: `The storage ${fault}` }))
  if (!Storage.isServer(storage)) return SqliteClient.layer({ filename: storage })
  return Layer.unwrapEffect(
    Effect.map(PostgresDriver.load, ({ layer }) =>
      Layer.mergeAll(
        layer({ url: storage }),
        Layer.succeed(StoreBackup.StoreBackup, StoreBackup.onServer),
        Layer.succeed(StoreHealth.StoreHealth, StoreHealth.none)
      )
    )
  )
}

/** Opens a storage and brings its tables up to date. */
export const layer = (
  storage: string
): Layer.Layer<Journal.Journal | Carts.Carts | Kept, DatabaseRefused.DatabaseRefused> =>
  Layer.mergeAll(
    JournalSql.layer,
    DirectoryCacheSql.layer(),
    DirectoryList.layer,
    SessionList.layer,
    SessionListSql.layer,
    ApiKeysSql.layer,
    Layer.effect(StoreBackup.StoreBackup, StoreBackup.StoreBackup),
    Layer.effect(StoreHealth.StoreHealth, StoreHealth.StoreHealth),
    Layer.succeed(BackupFolder.BackupFolder, null),
    Layer.succeed(Running.Running, null)
  ).pipe(Layer.provide(client(storage)))
