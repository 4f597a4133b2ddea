/**
 * IdempotencyKey: how a key becomes a digest of the session (or cart) it is recorded for, and what of an input is compared when
 * it comes again. A digest stands for action, caller and key; the address it is recorded at is the
 * rest of its scope. Pure.
 */
import { hash } from "node:crypto"

/** Longest idempotency key, characters. */
export const keyMaxLength = 255

/** The use of a key, as its event keeps it: the digest it is recorded under, and the whole input as a canonical text. */
export interface KeyUse {
  readonly digest: string
  readonly input: string
}

/** The calls that take a key; each has a scope of its own. */
export type KeyedAction = "open" | "update" | "cancel" | "complete-task" | "fail-task" | "release-claim"

// 128 bits and a little: two that meet would be two keys of one session.
const digestLength = 22

const digestOf = (parts: ReadonlyArray<string>): string =>
  hash("sha256", JSON.stringify(parts), "base64url").slice(0, digestLength)

/** The use of a caller's key, null where none was given. `input`: everything that was said besides the key. */
export const useOf = (action: KeyedAction, userId: string, key: unknown, input: unknown): KeyUse | null =>
  typeof key === "string" ? { digest: digestOf([action, userId, key]), input: canonical(input) } : null

/** JSON in which the order of names does not count: two values have one text exactly when they are the same JSON. */
export const canonical = (value: unknown): string => JSON.stringify(value, sorted)

const sorted = (_name: string, value: unknown): unknown => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value
  const names = Object.keys(value).sort()
  return Object.fromEntries(names.map((name) => [name, (value as Readonly<Record<string, unknown>>)[name]]))
}

/** What a call said, without the key itself. */
export const inputOf = (input: { readonly idempotencyKey?: unknown }): object => {
  const { idempotencyKey: _, ...said } = input
  return said
}
