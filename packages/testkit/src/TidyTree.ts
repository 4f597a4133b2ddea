/**
 * TidyTree: the rules that look at the repository as a whole: who imports whom, what is declared and not used, and what
 * the Markdown names that is no longer there.
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

/** Imports against the straight line of packages, and imports of what the package does not declare. */
export const imports = (
  files: ReadonlyArray<SourceFile>,
  manifests: ReadonlyArray<Manifest>,
  config: TidyConfig
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
    const line = forTests ? undefined : config.line[owner.directory]
    const outside = forTests ? undefined : config.outside[owner.directory]
    return importsOf(file).flatMap(({ module, line: at }) => {
      if (module.startsWith(".") && leaves(owner.directory, path, module)) {
        return [violation("import direction", path, at, `${module} leaves the package`)]
      }
      if (outside !== undefined && module.startsWith("node:")) {
        return [violation("import direction", path, at, `${owner.name} may not import ${module}`)]
      }
      const name = packageOf(module)
      if (name === undefined || name === owner.name) return []
      const allowed = workspaces.has(name) ? line : outside
      if (allowed !== undefined && !allowed.includes(name)) {
        return [violation("import direction", path, at, `${owner.name} may not import ${name}`)]
      }
      const isDeclared = declared.has(name) || (forTests && workspaces.has(name))
      return isDeclared ? [] : [violation("undeclared import", path, at, `${owner.name} does not declare ${name}`)]
    })
  })
}

const leaves = (directory: string, path: string, module: string): boolean => {
  const resolved: Array<string> = path.split("/").slice(0, -1)
  for (const step of module.split("/")) {
    if (step === "..") {
      if (resolved.pop() === undefined) return true
    } else if (step !== ".") resolved.push(step)
  }
  return directory !== "" && !resolved.join("/").startsWith(`${directory}/`)
}

/** Declared dependencies that no file imports, no other dependency wants beside it, and no script calls. */
export const dependencies = (
  files: ReadonlyArray<SourceFile>,
  manifests: ReadonlyArray<Manifest>,
  repository: Repository
): ReadonlyArray<Violation> =>
  manifests.flatMap((manifest) => {
    const mine = files.filter(
      (file) => manifest.directory === "" || ownerOf(manifests, file.fileName)?.directory === manifest.directory
    )
    const declared = [...manifest.dependencies, ...manifest.devDependencies]
    const used = new Set(mine.flatMap((file) => importsOf(file).map(({ module }) => packageOf(module))))
    for (const name of declared) {
      if (used.has(name)) for (const peer of repository.peers.get(name) ?? []) used.add(peer)
    }
    const scripts = Object.values(manifest.scripts).join(" ; ")
    const called = (name: string): boolean =>
      (repository.commands.get(name) ?? []).some((command) => new RegExp(`(^|[\\s;])${command}\\b`).test(scripts))
    const path = manifest.directory === "" ? "package.json" : `${manifest.directory}/package.json`
    return declared
      .filter((name) => !used.has(name) && !name.startsWith("@types/") && !called(name))
      .map((name) => violation("unused dependency", path, 1, `nothing imports ${name}`))
  })

const codeName = /(?<![\w./*-])((?:[\w.-]+\/)*[\w.-]+\.ts)\b|(@onelane\/[a-z-]+)|npm run ([\w:-]+)/g

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
