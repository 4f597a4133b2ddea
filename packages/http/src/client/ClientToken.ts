/**
 * ClientToken: the bearer token of a client. A text stays as it is. A function is asked when the first token is needed, and again after
 * a server refused the one it gave; calls that need a token at the same time share one answer.
 */
import { type CheckoutError, Refusal } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Deadline from "../core/Deadline.js"

/** A token, or what gives one. A function may be asked again at any time, and decides itself how often it signs in. */
export type Token = string | (() => string | PromiseLike<string>)

/** Whether a text can be sent as a token: printable ASCII without spaces. */
export const isToken = (value: unknown): value is string => typeof value === "string" && /^[!-~]+$/.test(value)

/** The tokens of a client. */
export interface ClientToken {
  /** The token to send; an `Exit` if it is known. */
  readonly get: () => Effect.Effect<string, CheckoutError.NotAuthenticated>
  /** Tells that a server refused this token; true if another one can be asked for. */
  readonly refused: (token: string) => boolean
}

/** The tokens that `token` says. `millis`: how long its function may take. */
export const make = (token: Token, millis: number): ClientToken => {
  if (typeof token !== "function") {
    const known = Exit.succeed(token)
    return { get: () => known, refused: () => false }
  }
  return new AskedToken(token, millis)
}

/** Sends a request under a token; once more under another one, if this one was refused and there is a function to ask. */
export const use = <A extends { readonly status: number }, E>(
  tokens: ClientToken,
  send: (token: string) => Effect.Effect<A, E>
): Effect.Effect<A, E | CheckoutError.NotAuthenticated> =>
  Effect.flatMap(attempt(tokens, send), (answer) =>
    answer === null ? lastAttempt(tokens, send) : Exit.succeed(answer)
  )

// Null if the token was refused and there is another one to ask for.
const attempt = <A extends { readonly status: number }, E>(
  tokens: ClientToken,
  send: (token: string) => Effect.Effect<A, E>
): Effect.Effect<A | null, E | CheckoutError.NotAuthenticated> =>
  Effect.flatMap(tokens.get(), (token) =>
    Effect.map(send(token), (answer) => (answer.status === 401 && tokens.refused(token) ? null : answer))
  )

const lastAttempt: typeof use = (tokens, send) =>
  Effect.flatMap(tokens.get(), (token) =>
    Effect.tap(send(token), ({ status }) => Effect.sync(() => status === 401 && tokens.refused(token)))
  )

const failed = Refusal.tokenUnavailable("The token function threw")
const odd = Refusal.tokenUnavailable("The token function gave no text of printable ASCII without spaces")

type Asked = Promise<Exit.Exit<string, CheckoutError.NotAuthenticated>>

class AskedToken implements ClientToken {
  private known: Exit.Exit<string, CheckoutError.NotAuthenticated> | null = null
  private asked: Asked | null = null

  constructor(
    private readonly ask: () => unknown,
    private readonly millis: number
  ) {}

  get(): Effect.Effect<string, CheckoutError.NotAuthenticated> {
    return this.known ?? Effect.suspend(() => this.known ?? this.wait())
  }

  refused(token: string): boolean {
    if (this.known !== null && Exit.isSuccess(this.known) && this.known.value === token) this.known = null
    return true
  }

  private wait(): Effect.Effect<string, CheckoutError.NotAuthenticated> {
    const asked = (this.asked ??= this.begin())
    const answer = Effect.flatMap(
      Effect.promise(() => asked),
      (exit) => exit
    )
    return Deadline.within(this.millis, () => {
      // Whoever needs a token next asks anew.
      if (this.asked === asked) this.asked = null
      return Refusal.tokenUnavailable(`The token function gave no token within ${this.millis} ms`)
    })(answer)
  }

  private begin(): Asked {
    const asked: Asked = new Promise((resolve) => resolve(this.ask())).then(
      (given) => this.given(asked, isToken(given) ? Exit.succeed(given) : Exit.fail(odd)),
      () => this.given(asked, Exit.fail(failed))
    )
    return asked
  }

  // An answer that came too late is for nobody.
  private given<A extends Exit.Exit<string, CheckoutError.NotAuthenticated>>(asked: Asked, exit: A): A {
    if (this.asked !== asked) return exit
    this.asked = null
    if (Exit.isSuccess(exit)) this.known = exit
    return exit
  }
}
