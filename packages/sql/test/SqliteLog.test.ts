import { statSync } from "node:fs"
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Address, Journal } from "@onelane/engine"
import { JournalSql, SqliteClient, StoreHealth } from "@onelane/sql"
import { Effect, Layer, Logger } from "effect"
import * as SqliteDriver from "../src/sqlite/SqliteDriver.js"
import { temporaryFile } from "./TemporaryFile.js"

const address = Address.make("Thing", "a")

const append = (expectedSequence: number, bytes = 20_000) =>
  Effect.flatMap(Journal.Journal, (journal) =>
    journal.append([{ address, expectedSequence, events: [{ n: 1 }], state: "x".repeat(bytes), alarmMillis: null }])
  )

const logOf = Effect.map(StoreHealth.StoreHealth, (health) => ({
  bytes: health.logBytes(),
  failures: health.checkpointFailures()
}))

/** A reader of this process that does not end: nothing newer than what it sees is carried into the file. */
const reader = (filename: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const connection = (await SqliteDriver.load()).open(`file:${filename}?vfs=unix-excl`)
      connection.exec("BEGIN; SELECT count(*) FROM journal_state")
      return connection
    }),
    (connection) => Effect.sync(() => connection.isOpen && connection.close())
  )

describe("SqliteLog", () => {
  for (const thread of ["never", "always"] as const)
    it.scopedLive(
      `a log that cannot be carried over is logged, counted and bounded; it heals (thread: ${thread})`,
      () =>
        Effect.gen(function* () {
          const filename = yield* temporaryFile
          const lines: Array<string> = []
          const logger = Logger.replace(
            Logger.defaultLogger,
            Logger.make(({ message }) => lines.push(String(message)))
          )
          const run = Effect.gen(function* () {
            let written = 0
            for (; written < 20; written++) yield* append(written)
            assert.deepInclude(yield* logOf, { failures: 0 })
            const holding = yield* reader(filename)
            let refused: Journal.JournalFailure | undefined
            while (refused === undefined && written < 400) {
              const answer = yield* Effect.either(append(written))
              if (answer._tag === "Left") refused = answer.left
              else written++
            }
            assert.deepInclude(refused, { reason: "LOG_FULL", applied: "no" })
            const { bytes, failures } = yield* logOf
            assert.isAbove(failures, 0)
            assert.isBelow(bytes, 1.5 * 2 ** 20)
            assert.isTrue(lines.some((line) => line.includes("cannot be carried into its file")))
            // Reads go on.
            const row = yield* Effect.flatMap(Journal.Journal, (journal) => journal.load(address))
            assert.strictEqual(row?.sequence, written)
            holding.close()
            yield* Effect.sleep(1_100)
            for (let more = 0; more < 100; more++) yield* append(written++)
            // It gives its room back while it is open: 20 pages are carried over at a time, and a commit has 5.
            assert.isBelow((yield* logOf).bytes, 300_000)
            assert.isBelow(statSync(`${filename}-wal`).size, 300_000)
          })
          const options = { filename, thread, checkpointPages: 20, logMaxMebibytes: 1 }
          const store = JournalSql.layer.pipe(Layer.provideMerge(SqliteClient.layer(options)))
          yield* Effect.provide(run, Layer.provide(store, logger))
        })
    )

  it.scopedLive("a large commit is no failure: the log is carried over, and nothing is said", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const run = Effect.gen(function* () {
        yield* append(0, 3_000_000)
        for (let written = 1; written < 30; written++) yield* append(written)
        assert.deepInclude(yield* logOf, { failures: 0 })
        assert.isDefined(yield* SqlClient)
      })
      const store = JournalSql.layer.pipe(
        Layer.provideMerge(SqliteClient.layer({ filename, checkpointPages: 20, logMaxMebibytes: 1 }))
      )
      yield* Effect.provide(run, store)
    })
  )
})
