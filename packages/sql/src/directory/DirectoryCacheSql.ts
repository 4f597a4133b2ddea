/**
 * DirectoryCacheSql: the directory on a database and the two ports that read it, with a cache in between, so that a
 * turn usually needs no query. An SQLite file has no other writer: answers are kept until a write changes them. On
 * PostgreSQL they are kept for at most `ttlMillis`.
 */
import { SqlClient } from "@effect/sql/SqlClient"
import { Access, Carts } from "@onelane/checkout"
import { Directory, DirectoryCache } from "@onelane/directory"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DatabaseRefused } from "../journal/DatabaseRefused.js"
import * as Dialect from "../journal/Dialect.js"
import * as Migrations from "../journal/Migrations.js"
import { Statements } from "../journal/Statements.js"
import * as AccessSql from "./AccessSql.js"
import * as CartsSql from "./CartsSql.js"
import * as DirectorySql from "./DirectorySql.js"

/** How long an answer is cached if others can write, milliseconds. */
export const sharedTtlMillis = 1_000

/** The directory and both ports on the current client; brings its tables up to date first. */
export const layer = (
  options: DirectoryCache.DirectoryCacheOptions = {}
): Layer.Layer<Access.Access | Carts.Carts | Directory.Directory, DatabaseRefused, SqlClient | Statements> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const statements = yield* Statements
      const behind = {
        lookup: AccessSql.lookup(sql, statements),
        carts: CartsSql.make(sql, statements),
        directory: DirectorySql.make(sql)
      }
      const ttlMillis = options.ttlMillis ?? (Dialect.of(sql).exclusive ? undefined : sharedTtlMillis)
      const { access, carts, directory } = yield* DirectoryCache.make(behind, { ...options, ttlMillis })
      return Context.make(Access.Access, access).pipe(
        Context.add(Carts.Carts, carts),
        Context.add(Directory.Directory, directory)
      )
    })
  ).pipe(Layer.provide(Migrations.layer))
