/**
 * Sizing: the resources that a PostgreSQL under the engine needs: bytes a session and an update, and the cost of an
 * update as the store fills up. Run by `node bench/dist/Sizing.js [sessions …]`; writes the tables of
 * docs/operate/SCALE.md to standard output.
 */
import { readFileSync } from "node:fs"
import { CheckoutSessions } from "@onelane/checkout"
import { JournalSql } from "@onelane/sql"
import * as PostgresClient from "@onelane/sql/PostgresClient"
import * as PostgresServer from "@onelane/testkit/PostgresServer"
import { Effect, Layer, ManagedRuntime } from "effect"
import pg from "pg"
import * as Runner from "./Runner.js"
import { cpuEach, perSecond, spreadOf } from "./Sample.js"
import * as Stored from "./Stored.js"
import { effectDoor, engineOver } from "./subjects/Onelane.js"

const calls = 20_000
const rounds = 5
const working = 10_000

const figures = async (client: pg.Client, text: string): Promise<Record<string, number>> => {
  const { rows } = await client.query(text)
  return Object.fromEntries(Object.entries(rows[0]).map(([name, value]) => [name, Number(value)]))
}

/** CPU time of all processes of the server, milliseconds. */
const serverMillis = async (client: pg.Client): Promise<number> => {
  const { rows } = await client.query("SELECT pid FROM pg_stat_activity")
  let ticks = 0
  for (const { pid } of rows) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      ticks += Number(fields[11]) + Number(fields[12])
    } catch {
      // The process has ended in the meantime.
    }
  }
  return ticks * 10
}

const sizes = `SELECT pg_table_size('journal_state') AS state, pg_indexes_size('journal_state') AS state_keys,
  pg_table_size('journal_events') AS events, pg_indexes_size('journal_events') AS events_keys,
  (SELECT count(*) FROM journal_events) AS appends`

const progress = `SELECT pg_current_wal_insert_lsn() - '0/0' AS log, n_tup_upd AS updated, n_tup_hot_upd AS hot
  FROM pg_stat_user_tables WHERE relname = 'journal_state' AND schemaname = current_schema()`

const print = (cells: ReadonlyArray<string | number>): void => {
  process.stdout.write(`| ${cells.join(" | ")} |\n`)
}

const each = (value: number, count: number): string => Math.round(value / count).toLocaleString("en-US")

const spread = (values: ReadonlyArray<number>, digits = 1): string => {
  const { high, low, median } = spreadOf(values)
  return `${median.toFixed(digits)} (${low.toFixed(digits)}-${high.toFixed(digits)})`
}

const open = async (journal: ReturnType<typeof journalOf>, stored: number): Promise<Runner.Runner> => {
  const runtime = ManagedRuntime.make(engineOver(journal))
  const sessions = await runtime.runPromise(CheckoutSessions.CheckoutSessions)
  const spaced = (count: number) => (_: unknown, index: number) => Stored.idOf(Math.floor((index * stored) / count))
  return Runner.make(
    Runner.ofEffects(effectDoor(sessions), {
      open: async (count) => Array.from({ length: count }, spaced(count)),
      close: () => runtime.dispose()
    }),
    { manner: "accepted", callers: 256, sessions: Math.min(working, stored), calls }
  )
}

/** Updates of `working` sessions spread over all stored ones; the first round wakes them. */
const measure = async (runner: Runner.Runner, client: pg.Client, stored: number): Promise<void> => {
  await runner.round()
  await client.query("CHECKPOINT")
  const taken: Array<{ readonly node: number; readonly server: number; readonly wall: number }> = []
  const before = await figures(client, progress)
  for (let round = 0; round < rounds; round++) {
    const started = await serverMillis(client)
    const sample = await runner.round()
    const server = ((await serverMillis(client)) - started) * 1_000
    taken.push({ node: cpuEach(sample) / 1_000, server: server / calls, wall: 1e6 / perSecond(sample) })
  }
  const { fault } = await runner.finish()
  if (fault !== null) throw new Error(fault)
  // Processes report their statistics a little later.
  await client.query("SELECT pg_sleep(2)")
  const after = await figures(client, progress)
  print([
    stored.toLocaleString("en-US"),
    spread(taken.map(({ node }) => node)),
    spread(taken.map(({ server }) => server)),
    spread(taken.map(({ wall }) => wall)),
    each(after.log! - before.log!, calls * rounds),
    `${Math.round((100 * (after.hot! - before.hot!)) / (after.updated! - before.updated!))} %`
  ])
}

const printSizes = async (client: pg.Client, stored: number, when: string): Promise<void> => {
  const { appends, events, events_keys, state, state_keys } = await figures(client, sizes)
  const bytes = [each(state!, stored), each(state_keys!, stored), each(events!, appends!), each(events_keys!, appends!)]
  print([when, ...bytes])
}

const journalOf = (url: string) => JournalSql.layer.pipe(Layer.provide(PostgresClient.layer({ url })))

const stage = (url: string, stored: number, isLast: boolean) =>
  Effect.gen(function* () {
    const journal = journalOf(url)
    yield* Effect.provide(Stored.write(0, stored), journal)
    const client = new pg.Client({ connectionString: url })
    yield* Effect.promise(async () => {
      await client.connect()
      await client.query("VACUUM ANALYZE")
      const [full, runner] = [await figures(client, sizes), await open(journal, stored)]
      await measure(runner, client, stored)
      if (isLast) {
        print(["bytes", "state row", "its keys", "event row", "its key"])
        print([
          "after opening",
          ...[full.state!, full.state_keys!, full.events!, full.events_keys!].map((size) => each(size, stored))
        ])
        await printSizes(client, stored, "after the updates")
      }
      await client.end()
    })
  })

const program = Effect.gen(function* () {
  const { makePlace } = yield* PostgresServer.make()
  const wanted = process.argv.slice(2).map(Number)
  const sizesWanted = wanted.length > 0 ? wanted : [1_000, 10_000, 100_000, 1_000_000]
  print(["sessions stored", "Node CPU, µs", "PostgreSQL CPU, µs", "wall, µs", "log, bytes", "HOT"])
  for (const stored of sizesWanted)
    yield* stage(yield* makePlace, stored, stored === sizesWanted[sizesWanted.length - 1])
})

await Effect.runPromise(Effect.scoped(program))
