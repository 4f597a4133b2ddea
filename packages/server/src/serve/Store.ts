/**
 * Store: everything that is kept, over one storage: the path of an SQLite file, `":memory:"`, or the url of a PostgreSQL
 * database. Used by the server and by the commands that work without one.
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

/** What an operator works with. */
export type Kept =
  | Access.Access
  | Directory.Directory
  | DirectoryList.DirectoryList
  | SessionList.SessionList
  | ApiKeysSql.ApiKeys
  | StoreBackup.StoreBackup
  | StoreHealth.StoreHealth
  | BackupFolder.BackupFolder

/** Whether a storage is a database server, which others may write to as well; else it is a file of one process. */
export const isServer = (storage: string): boolean => /^postgres(ql)?:\/\//.test(storage)

/** The client of a storage. The driver of a server is loaded only when it is wanted. */
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

/** Opens a storage, its tables brought up to date. */
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
