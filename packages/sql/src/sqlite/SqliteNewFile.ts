/**
 * SqliteNewFile: makes the file of a new store. It is made aside, tables and all, synced, and only then given its name: a file
 * under that name is never without its tables, however the process ends.
 *
 * Owns the file aside and its name; does not own what is put into it.
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
    // Nothing could be made under such a name, or it cannot be removed: making the file says why.
  }
}

/** Lets `use` make a file aside of `path`, under the name that it is given; what is left of that is removed. */
export const aside = <A, E, R>(path: string, use: (aside: string) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const aside = beside(path, process.pid, made++)
    return Effect.acquireUseRelease(
      Effect.sync(() => {
        sweep(path)
        remove(aside) // of a process before that had the same number
      }),
      () => use(aside),
      () => Effect.sync(() => remove(aside))
    )
  })

/**
 * Makes the file `path` unless it is there: `fill` makes it under the name that it is given, and leaves one closed file.
 * Where somebody else makes it meanwhile, theirs stays.
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

/** Gives a synced file its name, durably; false where the name is taken. Throws what the system says. */
export const give = (aside: string, path: string): boolean => {
  try {
    linkSync(aside, path)
  } catch (cause) {
    if (existsSync(path)) return false
    // A file system without links.
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

/** Syncs the names in a folder. Windows has no way to, and needs none. */
export const syncFolder = (folder: string): void => {
  if (process.platform === "win32") return
  const names = openSync(folder, "r")
  try {
    fsyncSync(names)
  } finally {
    closeSync(names)
  }
}

// What a process that was killed left aside.
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
