/**
 * Overload: ten times what a server has room for, on one hot session and spread over many. What there is no room for is
 * refused at once, what is accepted stays right, memory stays bounded, and afterwards it is as fast as before.
 * Source: TARGETS F5. The room is made small by configuration, so that ten times of it fits into one machine.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Caller } from "@onelane/checkout"
import { Clock, Effect, Random } from "effect"
import * as Folder from "../Folder.js"
import type { Instrument } from "../Instrument.js"
import * as Service from "../Service.js"

/** A run. `room`: requests that are served at once; ten times as many callers call. */
export interface OverloadOptions {
  readonly seed: number
  readonly room: number
  readonly millis: number
}

/** Latencies in milliseconds. */
export interface OverloadOutcome {
  readonly answered: number
  readonly refused: number
  readonly refusedP99Millis: number
  readonly acceptedP99Millis: number
  /** One caller, before and after. */
  readonly beforeP50Millis: number
  readonly afterP50Millis: number
  readonly grownMebibytes: number
  /** Answers that are neither a decision nor a typed refusal. */
  readonly problems: ReadonlyArray<string>
}

const states = ["Inventory", "Taxes"]
const quietCalls = 100

/** Calls alone, then with ten times too many, then alone again. */
export const run = ({ millis, room, seed }: OverloadOptions): Effect.Effect<OverloadOutcome> =>
  Effect.gen(function* () {
    const limits = JSON.stringify({ requestsMaxCount: room, mailboxCapacity: room, systemCapacity: room })
    const storage = join(yield* Folder.make(), "checkout.db")
    const service = Service.make("http", { storage, args: ["--limits", limits] })
    yield* Effect.orDieWith(service.start, (why) => new Error(why))
    for (let index = 0; index < 32; index++) {
      yield* Effect.orDie(
        service.door.open(Caller.host, { cartId: `cart-${index}`, checkoutSessionId: `cart-${index}` })
      )
    }
    const taken = { accepted: [] as number[], refused: [] as number[] }
    const problems = new Set<string>()
    const call = Effect.gen(function* () {
      const hot = (yield* Random.next) < 0.5
      const id = `cart-${hot ? 0 : yield* Random.nextIntBetween(1, 32)}`
      const [expCurrentState, nextState] = (yield* Random.nextBoolean) ? states : [...states].reverse()
      const from = yield* Clock.currentTimeNanos
      const input = { checkoutSessionId: id, expCurrentState: expCurrentState!, nextState: nextState! }
      const answer = yield* Effect.either(service.door.update(Caller.host, input))
      const took = Number((yield* Clock.currentTimeNanos) - from) / 1e6
      const error = answer._tag === "Left" ? answer.left : undefined
      const isRefused =
        error?._tag === "Overloaded" || (error as { readonly status?: number } | undefined)?.status === 503
      if (isRefused) taken.refused.push(took)
      else taken.accepted.push(took)
      if (error !== undefined && !isRefused && error._tag !== "ExpectedStateMismatch")
        problems.add(JSON.stringify(error))
      return took
    })
    const alone = Effect.map(Effect.replicateEffect(call, quietCalls), (all) => quantile(all, 0.5))
    yield* alone
    const beforeP50Millis = yield* alone
    const memory = () => residentMebibytes(service.pid())
    const memoryBefore = memory()
    taken.accepted.length = 0
    const untilMillis = (yield* Clock.currentTimeMillis) + millis
    const live = Effect.gen(function* () {
      while ((yield* Clock.currentTimeMillis) < untilMillis) yield* call
    })
    yield* Effect.all(
      Array.from({ length: room * 10 }, () => live),
      { concurrency: "unbounded", discard: true }
    )
    const grownMebibytes = memory() - memoryBefore
    const figures = {
      answered: taken.accepted.length,
      refused: taken.refused.length,
      refusedP99Millis: quantile(taken.refused, 0.99),
      acceptedP99Millis: quantile(taken.accepted, 0.99)
    }
    return { ...figures, beforeP50Millis, afterP50Millis: yield* alone, grownMebibytes, problems: [...problems] }
  }).pipe(Effect.withRandom(Random.make(seed)), Effect.scoped)

const quantile = (values: ReadonlyArray<number>, part: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * part)] ?? 0

const residentMebibytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024

/** F5. The latencies are those of callers on the same machine, which is full: bounds are generous, figures in the notes. */
export const instrument: Instrument = {
  name: "overload",
  run: ({ minutes, seed, short }) =>
    Effect.gen(function* () {
      const outcome = yield* run({ seed, room: 8, millis: short ? 3_000 : Math.min(60_000, minutes * 60_000) })
      const failures = [...outcome.problems]
      if (outcome.refused === 0) failures.push("nothing was refused: no overload")
      if (outcome.answered === 0) failures.push("nothing was answered under overload")
      if (outcome.grownMebibytes > 256) failures.push(`memory grew by ${outcome.grownMebibytes} MiB`)
      if (outcome.refusedP99Millis > 2_000) failures.push(`refusals took ${outcome.refusedP99Millis} ms (p99)`)
      if (outcome.afterP50Millis > 10 * outcome.beforeP50Millis + 20) {
        failures.push(`afterwards a call took ${outcome.afterP50Millis} ms, before ${outcome.beforeP50Millis}`)
      }
      return { cases: outcome.answered + outcome.refused, failures, notes: [JSON.stringify(outcome)] }
    })
}
