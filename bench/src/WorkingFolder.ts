/** WorkingFolder: a directory for one process's files, on the disk under test, removed when the process ends. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Makes one. `ONELANE_BENCH_DIR` selects the disk; default: the temporary directory. */
export const makeDirectory = (): string => {
  const directory = mkdtempSync(join(process.env.ONELANE_BENCH_DIR ?? tmpdir(), "onelane-bench-"))
  process.on("exit", () => rmSync(directory, { recursive: true, force: true }))
  return directory
}
