/**
 * ServeCommand: `onelane serve` in the command tree; its options come from the table of settings. `main` runs it
 * without the tree; calls through the tree (completions, the wizard) are passed on unchanged.
 */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Option from "effect/Option"
import * as ServeProgram from "../serve/ServeProgram.js"
import * as ServeConfig from "../settings/ServeConfig.js"
import * as Settings from "../settings/Settings.js"

const describe = ({ fallback, name, text }: Settings.Setting): string =>
  `${text}. Environment: ${Settings.environmentName(name)}.${fallback === undefined ? "" : ` Default: ${fallback}.`}`

// For switches and texts: the given value, or nothing.
const optionOf = (setting: Settings.Setting): Options.Options<Option.Option<string>> => {
  const option =
    setting.value === null
      ? Options.map(Options.boolean(setting.name), (on) => (on ? Option.some("") : Option.none()))
      : Options.optional(Options.withPseudoName(Options.text(setting.name), setting.value))
  return Options.withDescription(option as Options.Options<Option.Option<string>>, describe(setting))
}

const table = [...ServeConfig.settings, Settings.configFile]

/** Serves checkout sessions over HTTP. */
export const serve = Command.make("serve", Object.fromEntries(table.map((each) => [each.name, optionOf(each)]))).pipe(
  Command.withDescription("Serve checkout sessions over HTTP."),
  Command.withHandler((said) =>
    ServeProgram.run(
      Object.entries(said).flatMap(([name, value]) =>
        Option.match(value, { onNone: () => [], onSome: (text) => [`--${name}`, ...(text === "" ? [] : [text])] })
      )
    )
  )
)
