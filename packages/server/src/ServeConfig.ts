/**
 * ServeConfig: what `onelane serve` is told, by flags first and the environment second, checked before anything is opened.
 * Pure: arguments, environment and a way to read a file in; a config or one sentence for the operator out.
 */
import { parseArgs } from "node:util"
import { Flow } from "@onelane/checkout"
import { Either, ParseResult, Schema } from "effect"
import { Seed } from "./Seed.js"
import { Tokens } from "./Tokens.js"

/** A checked configuration. */
export interface ServeConfig {
  /** Path of the SQLite file, or `":memory:"`. */
  readonly storage: string
  readonly host: string
  /** 0: any free port; the line on standard output tells which. */
  readonly port: number
  readonly flow: Flow.PresetName
  readonly tokens: Tokens
  readonly seed: Seed | null
}

/** How the command is used. */
export const usage = `onelane serve: checkout sessions over HTTP, kept in one SQLite file

  --storage <file>   the SQLite file, or :memory:          ONELANE_STORAGE   default onelane.db
  --host <address>   the address to listen on              ONELANE_HOST      default 127.0.0.1
  --port <number>    the port, 0 for any                   ONELANE_PORT      default 8080
  --flow <name>      ${Object.keys(Flow.presets).join(", ").padEnd(38)}ONELANE_FLOW      default b2b
  --tokens <file>    JSON: token to {userId, roles, accountId?}; or the JSON itself in ONELANE_TOKENS
  --seed <file>      JSON: users, stores, accounts, carts, put into the directory at every start

When it listens it prints one line of JSON with its url. SIGTERM and SIGINT finish what has begun and exit 0.
`

const options = {
  storage: { type: "string" },
  host: { type: "string" },
  port: { type: "string" },
  flow: { type: "string" },
  tokens: { type: "string" },
  seed: { type: "string" }
} as const

type Name = keyof typeof options

/** Reads the arguments after `serve`. `readFile` may throw. */
export const parse = (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string
): Either.Either<ServeConfig, string> =>
  Either.gen(function* () {
    const flags = yield* attempt(() => parseArgs({ args: [...args], options }).values)
    const setting = (name: Name): string | undefined => flags[name] ?? env[`ONELANE_${name.toUpperCase()}`]
    const fromFile = <A, I>(name: Name, schema: Schema.Schema<A, I>, path: string) =>
      Either.flatMap(
        attempt(() => readFile(path)),
        (text) => decode(`--${name} ${path}`, schema, text)
      )

    const inlineTokens = env.ONELANE_TOKENS
    if (flags.tokens === undefined && inlineTokens === undefined) {
      return yield* Either.left("no tokens: nobody could call; give --tokens or ONELANE_TOKENS")
    }
    const tokens = yield* flags.tokens === undefined
      ? decode("ONELANE_TOKENS", Tokens, inlineTokens!)
      : fromFile("tokens", Tokens, flags.tokens)
    const seed = setting("seed")
    return {
      storage: setting("storage") ?? "onelane.db",
      host: setting("host") ?? "127.0.0.1",
      port: yield* portOf(setting("port") ?? "8080"),
      flow: yield* presetOf(setting("flow") ?? "b2b"),
      tokens,
      seed: seed === undefined ? null : yield* fromFile("seed", Seed, seed)
    }
  })

const attempt = <A>(read: () => A): Either.Either<A, string> =>
  Either.try({ try: read, catch: (cause) => (cause instanceof Error ? cause.message : String(cause)) })

const decode = <A, I>(where: string, schema: Schema.Schema<A, I>, text: string): Either.Either<A, string> =>
  Schema.decodeUnknownEither(Schema.parseJson(schema), { onExcessProperty: "error" })(text).pipe(
    Either.mapLeft((error) => `${where}: ${ParseResult.TreeFormatter.formatErrorSync(error)}`)
  )

const portOf = (text: string): Either.Either<number, string> =>
  /^\d{1,5}$/.test(text) && Number(text) <= 65_535
    ? Either.right(Number(text))
    : Either.left(`not a port: ${JSON.stringify(text)}`)

const presetOf = (name: string): Either.Either<Flow.PresetName, string> =>
  Object.hasOwn(Flow.presets, name)
    ? Either.right(name as Flow.PresetName)
    : Either.left(`no such flow: ${JSON.stringify(name)}; there are ${Object.keys(Flow.presets).join(", ")}`)
