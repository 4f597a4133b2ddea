/**
 * Admission: limits concurrent requests, and the rate of each caller. A refusal is immediate, says when to retry, and
 * costs no memory.
 *
 * Owns the counts of this server: requests, bytes of bodies being read, waits, streams and calls of each caller. Check
 * and count are one step, so concurrent requests cannot exceed a limit together.
 */
import type { Caller } from "@onelane/checkout"
import * as AdapterError from "../contract/AdapterError.js"
import type { HttpLimits } from "./HttpLimits.js"
import * as TokenBuckets from "./TokenBuckets.js"

/** The gate of one server. */
export interface Admission {
  /** Takes requests and bytes of bodies; false, and nothing taken, if there is no room for all of it. */
  readonly take: (requests: number, bodyBytes: number) => boolean
  /** Releases what was taken. */
  readonly give: (requests: number, bodyBytes: number) => void
  /** Counts more inputs of a caller: null, or the refusal. */
  readonly call: (caller: Caller.Caller, nowMillis: number, inputs: number) => AdapterError.AdapterError | null
  /** Counts one more request that waits for a session; false if too many wait. */
  readonly beginWait: () => boolean
  /** Releases its place. */
  readonly endWait: () => void
  /** Counts one more stream of a caller: null, or the refusal. */
  readonly openStream: (caller: Caller.Caller) => AdapterError.AdapterError | null
  /** Releases the place of a stream. */
  readonly closeStream: (caller: Caller.Caller) => void
  /** The current counts. */
  readonly now: () => Inside
}

/** The current counts. */
export interface Inside {
  readonly requests: number
  readonly bodyBytes: number
  readonly streams: number
  /** Requests that wait for a session. */
  readonly waits: number
}

/** Whether a caller acts only for itself (a shop acts for all its buyers). */
const isBuyer = (roles: Caller.Caller["roles"]): boolean =>
  !roles.includes("modify-all-data") && !roles.includes("commerce-integrator")

/** Makes the gate. */
export const make = (limits: HttpLimits): Admission => {
  let requests = 0
  let bodyBytes = 0
  let waits = 0
  const streams = new Map<string, number>()
  const buckets = TokenBuckets.make(limits.callsPerSecond, limits.burstCount)
  const perBuyer = Math.min(limits.callsPerSecond, limits.buyerCallsPerSecond)
  const buyerBuckets = TokenBuckets.make(perBuyer, limits.burstCount)
  const tooManyStreams = AdapterError.tooManyStreams(limits.streamsMaxCount)

  const give = (fewerRequests: number, fewerBytes: number): void => {
    requests -= fewerRequests
    bodyBytes -= fewerBytes
  }

  return {
    give,
    take: (moreRequests, moreBytes) => {
      if (requests + moreRequests > limits.requestsMaxCount || bodyBytes + moreBytes > limits.bodiesMaxBytes) {
        return false
      }
      give(-moreRequests, -moreBytes)
      return true
    },
    call: ({ roles, userId }, nowMillis, inputs) => {
      const waitMillis = (isBuyer(roles) ? buyerBuckets : buckets).take(userId, nowMillis, inputs)
      return waitMillis === 0 ? null : AdapterError.tooManyCalls(waitMillis)
    },
    beginWait: () => {
      if (waits >= limits.waitsMaxCount) return false
      waits += 1
      return true
    },
    endWait: () => {
      waits -= 1
    },
    openStream: ({ userId }) => {
      const count = streams.get(userId) ?? 0
      if (count >= limits.streamsMaxCount) return tooManyStreams
      streams.set(userId, count + 1)
      return null
    },
    closeStream: ({ userId }) => {
      const count = streams.get(userId)! - 1
      if (count === 0) streams.delete(userId)
      else streams.set(userId, count)
    },
    now: () => {
      let openStreams = 0
      for (const count of streams.values()) openStreams += count
      return { requests, bodyBytes, streams: openStreams, waits }
    }
  }
}
