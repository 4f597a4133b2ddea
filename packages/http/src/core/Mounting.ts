/**
 * Mounting: the core inside a host's server: which part of a path is ours, and the host's data of a request.
 *
 * Adapters fill it in; `Exchange` starts its fibers in the async context of the request, and links begin with its base.
 */
import type * as Runtime from "effect/Runtime"

/** The host's data of one request. */
export interface Mounted {
  /** The host's own request, as it was given to the adapter. */
  readonly request: unknown
  /** The prefix of our paths as clients see it: links begin with it. */
  readonly base: string
  /** Runs code in the async context of the request. */
  readonly run: <A>(task: () => A) => A
  /** Starts a fiber in that context. */
  readonly forkOptions: Runtime.RunForkOptions
}

/** A path, taken apart. */
export interface Placed {
  readonly base: string
  readonly path: string
}

/** How a host has mounted the core. */
export interface Mounting {
  /**
   * Splits a path; `hostBase` is the prefix that the host has already removed. A path outside the mount becomes one
   * without a route.
   */
  readonly place: (hostBase: string, path: string) => Placed
  /** Captures the async context of a request. */
  readonly context: () => Pick<Mounted, "run" | "forkOptions">
}

/** Where a host has mounted the core. */
export interface Paths {
  /** The prefix of our paths that the host does not remove: `/checkout`, `/shops/:shop/checkout`. Default: none. */
  readonly basePath?: string | undefined
  /** The prefix as clients see it, if it differs: behind a proxy that removes a prefix. */
  readonly publicPath?: string | undefined
}

const segment = /^[^/?#\s]+$/

/** Whether text is a path: empty, or `/` and segments; parameters (`:shop`) only where they are allowed. */
export const isPath = (text: unknown, withParameters: boolean): text is string =>
  typeof text === "string" &&
  (text === "" ||
    (text.startsWith("/") &&
      text
        .slice(1)
        .split("/")
        .every((each) => segment.test(each) && (withParameters || !each.startsWith(":")))))

const nowhere: Placed = { base: "", path: "" }

/** Takes paths apart. */
export const place = ({ basePath = "", publicPath }: Paths): Mounting["place"] => {
  const expected = basePath === "" ? null : basePath.split("/")
  const placed = (base: string, path: string): Placed => ({ base: publicPath ?? base, path })
  return (hostBase, path) => {
    if (expected === null) return placed(hostBase, path)
    const segments = (hostBase + path).split("/")
    const isOurs =
      segments.length > expected.length &&
      expected.every((each, index) => (each.startsWith(":") ? segments[index] !== "" : segments[index] === each))
    return isOurs
      ? placed(segments.slice(0, expected.length).join("/"), `/${segments.slice(expected.length).join("/")}`)
      : nowhere
  }
}
