/**
 * SqliteDriver: the `node:sqlite` API, from Node itself where it has it, else from the package of the same API that is installed
 * on Node 20, with its binary inside.
 */

import { setImmediate as nextTurn } from "node:timers/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { type Open, type Origin, ofNode, openWith, type SqliteModule } from "./SqliteModule.js"

/** A driver. */
export interface Driver {
  readonly open: Open
  /** Where a thread loads the same. */
  readonly origin: Origin
  /** Releases what closed connections still hold. */
  readonly letGo: () => Promise<void>
}

/** The package for Node 20; it says where it is. */
interface PackagedModule extends SqliteModule {
  readonly filename: string
}

// A bundler cannot take a binary along, so it must not follow this name: the package stays beside the bundle.
const packageName: string = "@onelane/sql/SqliteNode20"

/** The driver of this Node. Rejects where none can be loaded. */
export const load = async (): Promise<Driver> => {
  const ours = ofNode()
  if (ours !== undefined) return { open: openWith(ours), origin: null, letGo: async () => {} }
  const packaged: PackagedModule = await import(/* webpackIgnore: true */ /* @vite-ignore */ packageName)
  return { open: openWith(packaged), origin: packaged.filename, letGo: collectStatements }
}

// The package has no way to finalize a statement but to forget it, and SQLite holds on to a file for a statement's sake.
const collectStatements = async (): Promise<void> => {
  setFlagsFromString("--expose-gc")
  const collect: () => void = runInNewContext("gc")
  collect()
  await nextTurn()
}
