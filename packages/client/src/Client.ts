/**
 * Client: checkout sessions over HTTP, for browsers, edge runtimes and Node. It needs `fetch` and nothing else.
 *
 * A refusal is an ordinary answer: `{ ok: false, error }`. Calls that write get an idempotency key and are retried
 * after a lost answer; "unknown" is never reported as "no" (`Outcome`). Only `changes` throws.
 */
import * as Answers from "./Answers.js"
import * as Calls from "./Calls.js"
import * as Changes from "./Changes.js"
import type { CallError } from "./CheckoutError.js"
import * as Inputs from "./Inputs.js"
import { OnelaneError } from "./OnelaneError.js"
import type { Call } from "./Outcome.js"
import type * as S from "./Session.js"
import type { Read } from "./Shape.js"
import { millisMax } from "./Time.js"
import * as Token from "./Token.js"
import type { Result } from "./Wire.js"

/** The server, the token, timeouts and retries. */
export interface ClientOptions {
  /**
   * Base URL of the server, such as `https://checkout.example` (a path in it is kept), or a path on the page's own
   * server.
   */
  readonly url: string
  /**
   * The token, or a function that returns it. The function is called when the first token is needed, and again after a
   * 401 answer. None: the page's own server identifies the caller by a cookie.
   */
  readonly token?: Token.Token
  /** Timeout of an attempt in milliseconds, in addition to the time that it waits. Default 30,000. */
  readonly timeoutMillis?: number | undefined
  /** Retries after the first attempt (default 8), the longest first pause (50 ms) and the longest of all (2,000 ms). */
  readonly retry?: { readonly limit?: number; readonly baseMillis?: number; readonly maxMillis?: number } | undefined
  /**
   * How to follow sessions. Default: streams, which count as broken after 45,000 ms of silence; without streams, a poll
   * every 2,000 ms.
   */
  readonly follow?: Partial<Changes.FollowOptions> | undefined
  /** The `fetch` to use. Default: the global one. */
  readonly fetch?: typeof fetch | undefined
}

/** Options of a call. */
export interface CallOptions {
  /** Aborts the call. `Aborted` says whether it may have been applied all the same. */
  readonly signal?: AbortSignal | undefined
}

type Answer<A> = Promise<Result<A, CallError>>

/** Checkout sessions, typed by a flow: `connect<typeof shop>(…)`. */
export interface Client<F = S.FlowTypes> {
  /** Gets the live session of a cart, or creates one. */
  readonly open: (input: S.OpenInput<F>, options?: Calls.WaitOptions) => Answer<S.Opened<F>>
  /** Moves a session to its next state. Each time it enters a state, at most one update out of that state succeeds. */
  readonly update: <const X extends S.StateOf<F>>(
    input: S.UpdateInput<F, X>,
    options?: Calls.WaitOptions
  ) => Answer<S.Updated<F>>
  /** Reads a session. With `wait`: after it has arrived, or as it is when the time is over. */
  readonly get: (
    input: { readonly checkoutSessionId: string },
    options?: Calls.WaitAfterOptions
  ) => Answer<S.Session<F>>
  /** Reads the live session of a cart, without creating one. */
  readonly find: (input: { readonly cartId: string }, options?: CallOptions) => Answer<S.Found<F>>
  /** Archives a session and frees its cart. */
  readonly cancel: (input: S.CancelInput, options?: CallOptions) => Answer<S.Cancelled<F>>
  /** Reads a page of a session's history. */
  readonly history: (
    input: {
      readonly checkoutSessionId: string
      readonly afterVersion?: number | undefined
      readonly limit?: number | undefined
    },
    options?: CallOptions
  ) => Answer<ReadonlyArray<S.HistoryEntry<F>>>
  /**
   * Follows a session: committed changes, in order. Done when the session is archived or the signal fires; errors are
   * thrown.
   */
  readonly changes: (
    input: { readonly checkoutSessionId: string; readonly afterVersion?: number | undefined },
    options?: CallOptions
  ) => AsyncIterable<S.HistoryEntry<F>>
}

const sessions = "/v1/checkout-sessions"

/** The input that names a session. */
export const id = "checkoutSessionId"

const pathOf = (checkoutSessionId: string): string => `${sessions}/${encodeURIComponent(checkoutSessionId)}`

/** The path of the session that an input names. */
export const sessionPath = (input: object): string => `${sessions}/${Inputs.segment(input, id)}`

/** Creates unique keys: a random part for the client, a counter for the call. */
const makeKeys = (): (() => string) => {
  const random = Array.from(crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(36)).join("")
  let calls = 0
  return () => `client-${random}-${(calls++).toString(36)}`
}

const check = (isValid: boolean, name: string): void => {
  if (!isValid) throw new TypeError(`Invalid ${name}`)
}

const whole = (name: string, value: number, least = 1, most = millisMax): number => {
  check(Number.isSafeInteger(value) && value >= least && value <= most, name)
  return value
}

