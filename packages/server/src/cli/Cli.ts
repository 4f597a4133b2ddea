/**
 * Cli: the command tree of `onelane`. Each group of commands is a file beside this one.
 *
 * Exit codes: 0 done; 1 refused or failed, with the reason on standard error; 2 invalid arguments, nothing was done; 3,
 * for commands that judge: not enough data for a verdict.
 */
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import type * as ValidationError from "@effect/cli/ValidationError"
import * as NodeContext from "@effect/platform-node/NodeContext"
import type * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ending from "../serve/Ending.js"
import { version } from "../settings/Release.js"
import { backup, restore } from "./BackupCommand.js"
import { directory } from "./DirectoryCommand.js"
import { doctor } from "./DoctorCommand.js"
import { erase } from "./EraseCommand.js"
import { flow } from "./FlowCommand.js"
import { judge } from "./JudgeCommand.js"
import { keys } from "./KeysCommand.js"
import { migrate } from "./MigrateCommand.js"
import { race } from "./RaceCommand.js"
import { serve } from "./ServeCommand.js"
import { sessions } from "./SessionsCommand.js"

/** The help of `onelane`. */
export const help = `onelane: checkout sessions, one lane each. Of all updates for one visit of a state, at most one succeeds.

  onelane serve      serve checkout sessions over HTTP
  onelane sessions   list | show | watch | cancel | release | move | prune: look at sessions, follow, cancel, put right, delete
  onelane flow       check: what a flow would make of the live sessions; exit code 1 if one has no way on
  onelane directory  users | accounts | stores | members | carts: put | remove | list
  onelane keys       create | list | revoke: the keys with which programs call
  onelane erase      remove everything about one buyer, by cart or by owner
  onelane migrate    make a storage, or bring its tables up to date
  onelane backup     copy an SQLite store while updates go on
  onelane restore    put such a copy back
  onelane doctor     look at what a server rests on: Node, the storage, its tables, its disk, the clock
  onelane judge      a recorded history: does it keep the promise? With the time line of what breaks it
  onelane race       a checkout over HTTP, yours or ours: callers race, the judge says whether it is correct

Each of them says more with --help, such as: onelane keys create --help
They act on a running server (--url, --token; or ONELANE_URL, ONELANE_TOKEN), else on a storage that no server has open
(--storage; or ONELANE_STORAGE). With --json they answer in one line for programs. --completions bash|fish|zsh makes a script.

Exit codes: 0 done; 1 refused or failed, standard error says why; 2 not understood, nothing was done;
3 of judge and race: it could not be judged.`

const onelane = Command.make("onelane", {}, () => Ending.print(process.stdout, help)).pipe(
  Command.withDescription("Checkout sessions, one lane each."),
  Command.withSubcommands([
    serve,
    migrate,
    sessions,
    flow,
    directory,
    keys,
    erase,
    backup,
    restore,
    doctor,
    judge,
    race
  ])
)

// The library always prints colours; a file or a pipe should get plain text.
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a colour begins with
const colours = /\u001b\[[0-9;]*m/g

/** Sentences that the library adds to every option; removed from the help. */
const commonplaces = new Set([
  "A user-defined piece of text.",
  "A true or false value.",
  "This setting is optional.",
  "This option can be set from environment variables."
])

const printTo = (stream: NodeJS.WriteStream) => (text: unknown) => {
  const lines = String(text)
    .split("\n")
    .filter((line) => !commonplaces.has(line.replace(colours, "").trim()))
  const said = lines
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .trimEnd()
  return Ending.print(stream, stream.isTTY ? said : said.replace(colours, ""))
}

const plainly = (inForce: Console.Console): Console.Console => ({
  ...inForce,
  log: printTo(process.stdout),
  error: printTo(process.stderr)
})

const environment = Layer.merge(NodeContext.layer, CliConfig.layer({ showBuiltIns: false, isCaseSensitive: true }))

/** Runs the command of this process. */
export const run = (argv: ReadonlyArray<string>): Effect.Effect<void> => {
  if (argv.length === 3 && (argv[2] === "--help" || argv[2] === "-h")) return Ending.print(process.stdout, help)
  return Command.run(onelane, { name: "onelane", version, executable: "onelane" })(argv).pipe(
    Effect.catchAll((_: ValidationError.ValidationError) => Ending.exit(Ending.usage)),
    Effect.provide(environment),
    (running) => Effect.consoleWith((inForce) => Effect.withConsole(running, plainly(inForce)))
  )
}
