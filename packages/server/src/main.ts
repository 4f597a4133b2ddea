/**
 * main: the command line. Standard output carries one line of JSON for programs, standard error everything for people.
 * Exits 0 after SIGTERM or SIGINT, 2 when it was told something wrong, 1 when it could not go on.
 */
import { readFileSync } from "node:fs"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect, Either, Logger } from "effect"
import * as ServeConfig from "./ServeConfig.js"

const print = (stream: NodeJS.WriteStream, text: string) => Effect.sync(() => void stream.write(`${text}\n`))

const listening = (url: string) =>
  print(process.stdout, JSON.stringify({ event: "listening", url, port: Number(new URL(url).port) }))

/** One sentence for an operator. */
const explain = (error: { readonly _tag: string }): string => {
  if (error._tag === "StoreFenced") {
    return "the disk gave no answer to a commit: the store is closed, and what it holds is read again at the next start"
  }
  const { cause, message } = error as { readonly message?: string; readonly cause?: unknown }
  return message || (cause instanceof Error ? cause.message : JSON.stringify(error))
}

const exit = (code: number) => Effect.sync(() => void (process.exitCode = code))

const program = (args: ReadonlyArray<string>) => {
  const [command, ...rest] = args
  if (command === "--help" || rest.includes("--help")) return print(process.stdout, ServeConfig.usage)
  const config =
    command === "serve"
      ? ServeConfig.parse(rest, process.env, (path) => readFileSync(path, "utf8"))
      : Either.left(`no such command: ${command ?? ""}`)
  if (Either.isLeft(config)) {
    return Effect.zipRight(print(process.stderr, `onelane: ${config.left}\n\n${ServeConfig.usage}`), exit(2))
  }
  // Loaded only now: to be told wrong should not take a second.
  return Effect.promise(() => import("./Serve.js")).pipe(
    Effect.flatMap(({ serve }) => serve(config.right, listening)),
    Effect.catchAll((error) => Effect.zipRight(print(process.stderr, `onelane: ${explain(error)}`), exit(1)))
  )
}

NodeRuntime.runMain(
  program(process.argv.slice(2)).pipe(
    Effect.provide(Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger)))
  ),
  { disablePrettyLogger: true }
)
