/**
 * FlowOption: the flow that a command works with: a preset by its name, or a module of the app that exports a flow or
 * an app.
 */
import * as Options from "@effect/cli/Options"
import { Flow } from "@onelane/checkout"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"

/** `--flow`. */
export const text = Options.text("flow").pipe(
  Options.withPseudoName("name"),
  Options.withDescription(
    "A preset, or the path of a module that exports your flow or your app as default. ONELANE_FLOW"
  ),
  Options.withFallbackConfig(Config.string("ONELANE_FLOW"))
)

/** `--app`. */
export const app = Options.text("app").pipe(
  Options.withPseudoName("file"),
  Options.withDescription("The file of your app, as for onelane serve: its flow is meant. ONELANE_APP"),
  Options.withFallbackConfig(Config.string("ONELANE_APP")),
  Options.optional
)

/** The flow of that name or path. Fails with one sentence if it cannot be loaded. */
export const load = (name: string): Effect.Effect<Flow.Flow, string> => {
  if (Object.hasOwn(Flow.presets, name)) return Effect.succeed(Flow.presets[name as Flow.PresetName])
  return Effect.flatMap(
    Effect.promise(() => import("../app/AppModule.js")),
    ({ loadFlow }) =>
      Effect.mapError(loadFlow(name), (why) => {
        const known = Object.keys(Flow.presets).join(", ")
        return why === `${name}: no such file`
          ? `no such flow: ${JSON.stringify(name)}; there are ${known}, or a module`
          : why
      })
  )
}