/** The state that all calls of a client share. */
export interface Connection {
  readonly calls: Calls.Calls
  readonly following: Changes.FollowOptions
  readonly nextKey: () => string
}

/** Connects to a server. Nothing is sent before the first call. Throws a `TypeError` for invalid options. */
export const connect = <F = S.FlowTypes>(options: ClientOptions): Client<F> => clientOf(connectionOf(options))

/** Checks the options of a client. */
export const connectionOf = (options: ClientOptions): Connection => {
  const { follow = {}, retry = {}, timeoutMillis = 30_000, token, url } = options
  const { baseMillis = 50, limit = 8, maxMillis = 2_000 } = retry
  const { pollMillis = 2_000, silenceMillis = 45_000, stream = true } = follow
  check(/^(https?:\/)?\/[^/]/i.test(url), "url")
  check(token === undefined || typeof token === "function" || Token.isToken(token), "token")
  const calls: Calls.Calls = {
    policy: {
      limit: whole("limit", limit, 0, 200),
      baseMillis: whole("baseMillis", baseMillis, 0),
      maxMillis: whole("maxMillis", maxMillis, 0)
    },
    wire: {
      base: url.replace(/\/+$/, ""),
      fetch: options.fetch ?? ((request, init) => fetch(request, init)),
      tokens: Token.make(token, timeoutMillis),
      timeoutMillis: whole("timeoutMillis", timeoutMillis),
      // Browsers do not tell whether anything was sent.
      lost: Answers.lost
    }
  }
  const following: Changes.FollowOptions = {
    stream,
    silenceMillis: whole("silenceMillis", silenceMillis),
    pollMillis: whole("pollMillis", pollMillis)
  }
  return { calls, following, nextKey: makeKeys() }
}

/** The calls of a buyer. */
export const clientOf = <F>(connection: Connection): Client<F> => {
  const write = writing(connection)
  return {
    ...reads(connection),
    open: write(() => sessions, Answers.opened, true),
    update: write((input) => `${sessionPath(input)}/update`, Answers.updated, true, id),
    cancel: write(() => `${sessions}/cancel`, Answers.cancelled, false)
  } as unknown as Client<F>
}

/** Converts an `OnelaneError` that is thrown before anything is sent to the call's result. */
const answered =
  <O, A>(call: (input: object, options: O) => Answer<A>) =>
  async (input: object, options?: O): Answer<A> => {
    try {
      return await call(Object(input), options ?? ({} as O))
    } catch (error) {
      if (error instanceof OnelaneError) return { ok: false, error: error.error }
      throw error
    }
  }

const reads = (connection: Connection) => {
  const { calls, following } = connection
  const read = reading(connection)
  const follow: Client["changes"] = (input, { signal } = {}) => {
    const given = Object(input)
    return Changes.follow(calls, following, () => sessionPath(given), given.afterVersion, signal)
  }
  return {
    get: answered(async (input, options: Calls.WaitAfterOptions) => {
      const waitMillis = Calls.waitOf(options, true)
      const path = sessionPath(input) + Inputs.query(input, id)
      const { afterVersion, signal } = options
      return waitMillis === 0
        ? Calls.read(calls, path, Answers.session, signal)
        : Calls.untilArrived(calls, path, afterVersion, signal, Calls.leftOf(waitMillis))
    }),
    find: read((input) => {
      const segment = Inputs.segment(input, "cartId")
      return `/v1/carts/${segment}/session${Inputs.query(input, "cartId")}`
    }, Answers.found),
    history: read((input) => `${sessionPath(input)}/history${Inputs.query(input, id)}`, Answers.history),
    changes: follow
  }
}

/** Makes a reading call. */
export const reading =
  ({ calls }: Connection) =>
  <A>(path: (input: object) => string, shape: Read<A>) =>
    answered((input, { signal }: CallOptions) => Calls.read(calls, path(input), shape, signal))

/** Makes writing calls; a call without an idempotency key gets one. */
export const writing = ({ calls, nextKey }: Connection) => {
  const keyed = (input: object): S.Keyed & { readonly expectedVersion?: number } =>
    ((input as S.Keyed).idempotencyKey ?? null) === null ? { ...input, idempotencyKey: nextKey() } : input
  return <A>(path: (input: object) => string, read: Read<A>, mayWait: boolean, ...inPath: Array<string>) =>
    answered((given, options: Calls.WaitOptions) => {
      const input = keyed(given)
      const { expectedVersion, idempotencyKey } = input
      const waitMillis = mayWait ? Calls.waitOf(options) : 0
      const call: Call = { repeatable: true, idempotencyKey, expectedVersion }
      const plan = { path: path(input), body: Inputs.body(input, ...inPath), read, call }
      return Calls.waiting(calls, plan, options, waitMillis, pathOf)
    })
}
