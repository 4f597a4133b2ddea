/**
 * DurablePeers: durable compare-and-set as programs write it without an engine. They keep the smallest record; each
 * acknowledged update is durable.
 */
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { SqliteClient } from "@onelane/sql"
import { Effect, ManagedRuntime } from "effect"
import { Redis } from "ioredis"
import pg from "pg"
import { firstState } from "../Load.js"
import type { Seen } from "../Log.js"
import * as Postgres from "../Postgres.js"
import * as RedisServer from "../RedisServer.js"
import { ofEffects, ofPromises, type Subject } from "../Runner.js"
import { openSqlite } from "./Journals.js"
import { idsOf, initial, type RegisterAnswer, see } from "./Register.js"

interface Row {
  readonly state: string
  readonly version: number
}

const table = "CREATE TABLE session (id TEXT PRIMARY KEY, state TEXT NOT NULL, version INTEGER NOT NULL)"

/** SQLite, a commit for each update, which returns the new row; a refusal costs only a read. */
export const sqliteCommitEach = (directory: string): Subject => {
  const database = openSqlite(join(directory, "each.db"))
  database.exec(table)
  const insert = database.prepare("INSERT INTO session VALUES (?, ?, ?)")
  const select = database.prepare("SELECT state, version FROM session WHERE id = ?")
  const update = database.prepare(
    "UPDATE session SET state = ?, version = version + 1 WHERE id = ? AND state = ? RETURNING state, version"
  )
  return ofPromises(
    {
      update: async (id: string, expected: string, next: string): Promise<RegisterAnswer> => {
        const [made] = update.all(next, id, expected) as ReadonlyArray<Row>
        return made === undefined ? { ok: false, ...(select.get(id) as Row) } : { ok: true, ...made }
      },
      see
    },
    {
      open: async (count) => {
        const ids = idsOf(count)
        database.exec("BEGIN")
        for (const id of ids) insert.run(id, initial.state, initial.version)
        database.exec("COMMIT")
        return ids
      },
      close: async () => database.close()
    }
  )
}

/** `@effect/sql`, a transaction for each update. */
export const effectSqlTransaction = async (directory: string): Promise<Subject> => {
  const runtime = ManagedRuntime.make(SqliteClient.layer({ filename: join(directory, "transaction.db") }))
  const sql = await runtime.runPromise(SqlClient)
  await runtime.runPromise(sql.unsafe(table))
  const transact = (id: string, expected: string, next: string) =>
    sql.withTransaction(
      Effect.gen(function* () {
        const [row] = yield* sql<{
          state: string
          version: number
        }>`SELECT state, version FROM session WHERE id = ${id}`
        if (row!.state !== expected) return { ok: false, ...row! }
        const version = row!.version + 1
        yield* sql`UPDATE session SET state = ${next}, version = ${version} WHERE id = ${id}`
        return { ok: true, state: next, version }
      })
    )
  return ofEffects(
    {
      update: (id: string, expected: string, next: string) => Effect.orDie(transact(id, expected, next)),
      accepted: see,
      refused: see
    },
    {
      open: async (count) => {
        const ids = idsOf(count)
        const rows = ids.map((id) => ({ id, ...initial }))
        for (let from = 0; from < rows.length; from += 1_000)
          await runtime.runPromise(sql`INSERT INTO session ${sql.insert(rows.slice(from, from + 1_000))}`)
        return ids
      },
      close: () => runtime.dispose()
    }
  )
}

interface Asked {
  readonly ok: boolean
  readonly state: string
  readonly version: number
}

interface PostgresRegister {
  readonly tables: string
  /** Moves a session from one state to the next, and returns the new row. */
  readonly move: string
  /** The defaults of `pg`: 10 connections, each statement planned anew. Otherwise its best: 64, prepared by name. */
  readonly isPlain?: true
}

