/**
 * Ids: the identifiers of the contract, and the service that makes new ones.
 *
 * Owns syntax and generation. Ids are opaque; generated ones sort by time: 9 characters of time, a random part per
 * process, and a counter, all base 32, so they are unique within and across processes.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { isPlain } from "./PlainText.js"

/** Source: CONTRACT §1, the id of a session. */
export const idPattern = /^[A-Za-z0-9_-]{1,64}$/

/** Whether `text` is a well-formed session id (pure syntax). */
export const isSessionId = (text: string): boolean => idPattern.test(text)

/** Longest opaque id of a cart, store, account or user, in characters. */
export const opaqueIdMaxLength = 255

/** Text after "must be" for an opaque id. */
export const opaqueIds = `text of 1 to ${opaqueIdMaxLength} characters, none of them a control character`

/**
 * Whether `text` may name a cart, store, account or user: 1..255 characters, no control character, no lone surrogate.
 */
export const isOpaqueId = (text: string): boolean =>
  text.length >= 1 && text.length <= opaqueIdMaxLength && isPlain(text)

/** Generates ids. `prefix`: the kind of the id; `atMillis`: the time, if it was read already. */
export interface IdsShape {
  readonly next: (prefix: "cs" | "req", atMillis?: number) => string
}

/** The id generator. */
export class Ids extends Context.Tag("@onelane/checkout/Ids")<Ids, IdsShape>() {}

const base32 = (value: number, width: number): string => value.toString(32).padStart(width, "0")

/** The last two characters of every id: one of 1,024. */
const endings = Array.from({ length: 1_024 }, (_, low) => base32(low, 2))

/** Creates a generator from a clock and 50 random bits. An id costs no system call and one concatenation. */
export const make = (nowMillis: () => number, random: string): IdsShape => {
  // Counters of 10 and of 25 bits: small integers throughout.
  let low = 0
  let high = 0
  let lastMillis = -1
  let sessions = ""
  let requests = ""
  return {
    next: (prefix, now = nowMillis()) => {
      low = (low + 1) & 0x3ff
      if (low === 0) high = (high + 1) & 0x1ffffff
      if (now !== lastMillis || low === 0) {
        lastMillis = now
        const stem = base32(now, 9) + random + base32(high, 5)
        sessions = `cs_${stem}`
        requests = `req_${stem}`
      }
      return (prefix === "req" ? requests : sessions) + endings[low]
    }
  }
}

/** Ids from the current clock and random generator (a seeded `Random` and a `TestClock` make them repeatable). */
export const makeRandom: Effect.Effect<IdsShape> = Effect.gen(function* () {
  const clock = yield* Clock.clockWith(Effect.succeed)
  const high = yield* Random.nextIntBetween(0, 2 ** 25)
  const low = yield* Random.nextIntBetween(0, 2 ** 25)
  return make(() => clock.unsafeCurrentTimeMillis(), base32(high, 5) + base32(low, 5))
})
