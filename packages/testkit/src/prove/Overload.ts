/**
 * Overload: ten times the capacity of a server, on one hot session, then spread over many. Excess requests must be
 * refused at once, accepted ones must stay correct and fast, memory must stay bounded, and a second later the server
 * must be as fast as before. Source: TARGETS F5. The capacity is made small, so that one machine can generate the load:
 * a sync of the disk takes 10 ms, and few requests are admitted. Calls arrive at random times, independently of earlier
 * ones (open loop).
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Caller } from "@onelane/checkout"
import { Clock, Effect, Random, type Scope } from "effect"
import * as RawClient from "../clients/RawClient.js"
import * as Record from "../faults/Record.js"
import type { Instrument } from "../Instrument.js"
import * as Folder from "../processes/Folder.js"
import * as Service from "../processes/Service.js"
import * as Unread from "./Unread.js"

/** A run. `room`: requests that are served at once. */
export interface OverloadOptions {
  readonly seed: number
  readonly room: number
  readonly millis: number
  /** Duration of each calm phase before and after, milliseconds. Default 2,000. */
  readonly calmMillis?: number | undefined
  /** The server's actual limit: a planted fault. */
  readonly plantedRoom?: number | undefined
}

/** One shape of load; latencies in milliseconds. */
export interface OverloadOutcome {
  readonly shape: "hot" | "spread"
  /** Accepted calls per second at full capacity; `offered`: calls per second under overload. */
  readonly capacity: number
  readonly offered: number
  readonly accepted: number
  readonly refused: number
  readonly refusedP99Millis: number
  readonly acceptedP99Millis: number
  /** Half as many callers as there is room for, one call at a time each: before, and from a second afterwards. */
  readonly before: { readonly p50Millis: number; readonly p99Millis: number }
  readonly after: { readonly p50Millis: number; readonly p99Millis: number }
  /** Most memory in the second half, beyond the most in the first. */
  readonly grownMebibytes: number
  /** Answers that are neither a decision nor a typed refusal. */
  readonly problems: ReadonlyArray<string>
}

const states = ["Inventory", "Taxes"]
const tenfold = 10

/** States of sessions with a single caller, by id, so that their callers always know the state. */
type Places = Map<string, string>

/** One server, both shapes one after the other. */
export const run = (options: OverloadOptions): Effect.Effect<ReadonlyArray<OverloadOutcome>> =>
  Effect.gen(function* () {
    const { plantedRoom, room } = options
    const capacity = plantedRoom ?? room
    const limits = { requestsMaxCount: capacity, mailboxCapacity: capacity, systemCapacity: capacity }
    const folder = yield* Folder.make()
    const fault = join(yield* Folder.make(), "fault")
    const env = yield* Record.faulting(folder, fault)
    const storage = join(folder, "checkout.db")
    const service = Service.make("http", { storage, env, args: ["--limits", JSON.stringify(limits)] })
    yield* Effect.orDieWith(service.start, (why) => new Error(why))
    const places: Places = new Map()
    for (let index = 0; index < room * tenfold; index++) {
      const id = `cart-${index}`
      const { session } = yield* Effect.orDie(service.door.open(Caller.host, { cartId: id, checkoutSessionId: id }))
      places.set(id, session.state)
    }
    writeFileSync(fault, "drag")
    const spread = yield* measure(service, places, options, "spread")
    return [yield* measure(service, places, options, "hot"), spread]
  }).pipe(Effect.withRandom(Random.make(options.seed)), Effect.scoped)

