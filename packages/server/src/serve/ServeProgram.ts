/**
 * ServeProgram: `onelane serve` as a process. Standard output gets one line of JSON for programs, standard error
 * everything for people. Imports little: the server is loaded only after the settings were checked.
 */
import { readFileSync } from "node:fs"
import type { App } from "@onelane/sdk/app"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ServeConfig from "../settings/ServeConfig.js"
import * as Settings from "../settings/Settings.js"
import * as Ending from "./Ending.js"
import type { ServeFailure } from "./Serve.js"

const listening = (url: string) =>
  Ending.print(process.stdout, JSON.stringify({ event: "listening", url, port: Number(new URL(url).port) }))

/** Why the store was closed and what to do, by failure reason. */
const fences: Readonly<Record<string, string>> = {
  FILE_REPLACED:
    "the file of the store, or its log, was removed or replaced while the server ran: the server has stopped, because its " +
    "answers would come from a file that is gone; put the file back or restore a backup, then start it again"
}

const fence =
  "the disk gave no answer to a commit: the store is closed, and what it holds is read again at the next start"

const sentenceOf = (error: ServeFailure): string => {
  if (error._tag === "StoreFenced") return fences[error.reason] ?? fence
  return error._tag === "UnknownEntry"
    ? `--seed: ${error.entry} ${JSON.stringify(error.id)} is neither in the seed nor in the directory`
    : Ending.sentenceOf(error)
}

// A setting that is well-formed but cannot be used.
const codeOf = (error: ServeFailure): number =>
  error._tag === "UnknownEntry" || error._tag === "SettingRefused" ? Ending.usage : Ending.failed

/** A command to try: a server in memory with one user and one cart. */
const tryIt = `onelane serve --storage :memory: --tokens '{"secret": {"userId": "me", "roles": ["modify-all-data"]}}' --seed '{"users": [{"id": "me"}], "stores": ["store"], "accounts": [{"id": "account", "users": ["me"], "stores": ["store"]}], "carts": [{"id": "cart-1", "storeId": "store", "accountId": "account", "ownerId": "me"}]}'`

/** The help text. */
export const help = `onelane serve: checkout sessions over HTTP, kept in one SQLite file or in PostgreSQL

${Settings.describe([...ServeConfig.settings, Settings.configFile])}

Each setting is taken from its flag, else from the environment (the second column), else from the file of --config.
When it listens it prints one line of JSON with its url. SIGTERM and SIGINT finish what has begun.
Exit codes: 0 ended by a signal, 1 could not go on, 2 a setting is wrong.

Try it:

  ${tryIt}

and, in a program (npm install @onelane/sdk):

  const checkout = await Onelane.connect({ url: "http://127.0.0.1:8080", token: "secret" })
  const { session } = await checkout.openOrThrow({ cartId: "cart-1" })`

/** The app to serve; undefined without one. */
const appOf = ({ app: path, seed }: ServeConfig.ServeConfig): Effect.Effect<App | undefined, string> =>
  path === null
    ? Effect.succeed(undefined)
    : Effect.promise(() => import("../app/AppModule.js")).pipe(
        Effect.flatMap(({ load }) => load(path)),
        Effect.mapError((why) => `--app ${why}`),
        Effect.filterOrFail(
          ({ directory }) => seed === null || directory === true,
          () => `--seed: ${path} has no directory; say directory: true, or leave --seed out`
        )
      )

/** Serves until a signal (exit code 0), a wrong setting (2) or a failure (1). */
export const run = (args: ReadonlyArray<string>): Effect.Effect<void> => {
  if (args.some((arg) => arg === "--help" || arg === "-h")) return Ending.print(process.stdout, help)
  const config = ServeConfig.parse(args, process.env, (path) => readFileSync(path, "utf8"))
  if (Either.isLeft(config)) {
    return Ending.because(Ending.usage, `${config.left}\nTry: onelane serve --help`)
  }
  return Effect.matchEffect(appOf(config.right), {
    onFailure: (why) => Ending.because(Ending.usage, why),
    onSuccess: (app) =>
      Effect.promise(() => import("./Serve.js")).pipe(
        Effect.flatMap(({ serve }) => serve(config.right, listening, app)),
        Effect.catchAll((error) => Ending.because(codeOf(error), sentenceOf(error)))
      )
  })
}
