/**
 * Folder: a directory of a run's own, gone when its scope closes.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Scope } from "effect"

/** Makes one, in `parent` or where temporary things go. */
export const make = (parent: string = tmpdir()): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(parent, "onelane-proof-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