const measure = (
  service: Service.Service,
  places: Places,
  { calmMillis = 2_000, millis, room }: OverloadOptions,
  shape: OverloadOutcome["shape"]
): Effect.Effect<OverloadOutcome, never, Scope.Scope> =>
  Effect.gen(function* () {
    const few = { shape, callers: room / 2, millis: calmMillis }
    yield* load(service, places, few)
    const before = yield* load(service, places, few)
    const full = yield* load(service, places, { ...few, callers: room })
    const capacity = full.accepted.length / (calmMillis / 1_000)
    const memory = yield* Effect.forkScoped(sampled(service.pid(), millis))
    const over = yield* load(service, places, { shape, callers: room * tenfold, millis, perSecond: capacity * tenfold })
    const [first, second] = yield* memory
    yield* Effect.sleep(1_000)
    const after = yield* load(service, places, few)
    const [accepted, refused] = [over.accepted.length, over.refused.length]
    return {
      ...{ shape, accepted, refused, capacity: Math.round(capacity) },
      offered: Math.round((accepted + refused) / (millis / 1_000)),
      refusedP99Millis: quantile(over.refused, 0.99),
      acceptedP99Millis: quantile(over.accepted, 0.99),
      before: calm(before),
      after: calm(after),
      grownMebibytes: Math.max(0, second - first),
      problems: [...new Set([before, full, over, after].flatMap(({ problems }) => problems))]
    }
  })

interface Heard {
  readonly accepted: Array<number>
  readonly refused: Array<number>
  readonly problems: Array<string>
}

interface Calls {
  readonly shape: OverloadOutcome["shape"]
  readonly callers: number
  readonly millis: number
  /** Calls a second of all callers together, at drawn times. Default: each calls when it has its answer. */
  readonly perSecond?: number | undefined
}

/** Callers on sockets of their own, each with one call at a time, for a while: on one session, or each on its own. */
const load = (service: Service.Service, places: Places, { callers, millis, perSecond, shape }: Calls) =>
  Effect.scoped(
    Effect.gen(function* () {
      const heard: Heard = { accepted: [], refused: [], problems: [] }
      const port = Number(new URL(service.url()).port)
      const untilMillis = (yield* Clock.currentTimeMillis) + millis
      const live = (index: number) =>
        Effect.gen(function* () {
          const line = yield* RawClient.open(port)
          let nextMillis = yield* Clock.currentTimeMillis
          for (let nowMillis = nextMillis; nowMillis < untilMillis; nowMillis = yield* Clock.currentTimeMillis) {
            if (perSecond !== undefined) {
              // A caller that is late calls at once, so that missed calls still count.
              nextMillis += -Math.log(1 - (yield* Random.next)) * ((callers * 1_000) / perSecond)
              if (nextMillis > nowMillis) yield* Effect.sleep(nextMillis - nowMillis)
            }
            const { from, id, to } = shape === "hot" ? yield* guess : known(places, index)
            const fromNanos = yield* Clock.currentTimeNanos
            const answer = yield* line.ask(requestOf(id, from, to))
            const tookMillis = Number((yield* Clock.currentTimeNanos) - fromNanos) / 1e6
            if (note(heard, answer, tookMillis) && shape === "spread") places.set(id, to)
          }
        })
      yield* Effect.all(
        Array.from({ length: callers }, (_, index) => live(index)),
        { concurrency: "unbounded", discard: true }
      )
      return heard
    })
  )

const requestOf = (id: string, expCurrentState: string, nextState: string): Buffer =>
  RawClient.request("POST", `/v1/checkout-sessions/${id}/update`, Service.token, { expCurrentState, nextState })

interface Move {
  readonly id: string
  readonly from: string
  readonly to: string
}

const guess: Effect.Effect<Move> = Effect.map(Random.nextBoolean, (turned) => ({
  ...{ id: "cart-0", from: states[Number(turned)]!, to: states[Number(!turned)]! }
}))

const known = (places: Places, index: number): Move => {
  const id = `cart-${index}`
  const from = places.get(id)!
  return { id, from, to: from === states[0] ? states[1]! : states[0]! }
}

/**
 * A decision is accepted or a mismatch of states; no room is 503 or 429, in words; all else is a problem. True: it
 * moved.
 */
