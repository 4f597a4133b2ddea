import { execFileSync } from "node:child_process"
import {
  copyFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync
} from "node:fs"
import { dirname, join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Address, Journal } from "@onelane/engine"
import { JournalSql, SqliteClient } from "@onelane/sql"
import { Effect, Layer } from "effect"
import * as Dialect from "../src/journal/Dialect.js"
import { temporaryDirectory } from "./TemporaryFile.js"

const store = (filename: string, thread: SqliteClient.SqliteOptions["thread"] = "never") =>
  JournalSql.layer.pipe(Layer.provideMerge(SqliteClient.layer({ filename, thread, busyTimeoutMillis: 50 })))

const address = Address.make("Thing", "a")

const append = (expectedSequence: number, bytes = 5_000) =>
  Effect.flatMap(Journal.Journal, (journal) =>
    journal.append([{ address, expectedSequence, events: [{ n: 1 }], state: "x".repeat(bytes), alarmMillis: null }])
  )

const sequence = Effect.flatMap(Journal.Journal, (journal) =>
  Effect.map(journal.load(address), (row) => row?.sequence ?? 0)
)

/** A store of so many bytes and more, closed. */
const closed = (name: string, bytes: number) =>
  Effect.gen(function* () {
    const filename = join(yield* temporaryDirectory, name)
    yield* Effect.provide(append(0, bytes), store(filename))
    return filename
  })

/** What is done to a store, by the path it was opened under, and what lies under that name when it is closed. */
const harms: Readonly<Record<string, (path: string, smaller: string, larger: string) => "another" | "none" | "own">> = {
  "the file is removed": (path) => {
    rmSync(path)
    return "none"
  },
  "both files are removed": (path) => {
    rmSync(path)
    rmSync(`${path}-wal`)
    return "none"
  },
  "another file takes its name": (path, smaller) => {
    copyFileSync(smaller, `${path}.other`)
    renameSync(`${path}.other`, path)
    return "another"
  },
  "a smaller one is copied over it": (path, smaller) => {
    writeFileSync(path, readFileSync(smaller))
    return "another"
  },
  "a larger one is copied over it": (path, _, larger) => {
    writeFileSync(path, readFileSync(larger))
    return "another"
  },
  "the file is emptied": (path) => {
    truncateSync(path, 0)
    return "none"
  },
  "its log is removed": (path) => {
    rmSync(`${path}-wal`)
    return "own"
  },
  "its log is emptied": (path) => {
    truncateSync(`${path}-wal`, 0)
    return "none"
  },
  "its folder is renamed": (path) => {
    renameSync(dirname(path), `${dirname(path)}.old`)
    return "none"
  }
}

const opened = (path: string) => Effect.provide(sequence, store(path))

