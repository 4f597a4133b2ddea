import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"

/** A directory of a test's own, gone when the test is over. */
export const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "onelane-sql-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

/** The name of a database in such a directory. */
export const temporaryFile = Effect.map(temporaryDirectory, (directory) => join(directory, "onelane.db"))
