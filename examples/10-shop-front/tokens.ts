/**
 * Tokens: the keys of the shop, and short tokens for the users it knows. `onelane serve --jwt` gets the public key only.
 */
import { generateKeyPairSync, sign } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"

const issuer = "https://shop.example"
const audience = "checkout"

/** Lifetime of a token, seconds. The page requests the next one when its calls or streams are answered 401. */
const lifeSeconds = 300

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url")

export interface Tokens {
  /** The value of `onelane serve --jwt`. */
  readonly settings: string
  /** A token for a user who is logged in. */
  readonly of: (user: string) => string
}

/** Makes keys, and keeps the public one in a folder. */
export const make = async (folder: string): Promise<Tokens> => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  const keyFile = join(folder, "shop.pem")
  await writeFile(keyFile, publicKey.export({ type: "spki", format: "pem" }))
  return {
    settings: JSON.stringify({ issuer, audience: [audience], keyFile, algorithms: ["EdDSA"] }),
    of: (user) => {
      const exp = Math.floor((performance.timeOrigin + performance.now()) / 1_000) + lifeSeconds
      const claims = { iss: issuer, aud: audience, sub: user, roles: ["buyer-checkout"], exp }
      const text = `${base64({ alg: "EdDSA", typ: "JWT" })}.${base64(claims)}`
      return `${text}.${sign(null, Buffer.from(text), privateKey).toString("base64url")}`
    }
  }
}
