/**
 * DoorMetrics: counters of requests and answers as plain numbers, read on demand.
 */
import type { CheckoutError } from "@onelane/checkout"
import type { AdapterError } from "../contract/AdapterError.js"
import type { Inside } from "./Admission.js"

/** Counters since the start. */
export interface DoorMetrics {
  /** Answers by HTTP status. An event stream is counted when it begins. */
  readonly answers: Map<number, number>
  /** Refusals by tag; adapter errors by code. Each failed input of an action counts. */
  readonly refusals: Map<string, number>
  /** Milliseconds spent on answers, and the number of answers per duration bucket (see `answerMillisBounds`). */
  answerMillis: number
  readonly answerMillisBuckets: Array<number>
  /** The current counts of `Admission`; set by the core. */
  inside: () => Inside
}

/** Upper bounds of the answer-duration buckets, milliseconds. */
export const answerMillisBounds: ReadonlyArray<number> = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000]

/** Creates zeroed metrics. */
export const make = (): DoorMetrics => ({
  answers: new Map(),
  refusals: new Map(),
  answerMillis: 0,
  answerMillisBuckets: [...answerMillisBounds, 0].map(() => 0),
  inside: () => ({ requests: 0, bodyBytes: 0, streams: 0, waits: 0 })
})

const increment = <K>(counts: Map<K, number>, key: K): void => void counts.set(key, (counts.get(key) ?? 0) + 1)

/** Counts an answer. */
export const countAnswer = (metrics: DoorMetrics, status: number, millis: number): void => {
  increment(metrics.answers, status)
  metrics.answerMillis += millis
  const bucket = answerMillisBounds.findIndex((bound) => millis <= bound)
  const index = bucket === -1 ? answerMillisBounds.length : bucket
  metrics.answerMillisBuckets[index] = metrics.answerMillisBuckets[index]! + 1
}

/** Counts a refusal. */
export const countRefusal = (metrics: DoorMetrics, error: AdapterError | CheckoutError.CheckoutError): void =>
  increment(metrics.refusals, error._tag === "AdapterError" ? error.code : error._tag)
