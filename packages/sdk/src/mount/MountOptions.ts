/**
 * MountOptions: the options for mounting a checkout in a host's server. Validated at once: an error is a `TypeError`
 * that names the option.
 */
import type * as Caller from "@onelane/checkout/Caller"
import { HttpLimits, Mounting } from "@onelane/http"
import * as Options from "../open/Options.js"

/** The caller. `actingAccountId` is null if it is omitted; other members of the object are ignored. */
export type HostCaller = Pick<Caller.Caller, "userId" | "roles"> & Partial<Pick<Caller.Caller, "actingAccountId">>

/** The caller, or nobody. */
export type Identified = HostCaller | null | undefined

/** How a checkout is mounted. `R`: the request of the host. */
export interface MountOptions<R> extends Mounting.Paths {
  /**
   * Identifies the caller; null or undefined is answered 401. It is called in the async context of the request, and its
   * answer is validated. A throw, a rejection, a wrong shape or no answer within five seconds is answered 503, and the
   * cause goes to the logger of the checkout, never to the client. For an event stream it is called again with the same
   * request, before each change and every two seconds. If it then returns nobody, or another caller, the stream ends.
   */
  readonly authenticate: (request: R) => Identified | PromiseLike<Identified>
  /** The limits of requests that differ from those of `onelane serve`. */
  readonly limits?: Partial<HttpLimits.HttpLimits> | undefined
  /** Origins whose pages may call from a browser. Default none: a page of the host's own origin needs no entry. */
  readonly corsOrigins?: ReadonlyArray<string> | undefined
  /** A line for each request, to the logger of the checkout. Default false. */
  readonly logRequests?: boolean | undefined
  /** Milliseconds for running requests when it closes, 0 to 60,000. Default 10,000. */
  readonly closeMillis?: number | undefined
}

/** How long a request may take when the handler closes, milliseconds. */
export const closeMillis = 10_000

const longestMillis = 60_000

const path = (withParameters: boolean): Options.Option => ({
  is: withParameters
    ? "a path such as /checkout or /shops/:shop/checkout, without a slash at its end"
    : "a path such as /checkout, without a slash at its end",
  check: (value) => Mounting.isPath(value, withParameters)
})

const bound = (most: number): Options.Option => ({
  is: `a number from 1 to ${most}`,
  check: (value) => typeof value === "number" && value >= 1 && value <= most
})

const limits = Options.nested<HttpLimits.HttpLimits>(
  Object.fromEntries(
    Object.keys(HttpLimits.defaults).map((name) => [
      name,
      name.endsWith("PerSecond") ? bound(Number.POSITIVE_INFINITY) : Options.whole(1, Number.MAX_SAFE_INTEGER)
    ])
  ) as unknown as Options.Options<HttpLimits.HttpLimits>
)

const fields: Options.Options<MountOptions<unknown>> = {
  authenticate: { is: "a function", check: (value) => typeof value === "function", required: true },
  basePath: path(true),
  publicPath: path(false),
  limits,
  corsOrigins: {
    is: "a list of origins such as https://shop.example",
    check: (value) => Array.isArray(value) && value.every(isOrigin)
  },
  logRequests: Options.flag,
  closeMillis: Options.whole(0, longestMillis)
}

const isOrigin = (value: unknown): boolean =>
  typeof value === "string" && URL.canParse(value) && new URL(value).origin === value

/** A checked copy. **Errors**: a `TypeError` that names the option. */
export const take = <R>(where: string, options: MountOptions<R>): MountOptions<R> => {
  const given = Options.copyOf(options)
  Options.check(where, given, fields)
  const { limits = {} } = given
  const said = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))
  return { ...given, limits: said }
}