/** Through a pool of `pg`; a refused caller reads the row. */
const postgresRegister = async ({ isPlain, move, tables }: PostgresRegister): Promise<Subject> => {
  const server = await Postgres.start()
  const pool = new pg.Pool({ connectionString: server.url, ...(isPlain ? {} : { max: 64 }) })
  const named = (name: string) => (isPlain ? {} : { name })
  pool.on("error", () => {})
  await pool.query(tables)
  const update = async (id: string, expected: string, next: string): Promise<Asked> => {
    const moved = await pool.query({ ...named("move"), text: move, values: [id, expected, next] })
    if (moved.rows.length === 1) return { ok: true, ...moved.rows[0] }
    const found = await pool.query({
      ...named("look"),
      text: "SELECT state, version FROM session WHERE id = $1",
      values: [id]
    })
    return { ok: false, ...found.rows[0] }
  }
  // The read follows the refusal: by then the session may be back in the expected state, and the refusal has no facts.
  const seeLater = (answer: Asked & { readonly expected: string }, seen: Seen): void => {
    see(answer, seen)
    if (!answer.ok && answer.state === answer.expected) seen.version = -1
  }
  return ofPromises(
    {
      update: async (id: string, expected: string, next: string) => ({
        ...(await update(id, expected, next)),
        expected
      }),
      see: seeLater
    },
    {
      open: async (count) => {
        const ids = idsOf(count)
        await pool.query("INSERT INTO session SELECT id, $2, 1 FROM unnest($1::text[]) AS id", [ids, firstState])
        return ids
      },
      close: async () => {
        await pool.end()
        await server.stop()
      }
    }
  )
}

const compareAndSet = {
  tables: table,
  move: "UPDATE session SET state = $3, version = version + 1 WHERE id = $1 AND state = $2 RETURNING state, version"
}

/** PostgreSQL: `UPDATE … WHERE state = $2 RETURNING`. */
export const postgresCas = (): Promise<Subject> => postgresRegister(compareAndSet)

/** The same, with the defaults of `pg`. */
export const postgresCasPlain = (): Promise<Subject> => postgresRegister({ ...compareAndSet, isPlain: true })

/** The same, and the statement also writes an event row with a key of its own, as ours does. */
export const postgresCasAndEvent = (): Promise<Subject> =>
  postgresRegister({
    tables: `${table};
      CREATE TABLE event (id TEXT NOT NULL, version INTEGER NOT NULL, event JSONB NOT NULL, PRIMARY KEY (id, version))`,
    move: `WITH moved AS (
        UPDATE session SET state = $3, version = version + 1 WHERE id = $1 AND state = $2 RETURNING state, version
      ), written AS (
        INSERT INTO event SELECT $1, version, jsonb_build_object('type', 'Updated', 'from', $2::text, 'to', $3::text, 'at', now())
        FROM moved
      )
      SELECT state, version FROM moved`
  })

const script = `
  local state = redis.call('HGET', KEYS[1], 'state')
  if state ~= ARGV[1] then return {0, state, redis.call('HGET', KEYS[1], 'version')} end
  redis.call('HSET', KEYS[1], 'state', ARGV[2])
  return {1, ARGV[2], redis.call('HINCRBY', KEYS[1], 'version', 1)}`

/** Redis: a Lua script, `appendfsync always`, over a local socket with pipelining on. */
export const redisLua = async (): Promise<Subject> => {
  const server = await RedisServer.start()
  const client = new Redis(server.socket, { enableAutoPipelining: true })
  client.defineCommand("cas", { numberOfKeys: 1, lua: script })
  const cas = (client as unknown as { cas: (...call: [string, string, string]) => Promise<[number, string, number]> })
    .cas
  return ofPromises(
    {
      update: async (id: string, expected: string, next: string): Promise<Asked> => {
        const [ok, state, version] = await cas.call(client, id, expected, next)
        return { ok: ok === 1, state, version: Number(version) }
      },
      see
    },
    {
      open: async (count) => {
        const ids = idsOf(count)
        await Promise.all(ids.map((id) => client.hset(id, { state: initial.state, version: initial.version })))
        return ids
      },
      close: async () => {
        client.disconnect()
        await server.stop()
      }
    }
  )
}
