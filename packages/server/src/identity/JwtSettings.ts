/**
 * JwtSettings: which signed tokens are accepted. Checked when the configuration is read; a fault is reported by name
 * before anything is opened.
 */
import * as Schema from "effect/Schema"
import { ClaimSettings } from "./JwtClaims.js"

const orElse = <A, I>(schema: Schema.Schema<A, I>, value: () => A) => Schema.optionalWith(schema, { default: value })
const millis = (value: number) => orElse(Schema.Int.pipe(Schema.nonNegative()), () => value)

/** Algorithms of published keys. */
const publicAlgorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA"
] as const

/** Algorithms of a shared secret: never a default, each must be listed. */
const secretAlgorithms = ["HS256", "HS384", "HS512"] as const

const Algorithm = Schema.Literal(...publicAlgorithms, ...secretAlgorithms)

/** Accepted by default. */
const usual = ["RS256", "PS256", "ES256", "EdDSA"] as const

const isSecret = (algorithm: string): boolean => algorithm.startsWith("HS")

const Url = Schema.String.pipe(
  Schema.filter((text) => /^https:\/\/.|^http:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/]/.test(text), {
    message: () => "an https url, or an http one of this machine"
  })
)

const Fields = Schema.Struct({
  issuer: Schema.NonEmptyString,
  audience: Schema.NonEmptyArray(Schema.NonEmptyString),
  /** URL of the published keys (JWKS). */
  jwksUrl: Schema.optional(Url),
  /** A file with public keys: PEM, a JWK or a JWKS. */
  keyFile: Schema.optional(Schema.NonEmptyString),
  /** A file with a shared secret of at least 32 bytes; only with HS algorithms. */
  secretFile: Schema.optional(Schema.NonEmptyString),
  algorithms: orElse(Schema.Array(Algorithm).pipe(Schema.minItems(1)), () => usual),
  claims: orElse(ClaimSettings, () => Schema.decodeSync(ClaimSettings)({})),
  /** Allowed difference of clocks. */
  toleranceSeconds: millis(5),
  /** How long published keys are cached. */
  cacheMillis: millis(600_000),
  /** Pause between two fetches for an unknown key id. */
  cooldownMillis: millis(10_000),
  /** How long a fetch may take. */
  fetchMillis: millis(5_000),
  /** How long cached keys are used while the provider is unavailable. */
  staleMillis: millis(3_600_000),
  /** How long a verified token is accepted without a new verification, never beyond its expiry. */
  rememberMillis: millis(60_000),
  /** How many verified tokens are remembered. */
  rememberCount: millis(10_000)
})

const judged = ({ algorithms, jwksUrl, keyFile, secretFile }: typeof Fields.Type): string | undefined => {
  const sources = [jwksUrl, keyFile, secretFile].filter((source) => source !== undefined)
  if (sources.length !== 1) return "give one of jwksUrl, keyFile and secretFile"
  if (secretFile !== undefined && !algorithms.every(isSecret)) return "secretFile needs algorithms: HS256, HS384, HS512"
  if (secretFile === undefined && algorithms.some(isSecret)) return "HS algorithms need secretFile"
  return undefined
}

/** Which signed tokens are accepted. */
export const JwtSettings = Fields.pipe(Schema.filter((settings) => judged(settings)))

/** Which signed tokens are accepted. */
export type JwtSettings = typeof JwtSettings.Type
