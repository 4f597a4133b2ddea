/**
 * Remote: the service of a server, over Promises: the client of `@onelane/client` with the interface of `Checkout`. The
 * token identifies the caller. It loads neither Effect nor Node modules, so it works in a bundle for browsers
 * (`@onelane/sdk/connect`).
 *
 * `Onelane` loads it on demand, so that an embedded program does not load it.
 */
import type { Flow } from "@onelane/checkout"
import * as Closable from "@onelane/client/closable"
import * as Fields from "@onelane/engine/Fields"
import type { Checkout } from "../door/Checkout.js"
import { closed, draining, OnelaneError } from "../door/Result.js"
import * as Throwing from "../door/Throwing.js"
import type { FlowOf } from "../door/Typed.js"
import * as RetryOptions from "../retry/RetryOptions.js"
import type { HostLogger } from "./HostLogger.js"
import * as Options from "./Options.js"

/** The server's URL, the token, and options of the client. */
export interface RemoteOptions<X extends Flow.PresetName | Flow.Flow = Flow.PresetName | Flow.Flow> {
  /** Base URL of the server, such as `https://checkout.example`; a path in it is kept. */
  readonly url: string
  /**
   * The token, or a function that returns it. The function is called for the first request, and again after an answer
   * of 401; in between the token is cached.
   */
  readonly token: string | (() => string | PromiseLike<string>)
  /**
   * Timeout of an attempt in milliseconds, in addition to the wait that it asks for; event streams have none. Default
   * 30,000.
   */
  readonly timeoutMillis?: number | undefined
  /** The flow that the server runs; type-level only, not sent. Default `"b2b"`. */
  readonly flow?: X | undefined
  readonly retry?: RetryOptions.RetryOptions | undefined
  /** Receives the log lines: errors of a token function. Default: no logging. `layerRemote` does not use it. */
  readonly logger?: HostLogger | undefined
}

const isUrl = (value: unknown): boolean =>
  typeof value === "string" && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)

/** The longest timeout, milliseconds: 24.8 days. */
const timeoutMax = 2_147_483_647

/** The longest timeout that the client takes: 11.5 days. */
const clientTimeoutMax = 1_000_000_000

const fields: Options.Options<RemoteOptions> = {
  url: { is: "an http or https URL", check: isUrl, required: true },
  token: {
    is: "text of printable ASCII without spaces, or a function that gives it", // what a header carries
    check: (value) => typeof value === "function" || (typeof value === "string" && /^[!-~]+$/.test(value)),
    required: true
  },
  timeoutMillis: Options.whole(1, timeoutMax),
  flow: { is: "a flow or its name", check: () => true },
  retry: RetryOptions.option,
  logger: Fields.func
}

/** Checks the options, and returns those of the client. Throws a `TypeError` that names the wrong one. */
export const take = (options: RemoteOptions) => {
  const given = Options.copyOf(options)
  Options.check("Onelane.connect", given, fields)
  const { logger, retry = {}, timeoutMillis = 30_000, token, url } = given
  return {
    url,
    token: typeof token === "function" && logger !== undefined ? telling(token, logger) : token,
    timeoutMillis: Math.min(timeoutMillis, clientTimeoutMax),
    retry: RetryOptions.withDefaults(retry)
  }
}

/** The same function; a failure is also logged, because the error of the call does not show the cause. */
const telling = (token: () => string | PromiseLike<string>, logger: HostLogger) => async (): Promise<string> => {
  try {
    return await token()
  } catch (cause) {
    tell(logger, cause)
    throw cause
  }
}

const now = (): number => Math.round(performance.timeOrigin + performance.now())

const tell = (logger: HostLogger, cause: unknown): void => {
  const line = { level: "warn", message: "The token function failed", cause, annotations: {}, at: now() } as const
  // A broken logger is the host's fault: there is nowhere to report it.
  void new Promise((resolve) => resolve(logger(line))).catch(() => {})
}

/** Connects to a server. Nothing is sent before the first call. */
export const connect = async <X extends Flow.PresetName | Flow.Flow = "b2b">(
  options: RemoteOptions<X>
): Promise<Checkout<FlowOf<X>>> => {
  const { client, close } = Closable.connect(take(options), {
    draining,
    closed: () => new OnelaneError(closed),
    thrown: (error) => new OnelaneError(error)
  })
  const { changes, ...calls } = client
  const ended = async (): Promise<void> => close()
  const door = { ...Throwing.add(calls), changes, close: ended, [Symbol.asyncDispose]: ended }
  return door as unknown as Checkout<FlowOf<X>>
}
