/**
 * Settings: where the value of a setting comes from: a flag, else the environment, else the file of `--config`. Each
 * setting has one name in all three (`--port`, `ONELANE_PORT`, `"port"`).
 *
 * Owns names and sources. `ServeConfig` decides with Effect `Config` which values are valid.
 */
import { parseArgs } from "node:util"
import type * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"

/** One setting. */
export interface Setting {
  /** Its flag without the dashes; `ONELANE_…` in the environment, the same name in the file. */
  readonly name: string
  /** The placeholder of its value in the help; null: a switch. */
  readonly value: string | null
  /** Its description in the help. */
  readonly text: string
  /** Its default, as text. */
  readonly fallback?: string | undefined
}

/** The setting that names the settings file. */
export const configFile: Setting = {
  name: "config",
  value: "file",
  text: 'a JSON file of settings, such as {"port": 8080, "storage": "onelane.db"}'
}

/** Its name in the environment. */
export const environmentName = (name: string): string => `ONELANE_${name.toUpperCase().replaceAll("-", "_")}`

/** A table of settings for the help: flag, environment variable, description. */
export const describe = (table: ReadonlyArray<Setting>): string => {
  const rows = table.map(({ fallback, name, text, value }) => [
    `--${name}${value === null ? "" : ` <${value}>`}`,
    environmentName(name),
    `${text}${fallback === undefined ? "" : `; default ${fallback}`}`
  ])
  const width = (column: number) => Math.max(...rows.map((row) => row[column]!.length)) + 2
  return rows.map(([flag, env, text]) => `  ${flag!.padEnd(width(0))}${env!.padEnd(width(1))}${text}`).join("\n")
}

/** Values by name, with the source of each. */
export interface Settings {
  readonly values: ReadonlyMap<string, string>
  /** `--port`, `ONELANE_PORT`, or `"port" in onelane.json`. */
  readonly origins: ReadonlyMap<string, string>
}

/**
 * Collects the settings of a table from all sources. `readFile` may throw. Unknown names are refused in every source.
 */
export const gather = (
  table: ReadonlyArray<Setting>,
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string
): Either.Either<Settings, string> =>
  Either.gen(function* () {
    const known = [...table, configFile]
    const flags = yield* flagsOf(known, args)
    const path = flags.get(configFile.name) ?? env[environmentName(configFile.name)]
    const file = path === undefined ? new Map<string, string>() : yield* fileOf(known, path, readFile)
    const values = new Map<string, string>()
    const origins = new Map<string, string>()
    for (const { name } of table) {
      const sources = [
        [flags.get(name), `--${name}`],
        [env[environmentName(name)], environmentName(name)],
        [file.get(name), `"${name}" in ${path}`]
      ] as const
      const [value, origin] = sources.find(([value]) => value !== undefined) ?? []
      if (value === undefined || origin === undefined) continue
      values.set(name, value)
      origins.set(name, origin)
    }
    return { values, origins }
  })

/** Reads a config from the settings; each fault is one sentence that starts with its source. */
export const read = <A>({ values, origins }: Settings, config: Config.Config<A>): Either.Either<A, string> =>
  Effect.runSync(Effect.either(ConfigProvider.fromMap(new Map(values)).load(config))).pipe(
    Either.mapLeft((error) => sentences(error, origins).join("\n"))
  )

const sentences = (error: ConfigError.ConfigError, origins: Settings["origins"]): ReadonlyArray<string> => {
  if (ConfigError.isAnd(error) || ConfigError.isOr(error)) {
    return [...sentences(error.left, origins), ...sentences(error.right, origins)]
  }
  const name = error.path.join(".")
  const origin = origins.get(name)
  if (origin !== undefined) return [`${origin}: ${error.message}`]
  return [ConfigError.isMissingData(error) ? `--${name} (or ${environmentName(name)}) is missing` : error.message]
}

const flagsOf = (table: ReadonlyArray<Setting>, args: ReadonlyArray<string>) =>
  Either.map(
    attempt(() => {
      const options = Object.fromEntries(
        table.map(({ name, value }) => [name, { type: value === null ? ("boolean" as const) : ("string" as const) }])
      )
      return parseArgs({ args: [...args], options }).values
    }),
    (values) => new Map(Object.entries(values).map(([name, value]) => [name, String(value)]))
  )

const fileOf = (table: ReadonlyArray<Setting>, path: string, readFile: (path: string) => string) =>
  attempt((): ReadonlyMap<string, string> => {
    const held: unknown = JSON.parse(readFile(path))
    if (typeof held !== "object" || held === null || Array.isArray(held)) throw new Error("it holds no object")
    return new Map(
      Object.entries(held).map(([name, value]) => {
        if (!table.some((setting) => setting.name === name)) throw new Error(`no such setting: ${JSON.stringify(name)}`)
        return [name, typeof value === "string" ? value : JSON.stringify(value)]
      })
    )
  }).pipe(Either.mapLeft((why) => `--config ${path}: ${why}`))

const attempt = <A>(run: () => A): Either.Either<A, string> =>
  Either.try({ try: run, catch: (cause) => (cause instanceof Error ? cause.message : String(cause)) })
