/**
 * Token: the bearer token: a fixed text, or a function. The function is called when the first token is needed, and
 * again after the server refused its token. Calls that need a token at the same time share one call of the function.
 */
import { notAuthenticated } from "./Answers.js"
import type { CheckoutError } from "./CheckoutError.js"
import { within } from "./Time.js"

/** A token, or a function that returns one; undefined if a cookie identifies the caller. */
export type Token = string | (() => string | PromiseLike<string>) | undefined

/** Whether a text can be sent as a token: printable ASCII without spaces. */
export const isToken = (value: unknown): value is string => typeof value === "string" && /^[!-~]+$/.test(value)

/** The tokens of a client. */
export interface Tokens {
  /** Returns the token to send, empty for none, or an error. */
  readonly get: () => Promise<string | CheckoutError>
  /** Reports that the server refused this token; true if another one can be requested. */
  readonly refused: (token: string) => boolean
}

/** Creates the tokens of a client. `millis`: timeout of the token function. */
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
      // After a timeout, the next call requests a new token; a late result is ignored.
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
