/**
 * Folder: a temporary directory, removed when its scope closes.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Scope } from "effect"

/** Makes a directory, in `parent` or in the system's temporary directory. */
export const make = (parent: string = tmpdir()): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(parent, "onelane-proof-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
