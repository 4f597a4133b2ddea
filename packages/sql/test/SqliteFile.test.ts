import { execFileSync } from "node:child_process"
import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { DatabaseRefused, JournalSql, Migrations, SqliteClient } from "@onelane/sql"
import { Context, Effect, Layer } from "effect"
import { temporaryDirectory, temporaryFile } from "./TemporaryFile.js"

/** Runs statements on a file in a process of its own, with the bare driver. Answers what it prints. */
const elsewhere = (filename: string, statements: string): string =>
  execFileSync(
    process.execPath,
    [
      "--no-warnings",
      "-e",
      `const { DatabaseSync } = process.getBuiltinModule?.("node:sqlite") ?? require("@photostructure/sqlite")
       try { new DatabaseSync(process.argv[1]).exec(process.argv[2]); console.log("done") } catch (e) { console.log(e.message) }`,
      filename,
      statements
    ],
    { cwd: dirname(fileURLToPath(import.meta.url)), encoding: "utf8" }
  ).trim()

const open = (filename: string) => Layer.build(SqliteClient.layer({ filename, busyTimeoutMillis: 50 }))

const refused = (filename: string) =>
  Effect.map(Effect.flip(Effect.scoped(open(filename))), (error) => {
    assert.instanceOf(error, DatabaseRefused.DatabaseRefused)
    assert.include(error.message, filename)
    return error.reason
  })

/** A store with something in it. */
const written = Effect.tap(temporaryFile, (filename) =>
  Layer.build(Layer.provide(JournalSql.layer, SqliteClient.layer({ filename }))).pipe(Effect.scoped)
)

