/**
 * Repository: the files of a source tree as text, and what its manifests declare. Read once, then judged by `Tidy`
 * without touching the disk; a test plants a violation by writing a map.
 *
 * Owns the reading; does not own any rule.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** A tree: paths (relative, with `/`) to their text. */
export interface Repository {
  readonly files: ReadonlyMap<string, string>
}

/** One workspace: the directory of a `package.json`, and what it says. The root has the directory `""`. */
export interface Manifest {
  readonly directory: string
  readonly name: string
  readonly dependencies: ReadonlyArray<string>
  readonly devDependencies: ReadonlyArray<string>
  readonly scripts: Readonly<Record<string, string>>
}

const text = /\.(tsx?|mts|mjs|md|json)$/
const skipped = new Set(["node_modules", "dist", ".git", "prove", "data"])

/** Reads a tree from disk; installed packages, build output and data directories are left out. */
export const read = (root: string): Repository => {
  const files = new Map<string, string>()
  const visit = (directory: string): void => {
    for (const entry of readdirSync(join(root, directory), { withFileTypes: true })) {
      const path = directory === "" ? entry.name : `${directory}/${entry.name}`
      if (entry.isDirectory() && !skipped.has(entry.name)) visit(path)
      else if (entry.isFile() && text.test(entry.name)) files.set(path, readFileSync(join(root, path), "utf8"))
    }
  }
  visit("")
  return { files }
}

/** Every workspace of a tree, the root included. */
export const manifestsOf = (repository: Repository): ReadonlyArray<Manifest> =>
  [...repository.files]
    .filter(([path]) => path === "package.json" || path.endsWith("/package.json"))
    .map(([path, body]) => {
      const json = JSON.parse(body)
      return {
        directory: path.slice(0, -"package.json".length).replace(/\/$/, ""),
        name: json.name ?? "",
        dependencies: Object.keys({ ...json.dependencies, ...json.optionalDependencies, ...json.peerDependencies }),
        devDependencies: Object.keys(json.devDependencies ?? {}),
        scripts: json.scripts ?? {}
      }
    })

/** The workspace a file belongs to: the one with the longest directory above it. */
export const ownerOf = (manifests: ReadonlyArray<Manifest>, path: string): Manifest | undefined =>
  manifests
    .filter((manifest) => manifest.directory === "" || path.startsWith(`${manifest.directory}/`))
    .sort((a, b) => b.directory.length - a.directory.length)[0]
