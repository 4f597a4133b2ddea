/**
 * TidyTree: the rules that look at the repository as a whole: what is imported and not declared, and what the Markdown
 * names that is no longer there.
 */
import { builtinModules } from "node:module"
import { type Manifest, ownerOf, type Repository } from "./Repository.js"
import type { Rule, TidyConfig, Violation } from "./Tidy.js"
import { importsOf, type SourceFile } from "./TidySource.js"

const violation = (rule: Rule, path: string, line: number, message: string): Violation => ({
  rule,
  path,
  line,
  message
})

const isTest = (path: string): boolean => path.includes("/test/") || /\.(test|config)\.ts$/.test(path)

/** `@scope/name/sub` to `@scope/name`; undefined for a relative path or a built-in module. */
const packageOf = (module: string): string | undefined => {
  if (module.startsWith(".") || module.startsWith("node:") || builtinModules.includes(module)) return undefined
  return module.split("/", module.startsWith("@") ? 2 : 1).join("/")
}

/** Imports of what the package does not declare. A test may import any workspace, and what the root declares. */
export const imports = (
  files: ReadonlyArray<SourceFile>,
  manifests: ReadonlyArray<Manifest>
): ReadonlyArray<Violation> => {
  const root = manifests.find((manifest) => manifest.directory === "")
  const workspaces = new Set(manifests.map((manifest) => manifest.name))
  return files.flatMap((file) => {
    const path = file.fileName
    const owner = ownerOf(manifests, path)
    if (owner === undefined) return []
    const forTests = isTest(path)
    const declared = new Set([owner.name, ...owner.dependencies, ...owner.devDependencies])
    if (forTests || owner === root) for (const name of root?.devDependencies ?? []) declared.add(name)
    return importsOf(file).flatMap(({ module, line }) => {
      const name = packageOf(module)
      if (name === undefined || declared.has(name) || (forTests && workspaces.has(name))) return []
      return [violation("undeclared import", path, line, `${owner.name} does not declare ${name}`)]
    })
  })
}

const codeName = /(?<![\w./*-])((?:[\w.-]+\/)*[\w.-]+\.ts)\b|(@onelane\/[a-z0-9-]+)|npm run ([\w:-]+)/g

/** Files, packages and scripts that a Markdown file names and that are not there. A change log may name the past. */
export const markdown = (repository: Repository, manifests: ReadonlyArray<Manifest>): ReadonlyArray<Violation> => {
  const paths = [...repository.files.keys()]
  const packages = new Set(manifests.map((manifest) => manifest.name))
  const scripts = new Set(manifests.flatMap((manifest) => Object.keys(manifest.scripts)))
  const isThere = (file: string | undefined, workspace: string | undefined, script: string | undefined): boolean => {
    if (file !== undefined) {
      const named = file.replace(/^(\.\.?\/)+/, "")
      return paths.some((path) => path === named || path.endsWith(`/${named}`))
    }
    return workspace !== undefined ? packages.has(workspace) : scripts.has(script!)
  }
  return [...repository.files]
    .filter(([path]) => path.endsWith(".md") && !path.endsWith("CHANGELOG.md"))
    .flatMap(([path, body]) =>
      body
        .split("\n")
        .flatMap((text, index) =>
          [...text.matchAll(codeName)]
            .filter((match) => !isThere(match[1], match[2], match[3]))
            .map((match) => violation("stale name", path, index + 1, `${match[0]} does not exist`))
        )
    )
}

/** Lines of pages that are longer than a reader's window. A row of a table and a line of code may be. */
export const columns = ({ files }: Repository, { pages }: TidyConfig): ReadonlyArray<Violation> =>
  [...files]
    .filter(([path]) => path.endsWith(".md") && pages.paths.some((each) => path.startsWith(each)))
    .flatMap(([path, body]) => {
      let isCode = false
      return body.split("\n").flatMap((line, index) => {
        if (/^\s*```/.test(line)) isCode = !isCode
        if (isCode || line.startsWith("|") || line.length <= pages.columns) return []
        return [violation("line length", path, index + 1, `${line.length} characters, ${pages.columns} at most`)]
      })
    })
