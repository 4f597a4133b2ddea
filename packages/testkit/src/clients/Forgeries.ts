/**
 * Forgeries: valid signed tokens and tokens that a server must refuse, made with `node:crypto` alone. So the library
 * that verifies them is not used to make them, and some are such that no library would make them.
 */
import { createHmac, generateKeyPairSync, type KeyObject, sign as signWith } from "node:crypto"
import type { Person } from "./AccessModel.js"

/** A key pair of ES256; the server gets `publicPem`. */
export interface Signer {
  readonly privateKey: KeyObject
  readonly publicPem: string
}

/** Makes a key pair. */
export const makeSigner = (): Signer => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
  return { privateKey, publicPem: publicKey.export({ type: "spki", format: "pem" }) as string }
}

/** The issuer of the tokens. */
export const issuer = "https://id.example"

/** The audience of the tokens. */
export const audience = "onelane"

type Claims = Readonly<Record<string, unknown>>

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url")

const claimsOf = ({ acting, roles, userId }: Person, more: Claims = {}): Claims => ({
  ...{ iss: issuer, aud: audience, sub: userId, roles, exp: 4_000_000_000 },
  ...(acting !== null && { account: acting }),
  ...more
})

const signed = ({ privateKey }: Signer, claims: Claims, header: object = { alg: "ES256" }): string => {
  const said = `${encoded(header)}.${encoded(claims)}`
  const signature = signWith("sha256", Buffer.from(said), { key: privateKey, dsaEncoding: "ieee-p1363" })
  return `${said}.${signature.toString("base64url")}`
}

/** A valid token. */
export const tokenOf = (signer: Signer, person: Person): string => signed(signer, claimsOf(person))

const unsigned = (header: object, person: Person): string => `${encoded(header)}.${encoded(claimsOf(person))}.`

/** The token with a part of it replaced. */
const replaced = (token: string, part: number, by: string): string =>
  token
    .split(".")
    .map((each, index) => (index === part ? by : each))
    .join(".")

/**
 * Tokens of a person that must be refused, by their fault. `stranger` signs with a key that the server does not know.
 */
export const forgeries: Readonly<Record<string, (signer: Signer, person: Person, stranger: Signer) => string>> = {
  expired: (signer, person) => signed(signer, claimsOf(person, { exp: 1_700_000_000 })),
  "without an end": (signer, person) => signed(signer, claimsOf(person, { exp: undefined })),
  "not yet valid": (signer, person) => signed(signer, claimsOf(person, { nbf: 3_900_000_000 })),
  "for another audience": (signer, person) => signed(signer, claimsOf(person, { aud: ["another"] })),
  "for nobody": (signer, person) => signed(signer, claimsOf(person, { aud: undefined })),
  "of another issuer": (signer, person) => signed(signer, claimsOf(person, { iss: "https://evil.example" })),
  "of no user": (signer, person) => signed(signer, claimsOf(person, { sub: "" })),
  "of an account that is no text": (signer, person) => signed(signer, claimsOf(person, { account: { $ne: null } })),
  "signed by a stranger": (_, person, stranger) => signed(stranger, claimsOf(person)),
  "with a stranger's key in its header": (_, person, stranger) => {
    const jwk = stranger.privateKey.export({ format: "jwk" })
    return signed(stranger, claimsOf(person), { alg: "ES256", jwk: { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y } })
  },
  "alg none": (_, person) => unsigned({ alg: "none" }, person),
  "alg NONE": (_, person) => unsigned({ alg: "NONE" }, person),
  "no alg": (_, person) => unsigned({}, person),
  "without its signature": (signer, person) => replaced(tokenOf(signer, person), 2, ""),
  "with zeros for a signature": (signer, person) =>
    replaced(tokenOf(signer, person), 2, Buffer.alloc(64).toString("base64url")),
  "with the signature of another": (signer, person) =>
    replaced(tokenOf(signer, person), 2, tokenOf(signer, { ...person, userId: `${person.userId}x` }).split(".")[2]!),
  "with roles added": (signer, person) =>
    replaced(tokenOf(signer, person), 1, encoded(claimsOf({ ...person, roles: ["modify-all-data"] }, { jti: "0" }))),
  "the public key as a secret": ({ publicPem }, person) => {
    const said = `${encoded({ alg: "HS256" })}.${encoded(claimsOf(person))}`
    return `${said}.${createHmac("sha256", publicPem).update(said).digest("base64url")}`
  },
  "critical and unknown": (signer, person) =>
    signed(signer, claimsOf(person), { alg: "ES256", crit: ["exp-policy"], "exp-policy": true }),
  "cut short": (signer, person) => tokenOf(signer, person).slice(0, -8),
  "not a token": () => "eyJ.e30.x"
}
