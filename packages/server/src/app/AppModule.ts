/**
 * AppModule: loads the file of an app: the result of `defineApp`, exported as default or as `app`. An error is one
 * sentence that names the file and the field.
 */
import { existsSync, readFileSync } from "node:fs"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { Flow } from "@onelane/checkout"
import * as App from "@onelane/sdk/app"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Said from "../settings/Said.js"
import * as FlowFile from "./FlowFile.js"
import * as TypeScriptFile from "./TypeScriptFile.js"

/** What the modules of a user may export. */
export interface Exports {
  readonly default?: unknown
  readonly app?: unknown
  readonly flow?: unknown
  readonly adapter?: unknown
}

const sentenceOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))

/**
 * Runs a module of the user, JavaScript or TypeScript, and returns its exports. Fails with one sentence on why it
 * cannot be loaded.
 */
export const run = (path: string): Effect.Effect<Exports, string> =>
  Effect.gen(function* () {
    if (!existsSync(path)) return yield* Effect.fail(`${path}: no such file`)
    if (TypeScriptFile.isTypeScript(path)) {
      const fault = yield* TypeScriptFile.prepare(path)
      if (fault !== null) return yield* Effect.fail(`${path}: ${fault}`)
    }
    return yield* Effect.tryPromise({
      try: () => import(pathToFileURL(resolve(path)).href) as Promise<Exports>,
      catch: (thrown) => `${path} cannot be loaded: ${sentenceOf(thrown).split("\n")[0]}`
    })
  })

const checked = (path: string, app: unknown): Effect.Effect<App.App, string> => {
  const fault = App.faultOf(app)
  return fault === null ? Effect.succeed(App.copyOf(app as App.App)) : Effect.fail(`${path}: ${fault}`)
}

/** The app of a module. */
export const load = (path: string): Effect.Effect<App.App, string> =>
  Effect.flatMap(run(path), (exports) => {
    const app = exports.default ?? exports.app
    if (app === undefined) return Effect.fail(`${path}: it exports no app; export default defineApp({ … })`)
    return Flow.isFlow(app)
      ? Effect.fail(`${path}: it exports a flow; export default defineApp({ flow })`)
      : checked(path, app)
  })

const readFlow = (path: string): Effect.Effect<Flow.Flow, string> =>
  Either.try({ try: () => readFileSync(path, "utf8"), catch: Said.whyOf }).pipe(
    Either.flatMap(FlowFile.parse),
    Either.mapLeft((why) => `${path} ${why}`)
  )

/** The flow of a JSON file, or of a module: its own, or that of its app. */
export const loadFlow = (path: string): Effect.Effect<Flow.Flow, string> =>
  path.endsWith(".json")
    ? readFlow(path)
    : Effect.flatMap(run(path), (exports) => {
        const found = exports.default ?? exports.flow ?? exports.app
        if (Flow.isFlow(found)) return Effect.succeed(found)
        return typeof found === "object" && found !== null && "flow" in found
          ? Effect.map(checked(path, found), App.flowOf)
          : Effect.fail(`${path} exports no flow: export one that defineFlow made, or an app, as default`)
      })
