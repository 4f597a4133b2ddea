/**
 * JwtClaims: maps the claims of a verified token to a caller: user, roles, acting account. Pure. The claim names are
 * settings, because identity providers differ.
 */
import { Caller } from "@onelane/checkout"
import * as Schema from "effect/Schema"
import { Role } from "./Tokens.js"

const Name = Schema.NonEmptyString

/**
 * Claim names. A name is looked up as it is (`https://shop.example/roles`), then as a path (`realm.roles`). `roleNames`
 * maps the provider's names to roles; the three roles' own names always count.
 */
export const ClaimSettings = Schema.Struct({
  user: Schema.optionalWith(Name, { default: () => "sub" }),
  roles: Schema.optionalWith(Name, { default: () => "roles" }),
  account: Schema.optionalWith(Name, { default: () => "account" }),
  roleNames: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Role }), {
    default: () => ({})
  })
})

/** Claim names. */
export type ClaimSettings = typeof ClaimSettings.Type

/** Longest user and account id in a token, characters. */
const idMaxLength = 255

type Claims = Readonly<Record<string, unknown>>

const find = (claims: Claims, name: string): unknown => {
  if (Object.hasOwn(claims, name)) return claims[name]
  let value: unknown = claims
  for (const step of name.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Claims)[step]
  }
  return value
}

const isId = (value: unknown): value is string =>
  typeof value === "string" && value.length > 0 && value.length <= idMaxLength

const namesOf = (value: unknown): ReadonlyArray<unknown> => {
  if (typeof value === "string") return value.split(/[\s,]+/)
  return Array.isArray(value) ? value : []
}

/** The caller of these claims, or their fault. Unknown roles grant nothing. */
export const callerOf = (claims: Claims, settings: ClaimSettings): Caller.Caller | string => {
  const user = find(claims, settings.user)
  if (!isId(user)) return `no user in claim ${settings.user}`
  const account = find(claims, settings.account) ?? null
  if (account !== null && !isId(account)) return `no account in claim ${settings.account}`
  const named = namesOf(find(claims, settings.roles))
  const granted = new Set(named.map((name) => roleOf(name, settings.roleNames)))
  return Caller.make(
    user,
    Caller.roles.filter((role) => granted.has(role)),
    account
  )
}

const roleOf = (name: unknown, names: ClaimSettings["roleNames"]): unknown =>
  typeof name === "string" && Object.hasOwn(names, name) ? names[name] : name
