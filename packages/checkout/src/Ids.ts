/**
 * Ids: the identifiers of the contract, and the service that makes new ones.
 *
 * Owns syntax and generation. Ids are opaque; ours are time-ordered: 9 characters of time, then a counter, then this
 * process's random part, all base 32, so that one process never repeats itself and two never meet.
 */
import { Clock, Context, Effect, Layer, Random } from "effect"

/** Source: SEMANTICS §1, the id of a session. */
export const idPattern = /^[A-Za-z0-9_-]{1,64}$/

/** Whether `text` is a well-formed session id (pure syntax). */
export const isSessionId = (text: string): boolean => idPattern.test(text)

/** Longest opaque id of a cart, store, account or user, in characters. */
export const opaqueIdMaxLength = 255

/** Whether `text` may name a cart, store, account or user: 1..255 characters, none of them a control character. */
export const isOpaqueId = (text: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses
  text.length >= 1 && text.length <= opaqueIdMaxLength && !/[\u0000-\u001f\u007f]/.test(text)

/** Makes ids: `prefix` is two or three letters that say what the id names. */
export interface IdsShape {
  readonly next: (prefix: "cs" | "req") => string
}

/** The generator in force. */
export class Ids extends Context.Tag("@onelane/checkout/Ids")<Ids, IdsShape>() {}

const base32 = (value: number, width: number): string => value.toString(32).padStart(width, "0")

/** A generator from a clock reading and 50 bits of randomness. Costs no system call per id. */
export const make = (nowMillis: () => number, random: string): IdsShape => {
  let counter = 0
  let lastMillis = -1
  let time = ""
  return {
    next: (prefix) => {
      const now = nowMillis()
      if (now !== lastMillis) {
        lastMillis = now
        time = base32(now, 9)
      }
      counter = (counter + 1) % 0x100000000
      return `${prefix}_${time}${base32(counter, 7)}${random}`
    }
  }
}

/** Ids from the clock and the random generator in force (a seeded `Random` and a `TestClock` make them repeatable). */
export const layer: Layer.Layer<Ids> = Layer.effect(
  Ids,
  Effect.gen(function* () {
    const clock = yield* Clock.clockWith(Effect.succeed)
    const high = yield* Random.nextIntBetween(0, 2 ** 25)
    const low = yield* Random.nextIntBetween(0, 2 ** 25)
    return make(() => clock.unsafeCurrentTimeMillis(), base32(high, 5) + base32(low, 5))
  })
)
