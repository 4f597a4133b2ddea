/**
 * SqliteDriver: the `node:sqlite` API, from Node itself where it has it, else from the registry package of the same API
 * (Node 20), whose binary is inside the package. Owns nothing else.
 */
import type { DatabaseSyncInstance } from "@photostructure/sqlite"
import * as Effect from "effect/Effect"
import { DatabaseRefused } from "./DatabaseRefused.js"

/** An open connection; everything on it is synchronous. */
export type Connection = DatabaseSyncInstance

/** Opens a file, or `":memory:"`. Throws what SQLite says. */
export type Open = (filename: string) => Connection

interface Driver {
  readonly DatabaseSync: new (filename: string) => Connection
}

const builtin = (): Driver | undefined =>
  (process as { readonly getBuiltinModule?: (id: string) => unknown }).getBuiltinModule?.("node:sqlite") as
    | Driver
    | undefined

/** The driver of this Node. */
export const load: Effect.Effect<Open, DatabaseRefused> = Effect.tryPromise({
  try: async () => {
    const { DatabaseSync } = builtin() ?? ((await import("@photostructure/sqlite")) as Driver)
    return (filename: string) => new DatabaseSync(filename)
  },
  catch: (cause) =>
    new DatabaseRefused({ reason: "NO_DRIVER", message: "No SQLite could be loaded on this machine.", cause })
})
