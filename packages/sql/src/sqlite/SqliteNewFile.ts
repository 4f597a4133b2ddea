/**
 * SqliteNewFile: creates the file of a new store. The file is created with its tables under a temporary name, synced,
 * and only then given its final name. So a file under that name always has its tables, however the process ends.
 *
 * Owns the temporary file and both names; does not own its contents.
 */
import { closeSync, existsSync, fsyncSync, linkSync, openSync, readdirSync, renameSync, rmSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { DatabaseRefused } from "../journal/DatabaseRefused.js"
import * as SqliteAccess from "./SqliteAccess.js"

let made = 0

const beside = (path: string, pid: number, count: number): string => `${path}.new-${pid}-${count}`

const endings = ["", "-wal", "-journal"] as const

const remove = (aside: string): void => {
  try {
    for (const ending of endings) rmSync(`${aside}${ending}`, { force: true })
  } catch {
    // No file can be created under such a name, or it cannot be removed: creating the file reports why.
  }
}

/** Lets `use` create a temporary file next to `path`, under the given name; then removes what is left of it. */
export const aside = <A, E, R>(path: string, use: (aside: string) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const aside = beside(path, process.pid, made++)
    return Effect.acquireUseRelease(
      Effect.sync(() => {
        sweep(path)
        remove(aside) // left by an earlier process with the same id
      }),
      () => use(aside),
      () => Effect.sync(() => remove(aside))
    )
  })

/**
 * Creates the file `path` if it does not exist. `fill` creates it under the given temporary name and must leave one
 * closed file. If another process creates `path` meanwhile, that file stays.
 */
export const make = <R>(
  path: string,
  fill: (aside: string) => Effect.Effect<unknown, DatabaseRefused, R>
): Effect.Effect<void, DatabaseRefused, R> =>
  Effect.suspend(() => {
    if (existsSync(path)) return Effect.void
    const making = (aside: string) => {
      const named = Effect.try({
        try: () => {
          sync(aside)
          give(aside, path)
        },
        catch: (cause) => refusalOf(path, cause)
      })
      return Effect.zipRight(fill(aside), named).pipe(
        Effect.mapError(
          ({ cause, message, reason }) =>
            new DatabaseRefused({ reason, message: message.replaceAll(aside, path), cause })
        )
      )
    }
    return Effect.asVoid(aside(path, making))
  })

const reasons: Readonly<Record<string, DatabaseRefused["reason"]>> = {
  ENOSPC: "DISK_FULL",
  EDQUOT: "DISK_FULL",
  EIO: "IO",
  EROFS: "READONLY",
  EACCES: "READONLY",
  EPERM: "READONLY"
}

const refusalOf = (path: string, cause: unknown): DatabaseRefused => {
  const { code = "", message } = cause as NodeJS.ErrnoException
  return new DatabaseRefused({
    reason: reasons[code] ?? "CANNOT_OPEN",
    message: `${path} was not made: ${SqliteAccess.faultOf(path) ?? message}`,
    cause
  })
}

/** Gives a synced file its final name, durably; false if the name is taken. Throws the system's error. */
export const give = (aside: string, path: string): boolean => {
  try {
    linkSync(aside, path)
  } catch (cause) {
    if (existsSync(path)) return false
    // The file system does not support links.
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") throw cause
    renameSync(aside, path)
  }
  syncFolder(dirname(path))
  return true
}

/** Syncs a file. */
export const sync = (path: string): void => {
  const file = openSync(path, "r+")
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Syncs a folder, so that its names are durable. Windows does not support it and does not need it. */
export const syncFolder = (folder: string): void => {
  if (process.platform === "win32") return
  const names = openSync(folder, "r")
  try {
    fsyncSync(names)
  } finally {
    closeSync(names)
  }
}

// Removes temporary files of killed processes.
const sweep = (path: string): void => {
  const left = new RegExp(`^${basename(path).replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}\\.new-(\\d+)-\\d+$`)
  for (const found of namesIn(dirname(path))) {
    const pid = left.exec(found)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) remove(join(dirname(path), found))
  }
}

const namesIn = (folder: string): ReadonlyArray<string> => {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code !== "ESRCH"
  }
}
