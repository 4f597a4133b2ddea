/** Servers that acknowledge before a commit is on their disk, from the start or from some moment on. */
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Address, Journal } from "@onelane/engine"
import { JournalSql } from "@onelane/sql"
import * as PostgresClient from "@onelane/sql/PostgresClient"
import { Effect, Layer, Logger, Schedule } from "effect"
import * as PostgresFailure from "../src/postgres/PostgresFailure.js"
import * as Postgres from "./Postgres.js"

const postgres = Postgres.forThisFile(["-c", "synchronous_commit=off"])
const place = Effect.flatMap(postgres, ({ makePlace }) => makePlace)

const append = (expectedSequence: number) =>
  Effect.flatMap(Journal.Journal, (journal) =>
    journal.append([
      { address: Address.make("Thing", "a"), expectedSequence, events: [{}], state: 1, alarmMillis: null }
    ])
  )

const lines: Array<string> = []
const logger = Logger.replace(
  Logger.defaultLogger,
  Logger.make(({ message }) => lines.push(String(message)))
)

const store = (url: string) =>
  JournalSql.layer.pipe(Layer.provideMerge(PostgresClient.layer({ url })), Layer.provide(logger))

const set = (name: string, value: string) =>
  Effect.flatMap(postgres, ({ query }) =>
    Effect.zipRight(query(`ALTER SYSTEM SET ${name} = ${value}`), query("SELECT pg_reload_conf()"))
  )

describe("PostgresDurability", () => {
  it.scopedLive("commits are synchronous on every connection, whatever the server is set to", () =>
    Effect.gen(function* () {
      const run = Effect.gen(function* () {
        const sql = yield* SqlClient
        const shown = sql<{ readonly synchronous_commit: string }>`SHOW synchronous_commit`
        const found = yield* Effect.all(
          Array.from({ length: 5 }, () => shown),
          { concurrency: 5 }
        )
        assert.deepStrictEqual([...new Set(found.map(([row]) => row!.synchronous_commit))], ["on"])
      })
      yield* Effect.provide(run, store(yield* place))
    })
  )

  it.scopedLive("nothing is written while fsync or full_page_writes is off; it goes on by itself", () =>
    Effect.gen(function* () {
      const url = yield* place
      const run = Effect.gen(function* () {
        let written = 0
        for (const name of ["fsync", "full_page_writes"]) {
          assert.deepStrictEqual(yield* append(written++), ["committed"])
          yield* set(name, "off")
          let refused: Journal.JournalFailure | null = null
          for (let tries = 0; refused === null && tries < 200; tries++) {
            const answer = yield* Effect.either(Effect.delay(append(written), 50))
            if (answer._tag === "Right") written += 1
            else refused = answer.left
          }
          assert.deepInclude(refused, { reason: "NOT_DURABLE", applied: "no" })
          const opening = yield* Effect.flip(Effect.scoped(PostgresClient.make({ url })))
          assert.deepInclude(opening, { reason: "NOT_DURABLE" })
          assert.include(opening.message, `${name}=off`)
          yield* set(name, "on")
          const again = Schedule.spaced(50).pipe(Schedule.intersect(Schedule.recurs(200)))
          assert.deepStrictEqual(yield* Effect.retry(append(written++), again), ["committed"])
        }
        assert.isTrue(lines.some((line) => line.includes("nothing is written")))
      })
      yield* Effect.provide(run, store(url))
    })
  )

  it("a server that could not be reached refused nothing", () => {
    const { notSent, sentenceOf } = PostgresFailure
    assert.match(sentenceOf(notSent(new Error("connect ECONNREFUSED"))), /could not be reached; nothing was sent/)
    assert.match(sentenceOf(new Error("Connection terminated unexpectedly")), /gave no answer/)
    assert.match(sentenceOf({ code: "42P01", severity: "ERROR" }), /refused a statement/)
  })
})
