import { spawn } from "node:child_process"
import { once } from "node:events"
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { DatabaseRefused, JournalSql, Migrations, SqliteClient } from "@onelane/sql"
import { Effect, Layer } from "effect"
import * as SqliteDriver from "../src/sqlite/SqliteDriver.js"
import { temporaryDirectory, temporaryFile } from "./TemporaryFile.js"

const client = (filename: string) => SqliteClient.layer({ filename, busyTimeoutMillis: 50 })

const refused = (filename: string) =>
  Effect.map(Effect.flip(Effect.scoped(Layer.build(client(filename)))), (error) => {
    assert.instanceOf(error, DatabaseRefused.DatabaseRefused)
    assert.include(error.message, filename)
    return error
  })

const storesOf = (filename: string) =>
  Effect.provide(
    Effect.flatMap(SqlClient, (sql) => sql<{ readonly id: string }>`SELECT id FROM stores ORDER BY id`),
    client(filename)
  ).pipe(Effect.map((rows) => rows.map(({ id }) => id)))

const put = (id: string) => Effect.flatMap(SqlClient, (sql) => sql`INSERT INTO stores (id) VALUES (${id})`)

/** A process that opens a store, puts one store into its directory, says so, and stays. */
const holder = (filename: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const program = fileURLToPath(new URL("./programs/hold.mjs", import.meta.url))
      const child = spawn(process.execPath, ["--no-warnings", program, filename], {
        stdio: ["pipe", "pipe", "inherit"]
      })
      await once(createInterface({ input: child.stdout }), "line")
      return child
    }),
    (child) =>
      Effect.promise(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return
        child.kill("SIGKILL")
        await once(child, "close")
      })
  )

const kill = (child: ReturnType<typeof spawn>) =>
  Effect.promise(async () => {
    child.kill("SIGKILL")
    await once(child, "close")
  })

describe("a new store", () => {
  it.scoped("appears under its name with its tables, and leaves nothing beside it", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* Effect.gen(function* () {
        // No other connection may be asked while this one lives: the bytes of the main file alone.
        const names = readFileSync(filename, "latin1")
        for (const table of ["journal_state", "journal_body", "journal_events", "store_format", "users", "api_keys"])
          assert.include(names, `CREATE TABLE ${table} `)
        assert.deepStrictEqual(readdirSync(dirname(filename)).sort(), ["onelane.db", "onelane.db-wal"])
        assert.strictEqual(yield* Migrations.current, Migrations.newest)
      }).pipe(Effect.provide(client(filename)))
      assert.deepStrictEqual(readdirSync(dirname(filename)), ["onelane.db"])
    })
  )

  it.scoped("does not appear when it cannot be made, and what was made aside is gone", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryDirectory
      const filename = join(folder, `${"x".repeat(254)}`)
      assert.strictEqual((yield* refused(filename)).reason, "CANNOT_OPEN")
      assert.deepStrictEqual(readdirSync(folder), [])
    })
  )

  it.scoped("is made once by many that begin together", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const all = Array.from({ length: 5 }, () => Effect.either(Effect.scoped(Layer.build(client(filename)))))
      const opened = yield* Effect.all(all, { concurrency: "unbounded" })
      assert.isTrue(opened.some(({ _tag }) => _tag === "Right"))
      for (const each of opened) if (each._tag === "Left") assert.strictEqual(each.left.reason, "IN_USE")
      assert.deepStrictEqual(readdirSync(dirname(filename)), [basename(filename)])
    })
  )

  it.scoped("sweeps away what a killed process left aside, and nothing else", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const left = `${filename}.new-99999999-0`
      const other = `${filename}.new-${process.ppid}-0`
      for (const name of [left, `${left}-wal`, other]) writeFileSync(name, "left")
      yield* Effect.scoped(Layer.build(client(filename)))
      assert.deepStrictEqual(readdirSync(dirname(filename)).sort(), [basename(filename), basename(other)])
    })
  )
})

describe("a store whose process was killed", () => {
  it.scoped("opens with its log, and holds what was acknowledged", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* kill(yield* holder(filename))
      assert.deepStrictEqual(yield* storesOf(filename), ["held"])
      assert.deepStrictEqual(readdirSync(dirname(filename)), ["onelane.db"])
    })
  )

  it.scoped("is refused by name without its log, and opens once the log is back", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const copy = join(yield* temporaryDirectory, "copy.db")
      const child = yield* holder(filename)
      copyFileSync(filename, copy) // while it runs
      yield* kill(child)
      for (const name of [copy, join(yield* temporaryDirectory, "late.db")]) {
        copyFileSync(filename, name)
        const before = readFileSync(name)
        const error = yield* refused(name)
        assert.strictEqual(error.reason, "INCOMPLETE")
        assert.include(error.message, `${name}-wal is missing`)
        assert.deepStrictEqual(readFileSync(name), before)
        assert.isFalse(existsSync(`${name}-wal`))
        copyFileSync(`${filename}-wal`, `${name}-wal`)
        assert.deepStrictEqual(yield* storesOf(name), ["held"])
      }
    })
  )

  it.scoped("is refused when its log was emptied", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* kill(yield* holder(filename))
      writeFileSync(`${filename}-wal`, "")
      assert.strictEqual((yield* refused(filename)).reason, "INCOMPLETE")
    })
  )

  it.scoped("a copy of a closed store beside its old log is refused before the log is carried into it", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const copy = join(yield* temporaryDirectory, "copy.db")
      yield* Effect.provide(put("kept"), client(filename))
      copyFileSync(filename, copy)
      yield* kill(yield* holder(filename))
      copyFileSync(copy, filename)
      const error = yield* refused(filename)
      assert.strictEqual(error.reason, "INCOMPLETE")
      assert.include(error.message, `${filename}-wal belongs to another file`)
      assert.deepStrictEqual(readFileSync(filename), readFileSync(copy))
    })
  )
})

describe("a file on its own", () => {
  it.scoped("without tables is refused, whether it is empty or its tables were never made", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      writeFileSync(filename, "")
      assert.strictEqual((yield* refused(filename)).reason, "INCOMPLETE")
      assert.strictEqual(readFileSync(filename, "utf8"), "")
      const bare = yield* temporaryFile
      yield* Effect.promise(async () => {
        const { open } = await SqliteDriver.load()
        const file = open(bare)
        file.exec("PRAGMA application_id=0x314c616e")
        file.close()
      })
      assert.strictEqual((yield* refused(bare)).reason, "INCOMPLETE")
    })
  )

  it.scoped("that was copied from a closed store needs no log", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const copy = join(yield* temporaryDirectory, "copy.db")
      yield* Effect.provide(put("kept"), Layer.provideMerge(JournalSql.layer, client(filename)))
      copyFileSync(filename, copy)
      assert.deepStrictEqual(yield* storesOf(copy), ["kept"])
    })
  )
})
