import { execFileSync } from "node:child_process"
import { closeSync, openSync, readdirSync, readlinkSync } from "node:fs"
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Carts } from "@onelane/checkout"
import { Directory } from "@onelane/directory"
import { Address, Journal } from "@onelane/engine"
import { CartsSql, DirectorySql, JournalSql, SqliteClient } from "@onelane/sql"
import { Effect, Layer } from "effect"
import { temporaryFile } from "./TemporaryFile.js"

const store = (filename: string, thread?: SqliteClient.SqliteOptions["thread"]) =>
  Layer.mergeAll(JournalSql.layer, DirectorySql.layer, CartsSql.layer).pipe(
    Layer.provideMerge(SqliteClient.layer({ filename, thread }))
  )

const address = Address.make("Thing", "a")

const append = (expectedSequence: number, state: unknown = expectedSequence + 1) =>
  Effect.flatMap(Journal.Journal, (journal) =>
    journal.append([{ address, expectedSequence, events: [{ state }], state, alarmMillis: null }])
  )

const sequence = Effect.flatMap(Journal.Journal, (journal) =>
  Effect.map(journal.load(address), (row) => row?.sequence ?? 0)
)

/** The descriptors by which SQLite knows its write-ahead log. Linux only, as `/proc` is. */
const descriptorsOf = (log: string): ReadonlyArray<number> => {
  const found = readdirSync("/proc/self/fd").filter((each) => target(each) === log)
  assert.isNotEmpty(found)
  return found.map(Number)
}

/** Puts another file under descriptors: the lowest free number is given next. `/dev/zero` takes all, but not a sync. */
const swap = (descriptors: ReadonlyArray<number>, file: string): void => {
  for (const descriptor of descriptors) {
    closeSync(descriptor)
    assert.strictEqual(openSync(file, "r+"), descriptor)
  }
}

const target = (descriptor: string): string | undefined => {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`)
  } catch {
    return undefined
  }
}

describe("SqliteFaults", () => {
  it.scoped("a crash right after an answer loses nothing that was answered", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const image = yield* temporaryFile
      const writing = Effect.gen(function* () {
        for (let written = 0; written < 12; written++) {
          yield* append(written, "x".repeat(written * 2_000))
          // By another process: closing a file would let go of it for the whole of this one.
          execFileSync("sh", ["-c", 'rm -f "$1"*; cp "$0" "$1"; cp "$0-wal" "$1-wal"', filename, image])
          assert.strictEqual(yield* Effect.provide(sequence, store(image)), written + 1)
        }
      })
      yield* Effect.provide(writing, store(filename))
    })
  )

  it.scoped("a full disk is certainly not applied, and heals when there is room again", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const large = "x".repeat(100_000)
      const program = Effect.gen(function* () {
        const sql = yield* SqlClient
        yield* append(0)
        yield* sql`PRAGMA max_page_count = 40`
        const failure = yield* Effect.flip(append(1, large))
        assert.deepInclude(failure, { _tag: "JournalFailure", applied: "no", reason: "DISK_FULL" })
        assert.strictEqual(yield* sequence, 1)
        const error = yield* Effect.flip(sql.withTransaction(sql`INSERT INTO stores (id) VALUES (${large})`))
        assert.strictEqual(error._tag, "SqlError")
        yield* sql`PRAGMA max_page_count = 4000`
        assert.deepStrictEqual(yield* append(1, large), ["committed"])
      })
      yield* Effect.provide(program, store(filename))
      assert.strictEqual(yield* Effect.provide(sequence, store(filename)), 2)
    })
  )

  it.scoped.each(["never", "always"] as const)(
    "a failed sync is unknown and fences the store until it is opened anew; what was answered is there (thread: %s)",
    (thread) =>
      Effect.gen(function* () {
        const filename = yield* temporaryFile
        const log = `${filename}-wal`
        const program = Effect.gen(function* () {
          for (const written of [0, 1, 2]) yield* append(written)
          const descriptors = descriptorsOf(log)
          assert.lengthOf(descriptors, thread === "never" ? 1 : 2)
          swap(descriptors, "/dev/zero")
          assert.deepInclude(yield* Effect.flip(append(3)), { applied: "unknown", reason: "IO" })
          // The disk is well again, the doubt is not.
          swap(descriptors, log)
          assert.deepInclude(yield* Effect.flip(append(3)), { applied: "no", reason: "FENCED" })
          assert.deepInclude(yield* Effect.flip(sequence), { reason: "FENCED" })
          const cart = yield* Effect.flip(Effect.flatMap(Carts.Carts, (carts) => carts.find("cart")))
          assert.strictEqual(cart._tag, "PortUnavailable")
          const user = yield* Effect.flip(
            Effect.flatMap(Directory.Directory, (directory) => directory.removeUser("user"))
          )
          assert.strictEqual(user._tag, "PortUnavailable")
        })
        yield* Effect.provide(program, store(filename, thread))
        const again = Effect.gen(function* () {
          assert.strictEqual(yield* sequence, 3)
          assert.deepStrictEqual(yield* append(3), ["committed"])
        })
        yield* Effect.provide(again, store(filename))
      })
  )

  it.scoped("after the connection was closed an append is certainly not applied", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const journal = yield* Effect.provide(Journal.Journal, store(filename))
      const entry = { address, expectedSequence: 0, events: [1], state: 1, alarmMillis: null }
      assert.deepInclude(yield* Effect.flip(journal.append([entry])), { applied: "no", reason: "CLOSED" })
    })
  )

  it.scoped("a stored state that is not JSON is told, not guessed at", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        yield* append(0)
        yield* Effect.flatMap(SqlClient, (sql) => sql`UPDATE journal_state SET state = '{"torn'`)
        assert.deepInclude(yield* Effect.flip(sequence), { applied: "no", reason: "CORRUPT" })
      })
      yield* Effect.provide(program, store(yield* temporaryFile))
    })
  )
})
