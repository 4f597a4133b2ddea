/**
 * Install: what a user gets by `npm i @onelane/sdk`. The workspaces are packed as they would be published and installed
 * into an empty directory, scripts off, dependencies from the registry and an empty cache; then a program uses both
 * storages.
 */
import { execFileSync } from "node:child_process"
import { lstatSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { makeDirectory } from "./Workplace.js"

/** What was installed. */
export interface Installed {
  readonly seconds: number
  readonly mebibytes: number
  readonly packages: number
  /** Packages that would run a script of their own. They work without. */
  readonly withScripts: ReadonlyArray<string>
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

const npm = (args: ReadonlyArray<string>, cwd: string): string =>
  execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })

const bytesOf = (path: string): number => {
  const found = lstatSync(path)
  if (!found.isDirectory()) return found.isFile() ? found.size : 0
  return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0)
}

/** Packs, installs, uses. Throws where the program does not work. */
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
  npm(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", join(directory, "cache"), ...files], home)
  const seconds = (performance.now() - started) / 1_000
  execFileSync(process.execPath, ["--input-type=module", "--eval", program], { cwd: home, stdio: "ignore" })
  const tree = JSON.parse(npm(["ls", "--all", "--json", "--long"], home)) as Tree
  const installed = [...packagesOf(tree)]
  return {
    seconds,
    mebibytes: bytesOf(join(home, "node_modules")) / 2 ** 20,
    packages: new Set(installed.map(({ path }) => path)).size,
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
