/**
 * StoreBackup: copies a store while updates continue, and restores a copy when no server has the store open.
 *
 * 1. A copy is a snapshot: it contains everything that was acknowledged before it began.
 * 2. A copy under its final name is complete: it is made under a temporary name, verified (SQLite's own check, format,
 * every state against its history), synced, and only then gets its final name. A name that is taken is refused.
 * 3. Nothing is deleted: a restore moves the files that it replaces.
 *
 * Owns the files it makes; does not own the store (SqliteClient).
 */
import { copyFileSync, existsSync, renameSync, statSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { Worker } from "node:worker_threads"
import { StoreFormat } from "@onelane/checkout"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as Migrations from "../journal/Migrations.js"
import type { Contents, Work } from "./SqliteCopy.js"
import type { Copied } from "./SqliteCopyThread.js"
import * as SqliteDriver from "./SqliteDriver.js"
import { classify } from "./SqliteFailure.js"
import * as SqliteFile from "./SqliteFile.js"
import * as SqliteNewFile from "./SqliteNewFile.js"
import * as SqlitePaths from "./SqlitePaths.js"
import * as ThreadTexts from "./ThreadTexts.js"

/** A copy that was made, verified and synced. */
export interface Backup extends Contents {
  /** Where it is. */
  readonly path: string
  readonly bytes: number
  readonly tookMillis: number
}

/**
 * - `NOT_A_FILE`: the store is in memory or in PostgreSQL, which has tools of its own
 * - `NO_FOLDER`: the settings of the server name no folder for backups
 * - `NAME`: not a plain file name, or its folder does not exist
 * - `EXISTS`: the name is taken
 * - `MISSING`: there is no such backup
 * - `DAMAGED`: the copy is damaged; if it was just made, so is the store
 * - `NEWER`: written by a newer release
 * - `IN_USE`: a process has the store open that would be replaced
 * - `FILE_REPLACED`: the file of the store was removed or replaced
 * - `DISK_FULL`, `READONLY`, `IO`: the disk refused
 */
export type Reason =
  | "NOT_A_FILE"
  | "NO_FOLDER"
  | "NAME"
  | "EXISTS"
  | "MISSING"
  | "DAMAGED"
  | "NEWER"
  | "IN_USE"
  | "FILE_REPLACED"
  | "DISK_FULL"
  | "READONLY"
  | "IO"

/** No backup was made, or none was restored. `message` is one sentence for the operator. */
export class BackupRefused extends Data.TaggedError("BackupRefused")<{
  readonly reason: Reason
  readonly message: string
  readonly cause?: unknown
}> {}

/** Makes backups of the current store. */
export interface StoreBackupShape {
  /** Makes a backup at this path, which must not exist. */
  readonly make: (path: string) => Effect.Effect<Backup, BackupRefused>
  /** Whether a backup is being made. */
  readonly isMaking: () => boolean
}

/** The service. */
export class StoreBackup extends Context.Tag("@onelane/sql/StoreBackup")<StoreBackup, StoreBackupShape>() {}

/** Creates a `BackupRefused`. */
export const refused = (reason: Reason, message: string, cause?: unknown): BackupRefused =>
  new BackupRefused({ reason, message, cause })

/** For a store in memory. */
export const inMemory: StoreBackupShape = {
  isMaking: () => false,
  make: () => Effect.fail(refused("NOT_A_FILE", "a store in memory has no backup: name a file as its storage"))
}

/** For a database server. */
export const onServer: StoreBackupShape = {
  isMaking: () => false,
  make: () =>
    Effect.fail(
      refused(
        "NOT_A_FILE",
        "PostgreSQL has its own tools: pg_dump for a copy, pg_basebackup and WAL archiving to lose nothing"
      )
    )
}

/** How long closing a store waits for a running copy, milliseconds. */
const closeMillis = 10_000

/** For a file that this process has open and can open again; one copy at a time. Closing waits for a running copy. */
export const ofFile = ({
  origin,
  ownership,
  sharedName
}: SqliteFile.SqliteFile): Effect.Effect<StoreBackupShape, never, Scope.Scope> =>
  Effect.gen(function* () {
    const turn = Effect.unsafeMakeSemaphore(1)
    yield* Effect.addFinalizer(() => Effect.timeoutOption(Effect.interruptible(turn.take(1)), closeMillis))
    // The thread opens the file by its name.
    const owned = Effect.suspend(() => (ownership.before(true) ? Effect.void : Effect.fail(replaced)))
    const copyTo = (aside: string) => Effect.zipLeft(copied({ source: sharedName, target: aside, origin }), owned)
    let making = false
    const noting = (isMaking: boolean) => Effect.sync(() => void (making = isMaking))
    return {
      isMaking: () => making,
      make: (path) =>
        turn.withPermits(1)(
          Effect.acquireUseRelease(
            noting(true),
            () => Effect.zipRight(owned, publish(path, copyTo)),
            () => noting(false)
          )
        )
    }
  })

const replaced = refused("FILE_REPLACED", "the file of the store was removed or replaced: there is nothing to copy")

/** What was restored. */
export interface Restored extends Backup {
  /** The new path of the replaced file, with its log beside it; null if nothing was replaced. */
  readonly movedTo: string | null
}

/**
 * Restores the backup `from` to the store `to`, which no process may have open. If `replace` is true, an existing file
 * and its log are moved; otherwise they are a refusal. The backup itself stays.
 */
export const restore = (from: string, to: string, replace: boolean): Effect.Effect<Restored, BackupRefused> =>
  Effect.gen(function* () {
    if (!existsSync(from)) return yield* refused("MISSING", `there is no ${from}`)
    const missing = SqlitePaths.faultBeside(resolve(from))
    if (missing !== null || SqlitePaths.sizeOf(SqlitePaths.logOf(from)) > 0) {
      const why = missing ?? "a log lies beside it"
      return yield* refused("DAMAGED", `${from} is no backup, ${why}: make one with onelane backup --storage ${from}`)
    }
    const taken = [to, SqlitePaths.logOf(to)].filter((path) => existsSync(path))
    if (taken.length > 0 && !replace)
      return yield* refused("EXISTS", `${taken[0]} is there already: --replace moves it aside, and nothing is deleted`)
    yield* notInUse(to)
    const movedTo = `${to}.replaced-${new Date(yield* Clock.currentTimeMillis).toISOString().replace(/[:.]/g, "-")}`
    const moves = taken.map((path) => [path, path === to ? movedTo : `${movedTo}-wal`] as const)
    const { origin } = yield* Effect.promise(SqliteDriver.load)
    const fill = (aside: string) => {
      copyFileSync(from, aside)
      return copied({ source: null, target: aside, origin })
    }
    const backup = yield* publish(to, fill, moves)
    return { ...backup, movedTo: taken.length > 0 ? movedTo : null }
  })

const inUse = (path: string) => refused("IN_USE", `${path} is open in another process, a server perhaps: stop it first`)

// Other faults do not matter here: nobody has it open.
const notInUse = (path: string): Effect.Effect<void, BackupRefused> =>
  existsSync(path)
    ? Effect.scoped(Effect.acquireRelease(SqliteFile.open({ filename: path }), ({ close }) => close)).pipe(
        Effect.asVoid,
        Effect.catchIf(
          ({ reason }) => reason !== "IN_USE",
          () => Effect.void
        ),
        Effect.mapError(() => inUse(path))
      )
    : Effect.void

type Moves = ReadonlyArray<readonly [from: string, to: string]>

/**
 * Creates a verified and synced temporary file and gives it its final name, after the file with that name was moved.
 */
const publish = (
  given: string,
  fill: (aside: string) => Effect.Effect<Contents, BackupRefused>,
  moves: Moves = []
): Effect.Effect<Backup, BackupRefused> => {
  const path = resolve(given)
  const startedAtMillis = performance.now()
  const making = (aside: string) =>
    Effect.gen(function* () {
      writeFileSync(aside, "", { flag: "wx", mode: 0o600 })
      const contents = yield* fill(aside)
      const { size } = statSync(aside)
      SqliteNewFile.sync(aside)
      if (!give(aside, path, moves)) return yield* exists(path)
      return { path, bytes: size, tookMillis: Math.round(performance.now() - startedAtMillis), ...contents }
    })
  return Effect.suspend(() =>
    moves.length === 0 && existsSync(path) ? exists(path) : SqliteNewFile.aside(path, making)
  ).pipe(
    Effect.catchAllDefect((cause) => ofSystem(path, cause)),
    Effect.uninterruptible
  )
}

// Moves the old files back if the new one cannot get its name.
const give = (aside: string, path: string, moves: Moves): boolean => {
  for (const [from, to] of moves) renameSync(from, to)
  try {
    return SqliteNewFile.give(aside, path)
  } finally {
    if (!existsSync(path)) for (const [from, to] of moves) renameSync(to, from)
  }
}

const exists = (path: string) => Effect.fail(refused("EXISTS", `${path} is there already: nothing is overwritten`))

const codes: Readonly<Record<string, readonly [Reason, string]>> = {
  ENOENT: ["NAME", "its folder does not exist"],
  ENOTDIR: ["NAME", "its folder is a file"],
  ENAMETOOLONG: ["NAME", "the name is too long"],
  EACCES: ["READONLY", "its folder cannot be written"],
  EPERM: ["READONLY", "its folder cannot be written"],
  EROFS: ["READONLY", "the disk is read-only"],
  ENOSPC: ["DISK_FULL", "the disk is full"],
  EDQUOT: ["DISK_FULL", "the quota is used up"]
}

const ofSystem = (path: string, cause: unknown): Effect.Effect<never, BackupRefused> => {
  const { code, message } = cause as NodeJS.ErrnoException
  if (code === undefined) return Effect.die(cause)
  const [reason, why] = codes[code] ?? ["IO", message]
  return Effect.fail(refused(reason, `${path} was not written: ${why}`, cause))
}

const copied = (work: Work): Effect.Effect<Contents, BackupRefused> =>
  Effect.async<Contents, BackupRefused>((resume) => {
    const ended = (cause?: unknown): void => resume(Effect.fail(refused("IO", "the thread that copies ended", cause)))
    try {
      const thread = new Worker(ThreadTexts.copy, { eval: true, workerData: work })
      thread.once("message", (told: Copied) => resume(judged(work, told)))
      thread.once("error", ended)
      thread.once("exit", () => ended())
    } catch (cause) {
      ended(cause) // a runtime without threads
    }
  })

const judged = ({ source, target }: Work, told: Copied): Exit.Exit<Contents, BackupRefused> => {
  if ("contents" in told) {
    const { format } = told.contents
    if (format <= StoreFormat.current) return Exit.succeed(told.contents)
    return Exit.fail(refused("NEWER", Migrations.newerFormat(format)))
  }
  const { reason } = classify(told.thrown)
  const what = source === null ? target : "the copy"
  if (reason === "DISK_FULL") return Exit.fail(refused("DISK_FULL", "the disk is full", told.thrown))
  if (reason === "IO" || reason === "READONLY")
    return Exit.fail(refused("IO", "the disk answered with an error", told.thrown))
  const advice = source === null ? "take an older one" : "stop the server and restore a backup"
  return Exit.fail(refused("DAMAGED", `${what} is not sound, ${told.thrown.message}: ${advice}`, told.thrown))
}
