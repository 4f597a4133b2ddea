/**
 * DoorSettings: the settings of authentication, limits, logs, metrics and traces. Checked before anything is opened.
 * Pure.
 */
import * as Config from "effect/Config"
import * as Either from "effect/Either"
import { JwtSettings } from "../identity/JwtSettings.js"
import * as Logs from "../operations/Logs.js"
import type { MetricsFor } from "../operations/Operations.js"
import * as Limits from "./Limits.js"
import * as Said from "./Said.js"
import type * as Settings from "./Settings.js"

/** The checked settings. */
export interface DoorSettings {
  readonly jwt: JwtSettings | null
  readonly apiKeys: boolean
  /** Allows fixed tokens on an address that other machines reach. */
  readonly tokensAnywhere: boolean
  readonly limits: Limits.Limits
  readonly corsOrigins: ReadonlyArray<string>
  /** Null: everybody on a loopback address, operators on others. */
  readonly metricsFor: MetricsFor | null
  readonly otlp: string | null
  /** The share of requests to trace, 0 to 1, if the caller does not decide. */
  readonly traceRatio: number
  readonly logLevel: Logs.Level
  readonly logFormat: Logs.Format
  readonly logRequests: boolean
}

/** These settings, as rows for the help. */
export const settings: ReadonlyArray<Settings.Setting> = [
  {
    name: "jwt",
    value: "file",
    text: "JSON, or its path: accept signed tokens: issuer, audience, jwksUrl or keyFile, algorithms, claims"
  },
  { name: "api-keys", value: null, text: "accept API keys made with `onelane keys`" },
  { name: "tokens-anywhere", value: null, text: "allow fixed tokens on a public address (insecure)" },
  {
    name: "limits",
    value: "file",
    text: 'JSON, or its path: limits that differ from the defaults, such as {"bodyMaxBytes": 65536}'
  },
  { name: "cors", value: "origins", text: "origins whose pages may call, separated by commas", fallback: "none" },
  {
    name: "metrics",
    value: "who",
    text: "who may read /metrics: everybody, operators, nobody",
    fallback: "everybody on a loopback address, else operators"
  },
  { name: "otlp", value: "url", text: "OpenTelemetry collector for traces, metrics and logs", fallback: "none" },
  {
    name: "trace-ratio",
    value: "number",
    text: "share of requests to trace, 0 to 1; a traceparent decides for its own request",
    fallback: "1"
  },
  { name: "log-level", value: "level", text: `one of ${Object.keys(Logs.levels).join(", ")}`, fallback: "info" },
  { name: "log-format", value: "format", text: `one of ${Object.keys(Logs.formats).join(", ")}`, fallback: "json" },
  { name: "log-requests", value: null, text: "log every request" }
]

const metricsFor: Readonly<Record<MetricsFor, true>> = { everybody: true, operators: true, nobody: true }

const originsOf = (text: string): Either.Either<ReadonlyArray<string>, string> => {
  const origins = text.split(",").map((origin) => origin.trim())
  const wrong = origins.find((origin) => !/^https?:\/\/[^/\s*]+$/.test(origin))
  return wrong === undefined ? Either.right(origins) : Either.left(`not an origin: ${JSON.stringify(wrong)}`)
}

const urlOf = (text: string): Either.Either<string, string> =>
  /^https?:\/\/[^\s]+$/.test(text) ? Either.right(text) : Either.left(`not an url: ${JSON.stringify(text)}`)

const ratioOf = (text: string): Either.Either<number, string> =>
  /^(0|1|0?\.\d{1,9}|1\.0+)$/.test(text)
    ? Either.right(Number(text))
    : Either.left(`not a ratio from 0 to 1: ${JSON.stringify(text)}`)

const limitsOf = (text: string) => Either.flatMap(Said.parsed(text), Limits.overridesOf)

const isOn = (name: string) => Config.withDefault(Config.boolean(name), false)

/** Reads them. `readFile` may throw. */
export const config = (readFile: Said.ReadFile): Config.Config<DoorSettings> =>
  Config.all({
    jwt: Config.withDefault(Said.json("jwt", JwtSettings, readFile), null),
    apiKeys: isOn("api-keys"),
    tokensAnywhere: isOn("tokens-anywhere"),
    limits: Config.map(Config.withDefault(Said.jsonAs("limits", limitsOf, readFile), {}), Limits.make),
    corsOrigins: Config.withDefault(Said.as("cors", originsOf), []),
    metricsFor: Config.withDefault(Said.oneOf("metrics", metricsFor), null),
    otlp: Config.withDefault(Said.as("otlp", urlOf), null),
    traceRatio: Config.withDefault(Said.as("trace-ratio", ratioOf), 1),
    logLevel: Config.withDefault(Said.oneOf("log-level", Logs.levels), "info" as const),
    logFormat: Config.withDefault(Said.oneOf("log-format", Logs.formats), "json" as const),
    logRequests: isOn("log-requests")
  })

/** Whether an address is reachable from this machine only. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127(\.\d+){3}$/.test(host)

/** The fault in a combination of settings that are valid one by one, or null. */
export const judge = (door: DoorSettings, host: string, hasTokens: boolean): string | null => {
  if (!hasTokens && door.jwt === null && !door.apiKeys) {
    return "no tokens: nobody could call; use --jwt or --api-keys, or for development --tokens or ONELANE_TOKENS"
  }
  if (hasTokens && !isLoopback(host) && !door.tokensAnywhere) {
    return `--tokens is for development only, and ${host} is reachable from outside; use --jwt or --api-keys (or --tokens-anywhere)`
  }
  return null
}
