/** The journal and the directory tables on a real database. */
export * as AccessSql from "./AccessSql.js"
export * as ApiKeysSql from "./ApiKeysSql.js"
export * as CartsSql from "./CartsSql.js"
export * as DatabaseRefused from "./DatabaseRefused.js"
export * as DirectorySql from "./DirectorySql.js"
export * as JournalSql from "./JournalSql.js"
export * as Migrations from "./Migrations.js"
export * as SqliteClient from "./SqliteClient.js"
