/**
 * FlowOption: the flow that a command works with: a preset by its name, or a module of the app that exports one.
 */
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import * as Options from "@effect/cli/Options"
import { Flow } from "@onelane/checkout"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"

/** `--flow`. */
export const text = Options.text("flow").pipe(
  Options.withPseudoName("name"),
  Options.withDescription("A preset, or the path of a module that exports your flow as default. ONELANE_FLOW"),
  Options.withFallbackConfig(Config.string("ONELANE_FLOW"))
)

/** The flow of that name or path, or one sentence on why there is none. */
export const load = (name: string): Effect.Effect<Flow.Flow, string> => {
  if (Object.hasOwn(Flow.presets, name)) return Effect.succeed(Flow.presets[name as Flow.PresetName])
  const known = Object.keys(Flow.presets).join(", ")
  if (!existsSync(name)) return Effect.fail(`no such flow: ${JSON.stringify(name)}; there are ${known}, or a module`)
  return Effect.tryPromise({
    try: () =>
      import(pathToFileURL(resolve(name)).href) as Promise<{ readonly default?: unknown; readonly flow?: unknown }>,
    catch: (cause) => `${name} cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`
  }).pipe(
    Effect.flatMap(({ default: flow, flow: named }) => {
      const found = flow ?? named
      return Flow.isFlow(found)
        ? Effect.succeed(found)
        : Effect.fail(`${name} exports no flow: export one that defineFlow made, as default`)
    })
  )
}
