/**
 * Cli: the command tree of `onelane`. Each group of commands is a file beside this one.
 *
 * Exit codes: 0 done, 1 refused or failed (standard error says why), 2 not understood, nothing was done.
 */
import { readFileSync } from "node:fs"
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import type * as ValidationError from "@effect/cli/ValidationError"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { type Console, Effect, Layer } from "effect"
import * as Ending from "../Ending.js"
import { serve } from "./ServeCommand.js"

const onelane = Command.make("onelane").pipe(
  Command.withDescription(
    "Checkout sessions, one lane each: of all updates for one visit of a state, at most one succeeds."
  ),
  Command.withSubcommands([serve])
)

// The library colours whatever it prints; a file or a pipe should get plain text.
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a colour begins with
const colours = /\u001b\[[0-9;]*m/g

const printTo = (stream: NodeJS.WriteStream) => (text: unknown) =>
  Ending.print(stream, stream.isTTY ? String(text) : String(text).replace(colours, "").trimEnd())

const plainConsole = (console_: Console.Console): Console.Console => ({
  ...console_,
  log: printTo(process.stdout),
  error: printTo(process.stderr)
})

const environment = Layer.merge(NodeContext.layer, CliConfig.layer({ showBuiltIns: false, isCaseSensitive: true }))

const version = (
  JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string }
).version

/** Runs what the process was started with. */
export const run = (argv: ReadonlyArray<string>): Effect.Effect<void> =>
  Command.run(onelane, { name: "onelane", version, executable: "onelane" })(argv).pipe(
    Effect.catchAll((_: ValidationError.ValidationError) => Ending.exit(Ending.usage)),
    Effect.provide(environment),
    (running) => Effect.flatMap(Effect.console, (inForce) => Effect.withConsole(running, plainConsole(inForce)))
  )
