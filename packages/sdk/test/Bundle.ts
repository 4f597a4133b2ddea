/** Bundle: runs `programs/bundled.mjs`, as it is or as a bundler made it, on a file of its own. */
import { execFile } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

/** What the program says of its run. */
export interface Said {
  readonly accepted: number
  readonly refused: ReadonlyArray<string>
  readonly mismatch: string
  readonly connections: number
  readonly backup: number | string
  readonly lines: ReadonlyArray<string>
}

/** A run in which every commit was made, the large ones in the thread. */
export const whole: Said = {
  accepted: 1_200,
  refused: [],
  mismatch: "DATA_MISMATCH",
  connections: 2,
  backup: 400,
  lines: []
}

const programs = fileURLToPath(new URL("./programs/", import.meta.url))
const sql = fileURLToPath(new URL("../../sql", import.meta.url))

const execute = promisify(execFile)

const inFolder = async <A>(use: (folder: string) => Promise<A>): Promise<A> => {
  const folder = mkdtempSync(join(tmpdir(), "onelane-bundle-"))
  try {
    return await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const run = async (folder: string, [file, ...args]: ReadonlyArray<string>, program: string): Promise<Said> => {
  const options = { cwd: folder, timeout: 120_000 }
  const { stderr, stdout } = await execute(file!, [...args, program, join(folder, "shop.db")], options)
  if (stderr !== "") throw new Error(stderr)
  return JSON.parse(stdout)
}

/** Runs the program by a command, from its modules. */
export const plain = (command: ReadonlyArray<string>): Promise<Said> =>
  inFolder((folder) => run(folder, command, join(programs, "bundled.mjs")))

/** Runs the program as a bundler made it, in a folder without our packages; and what the bundler warned of. */
export const bundled = (bundler: string, command: ReadonlyArray<string>): Promise<readonly [Said, warnings: unknown]> =>
  inFolder(async (folder) => {
    const args = [join(programs, "bundle.mjs"), bundler, join(programs, "bundled.mjs"), folder]
    const warnings = JSON.parse((await execute(process.execPath, args)).stdout)
    // Beside the bundle lies what no bundler can take along: the SQLite of Node 20.
    mkdirSync(join(folder, "node_modules/@onelane"), { recursive: true })
    symlinkSync(sql, join(folder, "node_modules/@onelane/sql"))
    const server = ["server.mjs", "server.cjs"].map((name) => join(folder, name)).find((path) => existsSync(path))!
    return [await run(folder, command, server), warnings]
  })
