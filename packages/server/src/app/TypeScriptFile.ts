/**
 * TypeScriptFile: lets this process run an app that is written in TypeScript: with Node's type stripping if it is
 * available, else with the `typescript` of the app. Types are removed and not checked.
 *
 * Node itself loads the modules of the app, so they share the packages of this server. A loader that evaluates modules
 * itself would load `@onelane/checkout` twice, and the flow of the app would not be recognized.
 */
import { createRequire, register } from "node:module"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import * as Effect from "effect/Effect"

/** Whether a path names TypeScript. */
export const isTypeScript = (path: string): boolean => /\.[cm]?ts$/.test(path)

const stripsTypes = (): boolean => {
  const { typescript } = process.features as { readonly typescript?: string | false }
  return typescript === "strip" || typescript === "transform"
}

/** The loader hook as text: a separate module could not be found beside a bundled server. */
const hookOf = (typescript: string): string => `
import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import ts from ${JSON.stringify(typescript)}

const isOurs = (url) => url.startsWith("file:") && /\\.m?ts$/.test(url) && !url.includes("/node_modules/")

// TypeScript names the file that will be emitted.
export const resolve = (specifier, context, next) => {
  if (/^\\.\\.?\\//.test(specifier) && context.parentURL && isOurs(context.parentURL)) {
    const source = new URL(specifier.replace(/\\.(m?)js$/, ".$1ts"), context.parentURL)
    if (isOurs(source.href) && existsSync(fileURLToPath(source))) return next(source.href, context)
  }
  return next(specifier, context)
}

export const load = async (url, context, next) => {
  if (!isOurs(url)) return next(url, context)
  const fileName = fileURLToPath(url)
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, inlineSourceMap: true }
  const { outputText } = ts.transpileModule(await readFile(fileName, "utf8"), { fileName, compilerOptions })
  return { format: "module", source: outputText, shortCircuit: true }
}`

let isRegistered = false

/** Prepares this process to import the file. Returns what prevents it, as a sentence, or null. */
export const prepare = (path: string): Effect.Effect<string | null> =>
  Effect.sync(() => {
    if (stripsTypes() || isRegistered) return null
    if (path.endsWith(".cts")) return "this Node does not run .cts; write an ES module (.ts), or compile it"
    const from = pathToFileURL(resolve(path)).href
    try {
      const typescript = pathToFileURL(createRequire(from).resolve("typescript")).href
      register(`data:text/javascript,${encodeURIComponent(hookOf(typescript))}`)
      isRegistered = true
      return null
    } catch {
      return "this Node does not run TypeScript: use Node 22.18 or newer, npm install typescript beside it, or compile it"
    }
  })
