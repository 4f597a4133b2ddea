/**
 * IdempotencyKey: turns a key into the digest under which it is recorded, and an input into the text that is compared
 * when the key is used again. A digest covers action, caller and key; it is recorded per session or cart. Pure.
 */
import { hash } from "node:crypto"

/** Longest idempotency key, characters. */
export const keyMaxLength = 255

/**
 * The use of a key, as stored in its event: its digest, and the whole input as canonical JSON, or a hash of it if it is
 * large.
 */
export interface KeyUse {
  readonly digest: string
  readonly input: string
}

/** The calls that take a key; each has a scope of its own. */
export type KeyedAction = "open" | "update" | "cancel" | "complete-task" | "fail-task" | "release-claim" | "move"

// 128 bits: a collision would need two equal digests within one session.
const digestLength = 22

const digestOf = (parts: ReadonlyArray<string>): string =>
  hash("sha256", JSON.stringify(parts), "base64url").slice(0, digestLength)

/** The use of a caller's key; null without key. `input`: the whole input without the key. */
export const useOf = (action: KeyedAction, userId: string, key: unknown, input: unknown): KeyUse | null =>
  typeof key === "string" ? { digest: digestOf([action, userId, key]), input: comparable(canonical(input)) } : null

/** Longest input that is stored unhashed, characters. Without data no input is longer. */
export const inputMaxLength = 2_048

// No input can look like such a hash, because an input is a JSON object.
const comparable = (input: string): string =>
  input.length <= inputMaxLength ? input : `sha256:${hash("sha256", input, "base64url")}`

/** Canonical JSON: names are sorted, so equal values have equal texts. */
export const canonical = (value: unknown): string => JSON.stringify(value, sorted)

const sorted = (_name: string, value: unknown): unknown => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value
  const names = Object.keys(value).sort()
  return Object.fromEntries(names.map((name) => [name, (value as Readonly<Record<string, unknown>>)[name]]))
}

/**
 * The input of a call without its key, for comparison. Data is replaced by its digest, because an event keeps the
 * input.
 */
export const inputOf = (input: { readonly idempotencyKey?: unknown; readonly data?: unknown }): object => {
  const { idempotencyKey: _, ...said } = input
  return said.data === undefined || said.data === null ? said : { ...said, data: dataDigest(said.data) }
}

/** The digest of a call's data. */
export const dataDigest = (data: unknown): string => hash("sha256", canonical(data), "base64url")
