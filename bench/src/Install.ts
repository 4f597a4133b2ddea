/**
 * Install: what a user gets by `npm i @onelane/sdk`. It packs the workspaces as for publishing and installs them into
 * an empty directory, with an empty cache; dependencies come from the registry that npm is configured for. Then it
 * installs once more from that cache with scripts off, and a program uses both storages: they must work without any
 * install script.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { makeDirectory } from "./WorkingFolder.js"

/** What was installed. */
export interface Installed {
  readonly seconds: number
  readonly mebibytes: number
  readonly packages: number
  /** Packages with an install script. The test program runs with none of these scripts executed. */
  readonly withScripts: ReadonlyArray<string>
  /** Directories in which the installation compiled something. */
  readonly compiled: ReadonlyArray<string>
}

/** No registry answered, so nothing can be measured. */
export class NoRegistry extends Error {
  override readonly name = "NoRegistry"
}

const root = fileURLToPath(new URL("../..", import.meta.url))
const packed = ["engine", "checkout", "sql", "http", "sdk"]

const program = `
  import { Onelane } from "@onelane/sdk"
  for (const storage of [":memory:", "./checkout.db"]) {
    const checkout = await Onelane.open({ storage })
    const { session } = await checkout.openOrThrow({ cartId: "cart" })
    await checkout.updateOrThrow({ checkoutSessionId: session.id, expCurrentState: "Start", nextState: "Inventory" })
    await checkout.close()
  }`

const silent = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH)\b/

const npm = (args: ReadonlyArray<string>, cwd: string): string => {
  const { status, stdout, stderr } = spawnSync("npm", args, { cwd, encoding: "utf8", maxBuffer: 2 ** 28 })
  if (status === 0) return stdout
  const code = silent.exec(stderr)?.[1]
  throw code === undefined ? new Error(`npm ${args[0]}: ${stderr.slice(-2_000)}`) : new NoRegistry(code)
}

const bytesOf = (path: string): number => {
  const found = lstatSync(path)
  if (!found.isDirectory()) return found.isFile() ? found.size : 0
  return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0)
}

/** The files that `node-gyp` leaves behind. */
const compiledIn = (modules: string): ReadonlyArray<string> =>
  readdirSync(modules, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(join("build", "Release")))

/** Packs, installs and runs the program. Throws if the program does not work. */
export const install = (): Installed => {
  const directory = makeDirectory()
  const tarballs = join(directory, "tarballs")
  const home = join(directory, "home")
  mkdirSync(tarballs)
  mkdirSync(home)
  const files = packed.map((name) => {
    const [{ filename }] = JSON.parse(
      npm(["pack", "--json", "--pack-destination", tarballs, "-w", `packages/${name}`], root)
    )
    return join(tarballs, filename)
  })
  writeFileSync(join(home, "package.json"), JSON.stringify({ name: "home", private: true, type: "module" }))
  const started = performance.now()
  const options = ["--no-audit", "--no-fund", "--cache", join(directory, "cache"), ...files]
  npm(["install", ...options], home)
  const seconds = (performance.now() - started) / 1_000
  const modules = join(home, "node_modules")
  const compiled = compiledIn(modules)
  rmSync(modules, { recursive: true })
  npm(["install", "--ignore-scripts", "--prefer-offline", ...options], home)
  execFileSync(process.execPath, ["--input-type=module", "--eval", program], { cwd: home, stdio: "ignore" })
  const tree = JSON.parse(npm(["ls", "--all", "--json", "--long"], home)) as Tree
  const installed = [...packagesOf(tree)]
  return {
    seconds,
    mebibytes: bytesOf(modules) / 2 ** 20,
    packages: new Set(installed.map(({ path }) => path)).size,
    compiled,
    withScripts: [...new Set(installed.filter(runsScript).map(({ name }) => name!))]
  }
}

interface Tree {
  readonly name?: string
  readonly path?: string
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, Tree>>
}

const packagesOf = function* (tree: Tree): Generator<Tree> {
  for (const each of Object.values(tree.dependencies ?? {})) {
    yield each
    yield* packagesOf(each)
  }
}

const runsScript = ({ scripts = {} }: Tree): boolean =>
  ["preinstall", "install", "postinstall"].some((name) => name in scripts)
