/**
 * SqliteDriver: the `node:sqlite` API, from Node itself if it has it, else from the package with the same API that is
 * installed on Node 20 and includes its binary.
 */

import { fstatSync, readdirSync, type Stats } from "node:fs"
import { setImmediate as nextTurn } from "node:timers/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { type Open, type Origin, ofNode, openWith, type SqliteModule } from "./SqliteModule.js"

/** The identity of a file, independent of its name. */
export type File = Pick<Stats, "dev" | "ino">

/** A driver. */
export interface Driver {
  readonly open: Open
  /** Where a thread loads the same driver. */
  readonly origin: Origin
  /** Releases a file that closed connections still hold. */
  readonly letGo: (file: File) => Promise<void>
}

/** The package for Node 20; it exports its own path. */
interface PackagedModule extends SqliteModule {
  readonly filename: string
}

// A bundler cannot include a binary, so it must not follow this name: the package stays outside the bundle.
const packageName: string = "@onelane/sql/SqliteNode20"

/** The driver of this Node. Rejects if none can be loaded. */
export const load = async (): Promise<Driver> => {
  const ours = ofNode()
  if (ours !== undefined) return { open: openWith(ours), origin: null, letGo: async () => {} }
  const packaged: PackagedModule = await import(/* webpackIgnore: true */ /* @vite-ignore */ packageName)
  return { open: openWith(packaged), origin: packaged.filename, letGo: collectStatements }
}

// The package finalizes a statement only when it is garbage-collected, and until then SQLite keeps the file open. A
// collection of young objects finds short-lived statements and takes a tenth of the time of a full one.
const collectStatements = async (file: File): Promise<void> => {
  setFlagsFromString("--expose-gc")
  const collect: (options?: { readonly type: "minor" }) => void = runInNewContext("gc")
  collect({ type: "minor" })
  await nextTurn()
  if (!isHeld(file)) return
  collect()
  await nextTurn()
}

/** Whether this process has a file open; true if the system does not tell. */
const isHeld = ({ dev, ino }: File): boolean => {
  try {
    return readdirSync("/proc/self/fd").some((name) => {
      const found = statOf(Number(name))
      return found?.ino === ino && found.dev === dev
    })
  } catch {
    return true
  }
}

const statOf = (descriptor: number): File | null => {
  try {
    return fstatSync(descriptor)
  } catch {
    return null // The descriptor was that of the folder itself, or was closed meanwhile.
  }
}