const note = (heard: Heard, answer: RawClient.Answer | null, tookMillis: number): boolean => {
  if (answer === null) {
    heard.problems.push("a connection was closed without an answer")
    return false
  }
  const { _tag } = JSON.parse(answer.body) as { readonly _tag?: string }
  const moved = answer.status < 300
  if (moved || _tag === "ExpectedStateMismatch") heard.accepted.push(tookMillis)
  else if ((answer.status === 503 || answer.status === 429) && _tag !== undefined) heard.refused.push(tookMillis)
  else heard.problems.push(`${answer.status} ${answer.body.slice(0, 200)}`)
  return moved
}

const calm = ({ accepted }: Heard): OverloadOutcome["before"] => ({
  p50Millis: quantile(accepted, 0.5),
  p99Millis: quantile(accepted, 0.99)
})

const quantile = (values: ReadonlyArray<number>, part: number): number =>
  Math.round(([...values].sort((a, b) => a - b)[Math.floor(values.length * part)] ?? 0) * 100) / 100

/** The most memory in the first and in the second half of a while, in mebibytes. */
const sampled = (pid: number, millis: number): Effect.Effect<readonly [number, number]> =>
  Effect.gen(function* () {
    const samples: Array<number> = []
    for (let part = 0; part < 20; part++) {
      yield* Effect.sleep(millis / 20)
      samples.push(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024)
    }
    return [Math.max(...samples.slice(0, 10)), Math.max(...samples.slice(10))] as const
  })

/** The latency limits of F5; checked only in the long form, on an otherwise idle machine. */
const tooSlow = (outcome: OverloadOutcome): ReadonlyArray<string> => {
  const { acceptedP99Millis, after, before, capacity, offered, refusedP99Millis } = outcome
  return [
    ...(offered < 8 * capacity ? [`${offered} calls a second are hardly an overload of ${capacity}`] : []),
    ...(refusedP99Millis >= 50 ? [`refusals took ${refusedP99Millis} ms (p99), not under 50`] : []),
    ...(acceptedP99Millis > 5 * before.p99Millis
      ? [`accepted calls took ${acceptedP99Millis} ms (p99), more than 5 × ${before.p99Millis}`]
      : []),
    ...(after.p50Millis > 1.5 * before.p50Millis
      ? [`a second later a call took ${after.p50Millis} ms, before ${before.p50Millis}`]
      : [])
  ]
}

/** What must hold on any machine. */
export const wrong = ({ accepted, grownMebibytes, problems, refused }: OverloadOutcome): ReadonlyArray<string> => [
  ...problems,
  ...(refused === 0 ? ["nothing was refused: no overload"] : []),
  ...(accepted === 0 ? ["nothing was accepted under overload"] : []),
  ...(grownMebibytes > 64 ? [`memory went on growing: ${grownMebibytes} MiB in the second half`] : [])
]

/**
 * Clients who do not read, against a server of its own. `limits`: those of the server that are not the default: a
 * planted fault.
 */
export const runUnread = (limits: object = {}): Effect.Effect<ReadonlyArray<Unread.UnreadOutcome>> =>
  Effect.gen(function* () {
    const storage = join(yield* Folder.make(), "checkout.db")
    const service = Service.make("http", { storage, args: ["--limits", JSON.stringify(limits)] })
    yield* Effect.orDieWith(service.start, (why) => new Error(why))
    return yield* Unread.run(service)
  }).pipe(Effect.scoped)

/** F5. */
export const instrument: Instrument = {
  name: "overload",
  run: ({ minutes, seed, short }) =>
    Effect.gen(function* () {
      const millis = short ? 2_000 : Math.max(60_000, minutes * 30_000)
      const outcomes = yield* run({ seed, room: 6, millis })
      const unread = yield* runUnread()
      const failures = [
        ...outcomes.flatMap((each) => [...wrong(each), ...(short ? [] : tooSlow(each))]),
        ...unread.flatMap(Unread.wrong)
      ]
      const cases = outcomes.reduce((sum, { accepted, refused }) => sum + accepted + refused, 0)
      return { cases, failures, notes: [...outcomes, ...unread].map((each) => JSON.stringify(each)) }
    })
}
