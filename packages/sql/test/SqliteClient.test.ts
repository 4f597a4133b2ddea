import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Address, Journal } from "@onelane/engine"
import { JournalSql, SqliteClient } from "@onelane/sql"
import { Chunk, Deferred, Effect, Exit, Fiber, Layer, Stream } from "effect"
import { prepare } from "../src/journal/Prepared.js"
import { Statements } from "../src/journal/Statements.js"
import { classify } from "../src/sqlite/SqliteFailure.js"
import { temporaryFile } from "./TemporaryFile.js"

const inMemory = Layer.fresh(SqliteClient.layer({ filename: ":memory:" }))

const entry = (id: string): Journal.JournalEntry => ({
  address: Address.make("Thing", id),
  expectedSequence: 0,
  events: ["made"],
  state: "made",
  alarmMillis: null
})

describe("SqliteClient", () => {
  it.effect("is an SqlClient: rows, values, streams, booleans", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* sql`CREATE TABLE t (a integer, b text)`
      yield* sql`INSERT INTO t ${sql.insert([
        { a: 1, b: "one" },
        { a: true, b: null }
      ])}`
      assert.deepEqual(yield* sql`SELECT * FROM t`, [
        { a: 1, b: "one" },
        { a: 1, b: null }
      ])
      assert.deepEqual(yield* sql`SELECT * FROM t`.values, [
        [1, "one"],
        [1, null]
      ])
      assert.lengthOf(Chunk.toArray(yield* Stream.runCollect(sql`SELECT * FROM t`.stream)), 2)
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("a transaction that fails is taken back, inner ones by themselves", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* sql`CREATE TABLE t (a integer)`
      yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* sql`INSERT INTO t VALUES (1)`
          yield* Effect.exit(sql.withTransaction(Effect.zipRight(sql`INSERT INTO t VALUES (2)`, Effect.fail("no"))))
        })
      )
      yield* Effect.exit(sql.withTransaction(Effect.zipRight(sql`INSERT INTO t VALUES (3)`, Effect.fail("no"))))
      assert.deepEqual(yield* sql`SELECT a FROM t`, [{ a: 1 }])
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("a commit that is refused leaves no transaction behind", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* sql`CREATE TABLE parent (id integer PRIMARY KEY)`
      yield* sql`CREATE TABLE child (id integer REFERENCES parent DEFERRABLE INITIALLY DEFERRED)`
      const exit = yield* Effect.exit(sql.withTransaction(sql`INSERT INTO child VALUES (1)`))
      assert.isTrue(Exit.isFailure(exit))
      assert.deepEqual(yield* sql`SELECT * FROM child`, [])
      yield* sql.withTransaction(sql`INSERT INTO parent VALUES (1)`)
      assert.deepEqual(yield* sql`SELECT * FROM parent`, [{ id: 1 }])
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("text with a NUL is refused, never cut", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const error = yield* Effect.flip(sql`SELECT ${"a\0b"} AS a`)
      assert.deepInclude(classify(error.cause), { reason: "INVALID_TEXT", applied: "no" })
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("a prepared statement is answered at once, and by the same rows as through SqlClient", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const statement = sql`SELECT ${1} + ${2} AS sum`
      const { read } = yield* Statements
      const add = prepare(
        read,
        statement,
        (rows) => rows[0]?.sum,
        () => "failed"
      )
      const answer = add(40, 2)
      assert.isTrue(Exit.isExit(answer))
      assert.strictEqual(yield* answer, 42)
      assert.deepEqual(yield* statement, [{ sum: 3 }])
    }).pipe(Effect.provide(inMemory))
  )

  it.scoped.each(["never", "always"] as const)(
    "an append never slips into somebody's open transaction (thread: %s)",
    (thread) =>
      Effect.gen(function* () {
        const filename = yield* temporaryFile
        const layer = Layer.provideMerge(JournalSql.layer, SqliteClient.layer({ filename, thread }))
        const program = Effect.gen(function* () {
          const sql = yield* SqlClient
          const journal = yield* Journal.Journal
          const begun = yield* Deferred.make<void>()
          const ended = yield* Deferred.make<void>()
          const transaction = yield* sql`CREATE TABLE t (a)`.pipe(
            Effect.zipRight(Deferred.succeed(begun, undefined)),
            Effect.zipRight(Deferred.await(ended)),
            Effect.zipRight(Effect.fail("taken back")),
            sql.withTransaction,
            Effect.exit,
            Effect.fork
          )
          yield* Deferred.await(begun)
          const append = yield* Effect.fork(journal.append([entry("a")]))
          yield* Effect.yieldNow()
          assert.isNull(yield* Fiber.poll(append).pipe(Effect.map((done) => (done._tag === "None" ? null : done))))
          yield* Deferred.succeed(ended, undefined)
          assert.isTrue(Exit.isFailure(yield* Fiber.join(transaction)))
          assert.deepStrictEqual(yield* Fiber.join(append), ["committed"])
        })
        yield* Effect.provide(program, layer)
        const row = Effect.flatMap(Journal.Journal, (journal) => journal.load(Address.make("Thing", "a")))
        assert.strictEqual((yield* Effect.provide(row, layer))?.sequence, 1)
      })
  )
})
