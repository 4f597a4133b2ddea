/**
 * Admission: how much is let in at once, and how often one caller. Whatever is turned away is turned away at once, with a
 * word on when to come back, and costs no memory.
 *
 * Owns the counts of this server: requests, bytes of bodies being read, streams and calls of each caller. Nothing is
 * checked in one step and counted in another: requests that come together cannot pass together.
 */
import type { Caller } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as AdapterError from "./AdapterError.js"
import type { HttpLimits } from "./HttpLimits.js"
import * as TokenBuckets from "./TokenBuckets.js"

/** The gate of one server. */
export interface Admission {
  /** One more request, while `work` runs. `refused` takes its place when there is no room. */
  readonly request: <A, R>(work: Effect.Effect<A, never, R>, refused: () => A) => Effect.Effect<A, never, R>
  /** One more call of a caller: null, or the refusal. */
  readonly call: (caller: Caller.Caller, nowMillis: number) => AdapterError.AdapterError | null
  /** `bytes` of a body, while `read` runs. */
  readonly body: <A>(
    bytes: number,
    read: Effect.Effect<A, AdapterError.AdapterError>
  ) => Effect.Effect<A, AdapterError.AdapterError>
  /** One more stream of a caller, until the scope closes. */
  readonly stream: (caller: Caller.Caller) => Effect.Effect<void, AdapterError.AdapterError, Scope.Scope>
  /** For work without a fiber: requests and bytes of bodies, counted in together if there is room for all of it. */
  readonly take: (requests: number, bodyBytes: number) => boolean
  /** Gives back what was taken. */
  readonly give: (requests: number, bodyBytes: number) => void
  /** What is inside now. */
  readonly now: () => Inside
}

/** What is inside. */
export interface Inside {
  readonly requests: number
  readonly bodyBytes: number
  readonly streams: number
}

/** Makes the gate. */
export const make = (limits: HttpLimits): Admission => {
  let requests = 0
  let bodyBytes = 0
  const streams = new Map<string, number>()
  const buckets = TokenBuckets.make(limits.callsPerSecond, limits.burstCount)

  const tooManyStreams = Effect.fail(AdapterError.tooManyStreams(limits.streamsMaxCount))
  const open = (userId: string): boolean => {
    const count = streams.get(userId) ?? 0
    if (count >= limits.streamsMaxCount) return false
    streams.set(userId, count + 1)
    return true
  }
  const close = (userId: string): void => {
    const count = streams.get(userId)! - 1
    if (count === 0) streams.delete(userId)
    else streams.set(userId, count)
  }

  const take = (moreRequests: number, moreBytes: number): boolean => {
    if (requests + moreRequests > limits.requestsMaxCount || bodyBytes + moreBytes > limits.bodiesMaxBytes) return false
    give(-moreRequests, -moreBytes)
    return true
  }
  const give = (fewerRequests: number, fewerBytes: number): void => {
    requests -= fewerRequests
    bodyBytes -= fewerBytes
  }
  // What was taken is given back, however the work ends.
  const during = <A, E, R>(count: number, bytes: number, work: Effect.Effect<A, E, R>, refused: Effect.Effect<A, E>) =>
    Effect.uninterruptibleMask((restore): Effect.Effect<A, E, R> => {
      const left = Effect.sync(() => give(count, bytes))
      return take(count, bytes) ? Effect.ensuring(restore(work), left) : refused
    })

  return {
    take,
    give,
    request: (work, refused) => during(1, 0, work, Effect.sync(refused)),
    call: ({ userId }, nowMillis) => {
      const waitMillis = buckets.take(userId, nowMillis)
      return waitMillis === 0 ? null : AdapterError.tooManyCalls(waitMillis)
    },
    body: (bytes, read) => during(0, bytes, read, Effect.fail(AdapterError.overloaded)),
    stream: ({ userId }) =>
      Effect.acquireRelease(
        Effect.suspend(() => (open(userId) ? Effect.void : tooManyStreams)),
        () => Effect.sync(() => close(userId))
      ),
    now: () => {
      let openStreams = 0
      for (const count of streams.values()) openStreams += count
      return { requests, bodyBytes, streams: openStreams }
    }
  }
}
