/**
 * VerifiedTokens: a cache of recently verified tokens, so that a busy caller's signature is checked once. Bounded,
 * least recently used first out; stores digests, not tokens.
 */
import { hash } from "node:crypto"
import type { Caller } from "@onelane/checkout"
import { BoundedMap } from "@onelane/engine"
import type * as Exit from "effect/Exit"

type Verified = Exit.Exit<Caller.Caller>

/** The cache. */
export interface VerifiedTokens {
  readonly add: (token: string, caller: Verified, untilMillis: number) => void
  readonly find: (token: string, nowMillis: number) => Verified | undefined
}

const digestOf = (token: string): string => hash("sha256", token, "base64")

/** Creates a cache of at most `capacity` tokens; 0: no cache. */
export const make = (capacity: number): VerifiedTokens => {
  const entries = BoundedMap.make<string, { readonly caller: Verified; readonly untilMillis: number }>(capacity)
  return {
    add: (token, caller, untilMillis) => {
      if (capacity > 0) entries.set(digestOf(token), { caller, untilMillis })
    },
    find: (token, nowMillis) => {
      if (entries.size() === 0) return undefined
      const key = digestOf(token)
      const entry = entries.get(key)
      if (entry !== undefined && entry.untilMillis <= nowMillis) entries.delete(key)
      return entry !== undefined && entry.untilMillis > nowMillis ? entry.caller : undefined
    }
  }
}
