/** Bundle: runs `programs/bundled.mjs`, as it is or as a bundler made it, on a file of its own. */
import { execFile } from "node:child_process"
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import * as Ours from "./Ours.js"

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
const { root } = Ours
const sql = join(root, "packages/sql")

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

const make = async (folder: string, bundler: string, entry: string): Promise<readonly [string, unknown]> => {
  const args = [join(programs, "bundle.mjs"), bundler, entry, folder]
  const warnings = JSON.parse((await execute(process.execPath, args)).stdout)
  // Beside the bundle lies what no bundler can take along: the SQLite of Node 20.
  mkdirSync(join(folder, "node_modules/@onelane"), { recursive: true })
  symlinkSync(sql, join(folder, "node_modules/@onelane/sql"))
  return [["server.mjs", "server.cjs"].map((name) => join(folder, name)).find((path) => existsSync(path))!, warnings]
}

/** Runs the program as a bundler made it, in a folder without our packages; and what the bundler warned of. */
export const bundled = (bundler: string, command: ReadonlyArray<string>): Promise<readonly [Said, warnings: unknown]> =>
  inFolder(async (folder) => {
    const [server, warnings] = await make(folder, bundler, join(programs, "bundled.mjs"))
    return [await run(folder, command, server), warnings]
  })

/** What a program on memory or a file does not install. */
const optional = ["pg", "@effect/sql-pg", "@onelane/cluster", "@onelane/sqlite20"]

/** Lays a project that has everything but the optional peers, and no way to those of this repository. */
const layWithout = (project: string): void => {
  const modules = join(project, "node_modules")
  for (const scope of ["", "@effect"]) {
    mkdirSync(join(modules, scope), { recursive: true })
    for (const name of readdirSync(join(root, "node_modules", scope)))
      if (!["@effect", "@onelane", ...optional].includes(name) && !optional.includes(`${scope}/${name}`))
        symlinkSync(join(root, "node_modules", scope, name), join(modules, scope, name))
  }
  Ours.lay("sdk", modules)
  cpSync(join(programs, "bundled.mjs"), join(project, "bundled.mjs"))
}

/** The same where the optional peers are not installed; and why the bundle opens no PostgreSQL. */
export const bundledWithout = (bundler: string): Promise<readonly [Said, why: string]> =>
  inFolder((project) =>
    inFolder(async (folder) => {
      layWithout(project)
      const [server] = await make(folder, bundler, join(project, "bundled.mjs"))
      const said = await run(folder, [process.execPath], server)
      const opened = execute(process.execPath, [server, "postgres://127.0.0.1:9/none"], { cwd: folder })
      const { stderr } = await opened.catch((failed: { readonly stderr: string }) => failed)
      return [said, /PostgreSQL needs its driver: (npm install [\w@/ .-]+)/.exec(stderr)?.[1] ?? stderr]
    })
  )
