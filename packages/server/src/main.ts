/**
 * main: the `onelane` command. `serve` starts without loading the other commands; the command tree (`cli/Cli`) parses
 * everything else.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as ServeProgram from "./serve/ServeProgram.js"

const program = ([command, ...rest]: ReadonlyArray<string>): Effect.Effect<void> =>
  command === "serve"
    ? ServeProgram.run(rest)
    : Effect.flatMap(
        Effect.promise(() => import("./cli/Cli.js")),
        ({ run }) => run(process.argv)
      )

NodeRuntime.runMain(
  program(process.argv.slice(2)).pipe(
    Effect.provide(Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger)))
  ),
  { disablePrettyLogger: true }
)
