/** Ours: lays built packages of this repository into a project, as they are installed, with all that they depend on. */
import { cpSync, existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

/** The root of this repository. */
export const root = fileURLToPath(new URL("../../..", import.meta.url))

const folderOf = (name: string): string => join(root, "packages", name)

/** A package and what it depends on, optional peers left out. */
const closure = (name: string, known: Set<string> = new Set()): ReadonlySet<string> => {
  if (known.has(name)) return known
  known.add(name)
  const { dependencies = {} } = JSON.parse(readFileSync(join(folderOf(name), "package.json"), "utf8"))
  for (const each of Object.keys(dependencies))
    if (each.startsWith("@onelane/")) closure(each.slice("@onelane/".length), known)
  return known
}

/** Copies a package and its dependencies of ours into `node_modules`. */
export const lay = (name: string, modules: string): void => {
  for (const each of closure(name))
    for (const part of ["package.json", "dist", "bin"])
      if (existsSync(join(folderOf(each), part)))
        cpSync(join(folderOf(each), part), join(modules, "@onelane", each, part), { recursive: true })
}
