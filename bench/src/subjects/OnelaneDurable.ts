/** OnelaneDurable: ours with durable storage: the whole engine, group commit, every limit at its default. */
import { join } from "node:path"
import { JournalSql, SqliteClient } from "@onelane/sql"
import * as PostgresClient from "@onelane/sql/PostgresClient"
import { Layer } from "effect"
import * as Postgres from "../Postgres.js"
import type { Subject } from "../Runner.js"
import * as Journals from "./Journals.js"
import { engineOver, onelaneOver, onelanePromise, onelanePromiseOver } from "./Onelane.js"

/** The journal of `@onelane/sql` on a file. */
export const onelaneSqlite = (directory: string): Promise<Subject> =>
  onelaneOver(
    engineOver(JournalSql.layer.pipe(Layer.provide(SqliteClient.layer({ filename: join(directory, "onelane.db") }))))
  )

/** The same through the SDK's Promises. */
export const onelaneSqlitePromise = (directory: string): Promise<Subject> =>
  onelanePromise(join(directory, "promise.db"))

/** The same engine over prepared statements of the raw driver. */
export const onelaneRaw = (directory: string): Promise<Subject> =>
  onelaneOver(engineOver(Journals.rawSqlite(directory)))

/** The same engine over an append-only file. */
export const onelaneFile = (directory: string): Promise<Subject> => onelaneOver(engineOver(Journals.file(directory)))

const overPostgres = async (make: typeof onelaneOver): Promise<Subject> => {
  const server = await Postgres.start()
  const subject = await make(
    engineOver(JournalSql.layer.pipe(Layer.provide(PostgresClient.layer({ url: server.url }))))
  )
  const close = () => subject.close().then(server.stop)
  return { ...subject, close }
}

/** The journal of `@onelane/sql` on a PostgreSQL of its own. */
export const onelanePostgres = (): Promise<Subject> => overPostgres(onelaneOver)

/** The same through Promises, as `pg` is called. */
export const onelanePostgresPromise = (): Promise<Subject> => overPostgres(onelanePromiseOver)
