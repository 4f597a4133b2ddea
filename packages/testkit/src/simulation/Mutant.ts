/**
 * Mutant: runs the simulation with an edited build of the engine and the rules. The sources are compiled into a
 * separate folder and loaded from there, so the real build is not touched.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { Effect, type Scope } from "effect"
import ts from "typescript"
import type { Edit, Mutation } from "./Mutations.js"
import type * as Simulation from "./Simulation.js"

const root = fileURLToPath(new URL("../../../../", import.meta.url))
const packages = ["engine", "checkout", "directory", "history", "testing", "testkit"]

type Run = typeof Simulation.run

/** Loads a module of a mutant, e.g. `checkout/index`. */
export type Load = <Module>(module: string) => Promise<Module>

/** Builds a mutant; its folder is removed with the scope. Dies if an edit's text does not occur exactly once. */
export const make = (edits: ReadonlyArray<Edit>): Effect.Effect<Load, never, Scope.Scope> =>
  Effect.gen(function* () {
    for (const each of edits) apply(sourceOf(each.file), each)
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "onelane-mutant-"))),
      (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
    )
    for (const each of packages) build(join(folder, "node_modules/@onelane", each), each, edits)
    symlinkSync(join(root, "node_modules/effect"), join(folder, "node_modules/effect"))
    return (module) => import(/* @vite-ignore */ pathToFileURL(join(folder, `node_modules/@onelane/${module}.js`)).href)
  })

/** The simulation over a mutant. */
export const load = (edits: ReadonlyArray<Edit>): Effect.Effect<Run, never, Scope.Scope> =>
  Effect.flatMap(make(edits), (loadModule) =>
    Effect.promise(async () => (await loadModule<typeof Simulation>("testkit/simulation/Simulation")).run)
  )

const build = (folder: string, name: string, edits: ReadonlyArray<Edit>): void => {
  mkdirSync(folder, { recursive: true })
  const manifest = readFileSync(join(root, "packages", name, "package.json"), "utf8")
  writeFileSync(join(folder, "package.json"), manifest.replace(/"\.\/(?:src|dist)\/([\w/]+)\.[\w.]+"/g, '"./$1.js"'))
  const files = readdirSync(join(root, "packages", name, "src"), { recursive: true, encoding: "utf8" })
  // The instruments of `prove/` run simulations; none of them is part of one.
  for (const file of files.filter((each) => each.endsWith(".ts") && !each.startsWith("prove"))) {
    const path = `${name}/src/${file}`
    const edited = edits
      .filter((each) => each.file === path)
      .reduce((source, each) => apply(source, each), sourceOf(path))
    const output = join(folder, file.replace(/ts$/, "js"))
    mkdirSync(dirname(output), { recursive: true })
    writeFileSync(output, translate(edited))
  }
}

const sources = new Map<string, string>()

const sourceOf = (path: string): string => {
  let source = sources.get(path)
  if (source === undefined) sources.set(path, (source = readFileSync(join(root, "packages", path), "utf8")))
  return source
}

/** Applies an edit; throws if its text does not occur exactly once. */
export const apply = (source: string, { file, find, replace }: Edit): string => {
  const parts = source.split(find)
  if (parts.length !== 2) throw new Error(`"${find}" stands ${parts.length - 1} times in ${file}, not once`)
  return parts.join(replace)
}

const translated = new Map<string, string>()

const translate = (source: string): string => {
  let output = translated.get(source)
  if (output === undefined) {
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.ESNext,
        verbatimModuleSyntax: true
      }
    })
    translated.set(source, (output = outputText))
  }
  return output
}

/** The result of a hunt for a mutant: the seed that detected it and the problem, or null. */
export interface Hunt {
  readonly seeds: number
  readonly caught: { readonly seed: number; readonly problem: string } | null
}

/** Runs seeds on a mutant until one shows the expected problem. */
export const hunt = (mutation: Mutation, fromSeed: number, mostSeeds: number): Effect.Effect<Hunt> =>
  Effect.scoped(
    Effect.map(load(mutation.edits), (run) => {
      for (let tried = 0; tried < mostSeeds; tried++) {
        const seed = fromSeed + tried
        const problem = run(seed, mutation.scenario).problems.find((each) => mutation.caughtBy.test(each))
        if (problem !== undefined) return { seeds: tried + 1, caught: { seed, problem } }
      }
      return { seeds: mostSeeds, caught: null }
    })
  )
