/**
 * JwtRefusal: why `jose` did not take a token, in the words of the log. Null where it did not judge at all, because the
 * keys could not be had: that is nobody's refusal.
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

/** Refusals of tokens that may be valid at another time, or once the provider publishes its newest key. */
const passing: ReadonlySet<string> = new Set(["expired", "not yet valid", "unknown key"])

/**
 * Whether a token can never become valid. `jose` looks at the signature first and at times last: whoever cannot sign learns no
 * more than that the token is none.
 */
export const isFinal = (reason: string): boolean => !passing.has(reason)

const claimReasons: Readonly<Record<string, string>> = {
  nbf: "not yet valid",
  aud: "wrong audience",
  iss: "wrong issuer"
}

const codeOf = (cause: unknown): string => (cause instanceof jose.errors.JOSEError ? cause.code : "")

/** Why a token is refused; null when it was not judged. */
export const reasonOf = (cause: unknown): string | null => {
  if (cause instanceof jose.errors.JWTClaimValidationFailed) {
    if (cause.reason === "missing") return `claim missing: ${cause.claim}`
    return claimReasons[cause.claim] ?? `claim refused: ${cause.claim}`
  }
  return reasons[codeOf(cause)] ?? null
}