describe("SqliteFile", () => {
  it.scoped("a new file is written ahead and synced in full", () =>
    Effect.gen(function* () {
      const sql = Context.get(yield* open(yield* temporaryFile), SqlClient)
      const ask = (name: string) =>
        Effect.map(sql.unsafe(`PRAGMA ${name}`), ([row]: ReadonlyArray<object>) => Object.values(row ?? {})[0])
      assert.strictEqual(yield* ask("journal_mode"), "wal")
      assert.strictEqual(yield* ask("synchronous"), 2)
      assert.strictEqual(yield* ask("foreign_keys"), 1)
    })
  )

  it.scoped("a new file, its log with it, is its owner's alone; one that was there keeps its mode", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const modeOf = (name: string) => (statSync(name).mode & 0o777).toString(8)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const sql = Context.get(yield* open(filename), SqlClient)
          yield* sql.unsafe("CREATE TABLE t (a)")
          assert.deepStrictEqual([modeOf(filename), modeOf(`${filename}-wal`)], ["600", "600"])
        })
      )
      chmodSync(filename, 0o640)
      yield* Effect.scoped(open(filename))
      assert.strictEqual(modeOf(filename), "640")
    })
  )

  it.scoped("a second connection is refused while the first one lives, and let in afterwards", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* open(filename)
          assert.strictEqual(yield* refused(filename), "IN_USE")
          assert.strictEqual(yield* refused(filename), "IN_USE")
        })
      )
      yield* Effect.scoped(open(filename))
    })
  )

  it.scoped("a second connection is refused by whatever name it knows the file", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const link = join(yield* temporaryDirectory, "link.db")
      yield* open(filename)
      symlinkSync(filename, link)
      assert.strictEqual(yield* refused(link), "IN_USE")
      assert.strictEqual(yield* refused(`file:${filename}`), "IN_USE")
    })
  )

  it.scoped("a file whose name is not a plain word is opened under that name", () =>
    Effect.gen(function* () {
      const filename = join(yield* temporaryDirectory, "ten %41 ? # é.db")
      yield* Effect.scoped(open(filename))
      assert.deepStrictEqual(readdirSync(dirname(filename)), [basename(filename)])
    })
  )

  it.scoped("a second process can neither read nor write a file that is open", () =>
    Effect.gen(function* () {
      const filename = yield* written
      // Again and again: what an owner before held on to must not stand in for the hold of this one.
      for (const _ of [1, 2, 3]) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* open(filename)
            assert.include(elsewhere(filename, "SELECT * FROM journal_state"), "locked")
            assert.include(elsewhere(filename, "CREATE TABLE intruder (a)"), "locked")
          })
        )
        assert.strictEqual(elsewhere(filename, "SELECT * FROM journal_state"), "done")
      }
    })
  )

  it.scoped("a closed store is one plain file that anybody may read", () =>
    Effect.gen(function* () {
      const filename = yield* written
      assert.deepStrictEqual(readdirSync(dirname(filename)), ["onelane.db"])
      assert.strictEqual(elsewhere(filename, "SELECT * FROM journal_state"), "done")
    })
  )

  it.scoped("a database of another application is refused and left as it was", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      elsewhere(filename, "CREATE TABLE accounts (id)")
      const before = readFileSync(filename)
      assert.strictEqual(yield* refused(filename), "FOREIGN")
      assert.deepStrictEqual(readFileSync(filename), before)
      assert.strictEqual(elsewhere(filename, "PRAGMA application_id=7; INSERT INTO accounts VALUES (1)"), "done")
      assert.strictEqual(yield* refused(filename), "FOREIGN")
    })
  )

  it.scoped("a file that is no database is refused and left as it was", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      writeFileSync(filename, "Dear diary, ".repeat(1_000))
      assert.strictEqual(yield* refused(filename), "NOT_A_DATABASE")
      assert.strictEqual(readFileSync(filename, "utf8"), "Dear diary, ".repeat(1_000))
    })
  )

  it.scoped("a torn file is refused and left as it was", () =>
    Effect.gen(function* () {
      const filename = yield* written
      truncateSync(filename, 3 * 4096)
      const before = readFileSync(filename)
      assert.strictEqual(yield* refused(filename), "CORRUPT")
      assert.deepStrictEqual(readFileSync(filename), before)
    })
  )

  it.scoped("a file that may only be read is refused", () =>
    Effect.gen(function* () {
      const filename = yield* written
      assert.strictEqual(yield* refused(`file:${filename}?mode=ro`), "READONLY")
    })
  )

  it.scoped("a file in a directory that does not exist is refused", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* refused(join(yield* temporaryDirectory, "nowhere", "onelane.db")), "CANNOT_OPEN")
    })
  )

  it.scoped("a database of a newer release is refused and left as it was", () =>
    Effect.gen(function* () {
      const filename = yield* written
      elsewhere(filename, "INSERT INTO onelane_migrations (migration_id, name) VALUES (99, 'tomorrow')")
      const error = yield* Migrations.run.pipe(Effect.provide(SqliteClient.layer({ filename })), Effect.flip)
      assert.strictEqual(error.reason, "NEWER")
      assert.include(error.message, "99")
    })
  )

  it.scoped("migrations run once", () =>
    Effect.gen(function* () {
      const twice = Effect.all([Migrations.run, Migrations.run])
      const inMemory = SqliteClient.layer({ filename: ":memory:" })
      assert.deepStrictEqual(yield* Effect.provide(twice, inMemory), [Migrations.names, []])
      const inFile = SqliteClient.layer({ filename: yield* temporaryFile })
      assert.deepStrictEqual(yield* Effect.provide(twice, inFile), [[], []])
    })
  )

  it.scoped("tables that cannot be made are told, not skipped", () =>
    Effect.gen(function* () {
      const migrate = Effect.gen(function* () {
        const sql = yield* SqlClient
        yield* sql`PRAGMA max_page_count = 3`
        return yield* Effect.flip(Migrations.run)
      })
      const error = yield* Effect.provide(migrate, SqliteClient.layer({ filename: ":memory:" }))
      assert.strictEqual(error.reason, "DISK_FULL")
    })
  )
})
