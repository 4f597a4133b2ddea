/**
 * Token: the bearer token. A text stays as it is. A function is asked when the first token is needed, and again after the server
 * refused the one it gave; calls that need a token at the same time share one answer.
 */
import { notAuthenticated } from "./Answers.js"
import type { CheckoutError } from "./CheckoutError.js"
import { within } from "./Time.js"

/** A token, or what gives one; undefined where a cookie says who calls. */
export type Token = string | (() => string | PromiseLike<string>) | undefined

/** Whether a text can be sent as a token: printable ASCII without spaces. */
export const isToken = (value: unknown): value is string => typeof value === "string" && /^[!-~]+$/.test(value)

/** The tokens of a client. */
export interface Tokens {
  /** The token to send, empty for none, or why there is none. */
  readonly get: () => Promise<string | CheckoutError>
  /** Tells that the server refused this token; true if another one can be asked for. */
  readonly refused: (token: string) => boolean
}

/** The tokens that `token` says. `millis`: how long its function may take. */
export const make = (token: Token, millis: number): Tokens => {
  let known: string | null = null
  let asked: Promise<string | CheckoutError> | null = null
  const none = (why: string) => notAuthenticated("TOKEN_UNAVAILABLE", `The token function ${why}`)
  const ask = async (give: () => unknown): Promise<string | CheckoutError> => {
    try {
      const given = await give()
      return isToken(given) ? given : none("gave none")
    } catch {
      return none("threw")
    }
  }
  const late = () => none("gave none in time")
  return {
    get: async () => {
      if (typeof token !== "function") return token ?? ""
      if (known !== null) return known
      // Whoever needs a token after a late one asks anew; an answer that came too late is for nobody.
      const mine = (asked ??= within(millis, undefined, () => ask(token), late, late))
      const given = await mine
      if (asked === mine) {
        asked = null
        if (typeof given === "string") known = given
      }
      return given
    },
    refused: (refused) => {
      if (typeof token !== "function") return false
      if (known === refused) known = null
      return true
    }
  }
}