describe("a store that is open", () => {
  for (const thread of ["never", "always"] as const)
    for (const [what, harm] of Object.entries(harms))
      it.scoped(`answers unknown and is fenced when ${what} (thread: ${thread})`, () =>
        Effect.gen(function* () {
          const smaller = yield* closed("smaller.db", 1_000)
          const larger = yield* closed("larger.db", 900_000)
          const path = yield* closed("onelane.db", 300_000)
          let left = "none" as ReturnType<typeof harm>
          const run = Effect.gen(function* () {
            for (const written of [1, 2, 3]) yield* append(written)
            left = harm(path, smaller, larger)
            assert.deepInclude(yield* Effect.flip(append(4)), { applied: "unknown", reason: "FILE_REPLACED" })
            assert.deepInclude(yield* Effect.flip(append(4)), { applied: "no", reason: "FENCED" })
            assert.deepInclude(yield* Effect.flip(sequence), { reason: "FENCED" })
          })
          yield* Effect.provide(run, store(path, thread))
          if (what.includes("takes its name")) {
            // The log stays: the file that was moved away may need it. It is not carried into the other one.
            assert.deepInclude(yield* Effect.flip(opened(path)), { reason: "INCOMPLETE" })
            rmSync(`${path}-wal`)
          }
          if (left === "another") assert.strictEqual(yield* opened(path), 1)
          else if (left === "own") assert.isAtLeast(yield* opened(path), 4)
          else if (what.includes("emptied"))
            assert.deepInclude(yield* Effect.flip(opened(path)), { reason: "INCOMPLETE" })
        })
      )

  it.scoped("a thread that starts late makes no new file, and leaves the log of the one that is gone", () =>
    Effect.gen(function* () {
      const path = yield* closed("onelane.db", 1_000)
      const run = Effect.gen(function* () {
        yield* append(1)
        rmSync(path)
        // Large: it wants the thread, which starts with it.
        assert.deepInclude(yield* Effect.flip(append(2, 50_000)), { reason: "FILE_REPLACED" })
        yield* Effect.promise(() => new Promise((resume) => setImmediate(resume)))
      })
      yield* Effect.provide(run, store(path, "large"))
      assert.deepStrictEqual(readdirSync(dirname(path)), ["onelane.db-wal"])
    })
  )

  it.scoped("notices that a link leads elsewhere now", () =>
    Effect.gen(function* () {
      const other = yield* closed("other.db", 1_000)
      const folder = yield* temporaryDirectory
      const [real, link] = [join(folder, "real.db"), join(folder, "link.db")]
      yield* Effect.provide(append(0), store(real))
      symlinkSync(real, link)
      const run = Effect.gen(function* () {
        yield* append(1)
        rmSync(link)
        symlinkSync(other, link)
        assert.deepInclude(yield* Effect.flip(append(2)), { applied: "unknown", reason: "FILE_REPLACED" })
      })
      yield* Effect.provide(run, store(link))
      assert.strictEqual(yield* opened(other), 1)
    })
  )

  it.scopedLive("notices it on reads as well, within a moment", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryDirectory, "onelane.db")
      const run = Effect.gen(function* () {
        yield* append(0)
        rmSync(path)
        const failing = Effect.repeat(Effect.delay(sequence, 20), { times: 100 })
        assert.deepInclude(yield* Effect.flip(failing), { reason: "FILE_REPLACED" })
      })
      yield* Effect.provide(run, store(path))
    })
  )

  it.scoped("notices it with every other write: a transaction, and a statement of the directory", () =>
    Effect.gen(function* () {
      for (const transact of [true, false]) {
        const path = join(yield* temporaryDirectory, "onelane.db")
        const run = Effect.gen(function* () {
          const sql = yield* SqlClient
          const put = sql`INSERT INTO stores (id) VALUES ('s')`
          rmSync(path)
          const { cause } = yield* Effect.flip(transact ? sql.withTransaction(put) : put)
          assert.deepInclude(cause, { code: "ONELANE_FILE_REPLACED" })
          assert.deepInclude(yield* Effect.flip(append(0)), { reason: "FENCED" })
        })
        yield* Effect.provide(run, store(path))
      }
    })
  )

  it.scoped("takes a file that was rewritten for its own, and a kill afterwards leaves one that opens", () =>
    Effect.gen(function* () {
      const path = yield* closed("onelane.db", 400_000)
      const copy = join(yield* temporaryDirectory, "copy.db")
      const run = Effect.gen(function* () {
        const sql = yield* SqlClient
        for (const written of [1, 2, 3]) yield* append(written, 100)
        yield* Dialect.of(sql).compact
        // What a kill would leave now.
        for (const ending of ["", "-wal"]) execFileSync("cp", [`${path}${ending}`, `${copy}${ending}`])
        for (const written of [4, 5, 6]) assert.deepStrictEqual(yield* append(written), ["committed"])
      })
      yield* Effect.provide(run, store(path))
      assert.strictEqual(yield* opened(path), 7)
      assert.strictEqual(yield* opened(copy), 4)
    })
  )

  it.scoped("takes a statement that failed, and a log that grew with it, for its own", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryDirectory, "onelane.db")
      const run = Effect.gen(function* () {
        const sql = yield* SqlClient
        yield* sql`PRAGMA cache_size=1`
        yield* sql`PRAGMA cache_spill=1`
        const many = Array.from({ length: 400 }, (_, index) => `${index}${"y".repeat(4_000)}`)
        const failing = Effect.forEach(many, (id) => sql`INSERT INTO stores (id) VALUES (${id})`)
        yield* Effect.flip(sql.withTransaction(Effect.zipRight(failing, sql`INSERT INTO nowhere VALUES (1)`)))
        assert.deepStrictEqual(yield* append(0), ["committed"])
      })
      yield* Effect.provide(run, store(path))
    })
  )
})
