/**
 * ServeConfig: the configuration of `onelane serve`, checked before anything is opened. Pure: takes arguments,
 * environment and a function that reads files; returns a config or sentences for the operator.
 */
import { Flow } from "@onelane/checkout"
import * as NodeAddress from "@onelane/cluster/NodeAddress"
import * as Storage from "@onelane/sql/Storage"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Either from "effect/Either"
import * as FlowFile from "../app/FlowFile.js"
import { Tokens } from "../identity/Tokens.js"
import { Seed } from "../operations/Seed.js"
import * as DoorSettings from "./DoorSettings.js"
import * as Said from "./Said.js"
import * as Settings from "./Settings.js"

/** A checked configuration. */
export interface ServeConfig {
  /** The SQLite file, `":memory:"`, or `postgres://…`. */
  readonly storage: string
  readonly host: string
  /** 0: any free port, named by the line on standard output. */
  readonly port: number
  readonly flow: Flow.Flow
  /** The file of an app, which has the flow; null: none. */
  readonly app: string | null
  /** Fixed tokens; empty if callers authenticate otherwise. */
  readonly tokens: Tokens
  readonly door: DoorSettings.DoorSettings
  readonly seed: Seed | null
  /** The folder for `onelane backup`; null: backups are refused. */
  readonly backupFolder: string | null
  /** Leaves the operators' page at `/console` out. */
  readonly noConsole: boolean
  /** The address its peers connect to; null: no cluster. */
  readonly cluster: NodeAddress.NodeAddress | null
  /** The address it listens on for peers; null: the same. */
  readonly clusterListen: NodeAddress.NodeAddress | null
  /** The shared cluster secret; null: derived from the storage. */
  readonly clusterSecret: string | null
}

/** Every setting of `onelane serve`. */
export const settings: ReadonlyArray<Settings.Setting> = [
  { name: "storage", value: "file", text: "the SQLite file, :memory:, or postgres://…", fallback: "onelane.db" },
  { name: "host", value: "address", text: "the address to listen on", fallback: "127.0.0.1" },
  { name: "port", value: "number", text: "the port, 0 for any", fallback: "8080" },
  {
    name: "flow",
    value: "name",
    text: `one of ${Object.keys(Flow.presets).join(", ")}, or a JSON file`,
    fallback: "b2b"
  },
  {
    name: "app",
    value: "file",
    text: "your app: a JavaScript or TypeScript module whose default export is defineApp({ flow, access, carts, … })"
  },
  { name: "tokens", value: "file", text: "JSON, or its path: token to {userId, roles, accountId?}; for development" },
  {
    name: "seed",
    value: "file",
    text: "JSON, or its path: users, stores, accounts, carts to add at the start if they are missing"
  },
  {
    name: "backup-folder",
    value: "folder",
    text: "where `onelane backup --url` puts copies of the SQLite file",
    fallback: "none"
  },
  { name: "no-console", value: null, text: "no page for operators at /console" },
  {
    name: "cluster",
    value: "host:port",
    text: "join a cluster over the same PostgreSQL: the address its peers connect to; must be private"
  },
  {
    name: "cluster-listen",
    value: "host:port",
    text: "the address to listen on for peers; default that of --cluster"
  },
  { name: "cluster-secret", value: "text", text: "shared cluster secret; default derived from --storage" },
  ...DoorSettings.settings
]

/** Reads the arguments after `serve`. `readFile` may throw. */
export const parse = (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string | undefined>>,
  readFile: Said.ReadFile
): Either.Either<ServeConfig, string> =>
  Either.gen(function* () {
    const { flow, tokens, ...config } = yield* Settings.read(
      yield* Settings.gather(settings, args, env, readFile),
      configOf(readFile)
    )
    const wrong = DoorSettings.judge(config.door, config.host, tokens !== null)
    if (wrong !== null) return yield* Either.left(wrong)
    if (config.cluster !== null && !Storage.isServer(config.storage)) {
      return yield* Either.left("--cluster needs a storage that all nodes reach: --storage postgres://…")
    }
    if (config.app !== null && flow !== null)
      return yield* Either.left("--flow: the app has the flow; leave one of them out")
    return { ...config, flow: flow ?? Flow.b2b, tokens: tokens ?? {} }
  })

const configOf = (readFile: Said.ReadFile) =>
  Config.all({
    storage: Config.withDefault(Config.mapOrFail(Config.string("storage"), storageOf), "onelane.db"),
    host: Config.withDefault(Config.nonEmptyString("host"), "127.0.0.1"),
    port: Config.withDefault(Config.mapOrFail(Config.string("port"), portOf), 8080),
    flow: Config.withDefault(Said.as("flow", flowOf(readFile)), null),
    app: Config.withDefault(Config.nonEmptyString("app"), null),
    tokens: Config.withDefault(Said.json("tokens", Tokens, readFile, true), null),
    seed: Config.withDefault(Said.json("seed", Seed, readFile), null),
    backupFolder: Config.withDefault(Config.nonEmptyString("backup-folder"), null),
    noConsole: Config.withDefault(Config.boolean("no-console"), false),
    cluster: Config.withDefault(Config.mapOrFail(Config.string("cluster"), nodeOf), null),
    clusterListen: Config.withDefault(Config.mapOrFail(Config.string("cluster-listen"), nodeOf), null),
    clusterSecret: Config.withDefault(Config.nonEmptyString("cluster-secret"), null),
    door: DoorSettings.config(readFile)
  })

const portOf = (text: string): Either.Either<number, ConfigError.ConfigError> =>
  /^\d{1,5}$/.test(text) && Number(text) <= 65_535
    ? Either.right(Number(text))
    : Either.left(Said.invalid(`not a port: ${JSON.stringify(text)}`))

const storageOf = (text: string): Either.Either<string, ConfigError.ConfigError> => {
  const fault = Storage.faultOf(text)
  return fault === null ? Either.right(text) : Either.left(Said.invalid(fault))
}

const nodeOf = (text: string): Either.Either<NodeAddress.NodeAddress, ConfigError.ConfigError> => {
  const address = NodeAddress.parse(text)
  return address === null ? Either.left(Said.invalid(`not host:port: ${JSON.stringify(text)}`)) : Either.right(address)
}

const flowOf =
  (readFile: Said.ReadFile) =>
  (name: string): Either.Either<Flow.Flow, string> => {
    if (Object.hasOwn(Flow.presets, name)) return Either.right(Flow.presets[name as Flow.PresetName])
    if (!name.endsWith(".json")) {
      const known = Object.keys(Flow.presets).join(", ")
      return Either.left(`no such flow: ${JSON.stringify(name)}; there are ${known}, or a .json file`)
    }
    return Either.try({ try: () => readFile(name), catch: Said.whyOf }).pipe(
      Either.flatMap(FlowFile.parse),
      Either.mapLeft((why) =>
        why
          .split("\n")
          .map((line) => `${name} ${line}`)
          .join("\n")
      )
    )
  }
