/**
 * JwtRefusal: why `jose` refused a token, for the log. Null if the token was not verified because the keys were
 * unavailable.
 */
import * as jose from "jose"

const reasons: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: "expired",
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: "bad signature",
  ERR_JOSE_ALG_NOT_ALLOWED: "algorithm not allowed",
  ERR_JOSE_NOT_SUPPORTED: "algorithm not supported",
  ERR_JWKS_NO_MATCHING_KEY: "unknown key",
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: "no key id, and several keys",
  ERR_JWS_INVALID: "malformed",
  ERR_JWT_INVALID: "malformed"
}

/** Refusals of tokens that may be valid later, or once the provider publishes its newest key. */
const passing: ReadonlySet<string> = new Set(["expired", "not yet valid", "unknown key"])

/**
 * Whether a token can never become valid. `jose` checks the signature first and times last, so a caller without the key
 * learns only that the token is invalid.
 */
export const isFinal = (reason: string): boolean => !passing.has(reason)

const claimReasons: Readonly<Record<string, string>> = {
  nbf: "not yet valid",
  aud: "wrong audience",
  iss: "wrong issuer"
}

const codeOf = (cause: unknown): string => (cause instanceof jose.errors.JOSEError ? cause.code : "")

/** Why a token is refused; null if it was not verified. */
export const reasonOf = (cause: unknown): string | null => {
  if (cause instanceof jose.errors.JWTClaimValidationFailed) {
    if (cause.reason === "missing") return `claim missing: ${cause.claim}`
    return claimReasons[cause.claim] ?? `claim refused: ${cause.claim}`
  }
  return reasons[codeOf(cause)] ?? null
}
