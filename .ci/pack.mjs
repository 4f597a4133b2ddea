// Packs every package that is published: `node .ci/pack.mjs <folder>`, after a build. What an earlier build left in `dist`, of
// sources that are gone, is removed first. Prints the paths of the tarballs as JSON, a package before those that import it.
import { execFileSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const folder = resolve(process.argv[2] ?? ".")

const published = readdirSync(join(root, "packages"))
  .map((name) => ({ path: join(root, "packages", name), ...manifestOf(join(root, "packages", name)) }))
  .filter((manifest) => manifest.private !== true)

function manifestOf(path) {
  return JSON.parse(readFileSync(join(path, "package.json"), "utf8"))
}

const removeLeftovers = (path) => {
  if (!existsSync(join(path, "dist"))) return
  for (const file of readdirSync(join(path, "dist"), { recursive: true })) {
    const [, stem] = /^(.*?)(?:\.d\.ts|\.js)(?:\.map)?$/.exec(file) ?? []
    const isOurs = stem === undefined || file.startsWith("assets/")
    if (!isOurs && ![".ts", ".tsx"].some((end) => existsSync(join(path, "src", `${stem}${end}`))))
      rmSync(join(path, "dist", file))
  }
}

const ofOurs = ({ dependencies, optionalDependencies }) =>
  Object.keys({ ...dependencies, ...optionalDependencies }).filter((name) => name.startsWith("@onelane/"))

const ordered = []
const add = (manifest) => {
  if (ordered.includes(manifest)) return
  for (const name of ofOurs(manifest)) add(published.find((each) => each.name === name))
  ordered.push(manifest)
}
published.forEach(add)

if (!existsSync(join(root, "packages/console/dist/assets/index.html")))
  throw new Error("packages/console has no assets: run `npm run build` first")

const tarballs = ordered.map(({ path }) => {
  removeLeftovers(path)
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder]
  const [{ filename }] = JSON.parse(execFileSync("npm", args, { cwd: path, encoding: "utf8", stdio: "pipe" }))
  return join(folder, filename)
})
process.stdout.write(`${JSON.stringify(tarballs)}\n`)
