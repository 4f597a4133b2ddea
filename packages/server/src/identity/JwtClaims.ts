/**
 * JwtClaims: what the claims of a verified token say about its caller: user, roles, acting account. Pure. Which claim
 * says what is a setting, for every identity provider names them otherwise.
 */
import { Caller } from "@onelane/checkout"
import * as Schema from "effect/Schema"
import { Role } from "./Tokens.js"

const Name = Schema.NonEmptyString

/**
 * Where things stand. A name is looked for as it is (`https://shop.example/roles`), then as a path (`realm.roles`).
 * `roleNames`: what the provider calls a role, to the role meant; the three roles' own names always count.
 */
export const ClaimSettings = Schema.Struct({
  user: Schema.optionalWith(Name, { default: () => "sub" }),
  roles: Schema.optionalWith(Name, { default: () => "roles" }),
  account: Schema.optionalWith(Name, { default: () => "account" }),
  roleNames: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Role }), {
    default: () => ({})
  })
})

/** Where things stand. */
export type ClaimSettings = typeof ClaimSettings.Type

/** Longest user and account id a token may name. */
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

/** The caller of these claims, or what is wrong with them. A role nobody knows grants nothing. */
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
