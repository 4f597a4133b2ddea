/**
 * Overload: ten times what a server has room for, on one hot session, then spread over many. What there is no room for is
 * refused at once, what is accepted stays right and quick, memory stays bounded, and a second later it is as fast as before.
 * Source: TARGETS F5. The room is made small by configuration, so that ten times of it fits into one machine; the callers
 * speak over bare sockets, so that what is measured is the server.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Caller } from "@onelane/checkout"
import { Clock, Effect, Random, type Scope } from "effect"
import * as Folder from "../Folder.js"
import type { Instrument } from "../Instrument.js"
import * as RawClient from "../RawClient.js"
import * as Service from "../Service.js"

/** A run. `room`: requests that are served at once; ten times as many callers call. */
export interface OverloadOptions {
  readonly seed: number
  readonly room: number
  readonly millis: number
  /** How long few callers call before and after. Default 2,000. */
  readonly calmMillis?: number | undefined
  /**
   * Stops the server for a moment now and then, so that calls gather as behind a stalled disk (one that is quicker than its
   * callers is never full), and goes on, half a minute at most, until so many were refused. Default 0: neither.
   */
  readonly leastRefused?: number | undefined
  /** Room that the server has instead: a planted fault. */
  readonly plantedRoom?: number | undefined
}

/** One shape of load; latencies in milliseconds. */
export interface OverloadOutcome {
  readonly shape: "hot" | "spread"
  readonly accepted: number
  readonly refused: number
  readonly refusedP99Millis: number
  readonly acceptedP99Millis: number
  /** With half as many callers as there is room for, before and from a second afterwards. */
  readonly before: { readonly p50Millis: number; readonly p99Millis: number }
  readonly after: { readonly p50Millis: number; readonly p99Millis: number }
  /** Most memory in the second half, beyond the most in the first. */
  readonly grownMebibytes: number
  /** Answers that are neither a decision nor a typed refusal. */
  readonly problems: ReadonlyArray<string>
}

const states = ["Inventory", "Taxes"]
const sessions = 32
const longestMillis = 30_000

/** One server, both shapes one after the other. */
export const run = (options: OverloadOptions): Effect.Effect<ReadonlyArray<OverloadOutcome>> =>
  Effect.gen(function* () {
    const { plantedRoom, room } = options
    const capacity = plantedRoom ?? room
    const limits = { requestsMaxCount: capacity, mailboxCapacity: capacity, systemCapacity: capacity }
    const storage = join(yield* Folder.make(), "checkout.db")
    const service = Service.make("http", { storage, args: ["--limits", JSON.stringify(limits)] })
    yield* Effect.orDieWith(service.start, (why) => new Error(why))
    for (let index = 0; index < sessions; index++) {
      const id = `cart-${index}`
      yield* Effect.orDie(service.door.open(Caller.host, { cartId: id, checkoutSessionId: id }))
    }
    return [yield* measure(service, options, "hot"), yield* measure(service, options, "spread")]
  }).pipe(Effect.withRandom(Random.make(options.seed)), Effect.scoped)

const measure = (
  service: Service.Service,
  { calmMillis = 2_000, leastRefused = 0, millis, room }: OverloadOptions,
  shape: OverloadOutcome["shape"]
): Effect.Effect<OverloadOutcome, never, Scope.Scope> =>
  Effect.gen(function* () {
    const few = room / 2
    yield* load(service, shape, few, calmMillis)
    const before = yield* load(service, shape, few, calmMillis)
    const memory = yield* Effect.forkScoped(sampled(service.pid(), millis))
    const over = yield* load(service, shape, room * 10, millis, leastRefused)
    const [first, second] = yield* memory
    yield* Effect.sleep(1_000)
    const after = yield* load(service, shape, few, calmMillis)
    return {
      ...{ shape, accepted: over.accepted.length, refused: over.refused.length },
      refusedP99Millis: quantile(over.refused, 0.99),
      acceptedP99Millis: quantile(over.accepted, 0.99),
      before: calm(before),
      after: calm(after),
      grownMebibytes: Math.max(0, second - first),
      problems: [...new Set([...before.problems, ...over.problems, ...after.problems])]
    }
  })

interface Heard {
  readonly accepted: Array<number>
  readonly refused: Array<number>
  readonly problems: Array<string>
}

/** Callers on sockets of their own, each with one call at a time, for a while. */
const load = (
  service: Service.Service,
  shape: OverloadOutcome["shape"],
  callers: number,
  millis: number,
  leastRefused = 0
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const heard: Heard = { accepted: [], refused: [], problems: [] }
      const port = Number(new URL(service.url()).port)
      const untilMillis = (yield* Clock.currentTimeMillis) + millis
      const isOver = (nowMillis: number): boolean =>
        nowMillis >= untilMillis && (heard.refused.length >= leastRefused || nowMillis >= untilMillis + longestMillis)
      const live = Effect.gen(function* () {
        const line = yield* RawClient.open(port)
        while (!isOver(yield* Clock.currentTimeMillis)) {
          const id = `cart-${shape === "hot" ? 0 : yield* Random.nextIntBetween(0, sessions)}`
          const turned = yield* Random.nextBoolean
          const from = yield* Clock.currentTimeNanos
          const answer = yield* line.ask(requestOf(id, states[Number(turned)]!, states[Number(!turned)]!))
          note(heard, answer, Number((yield* Clock.currentTimeNanos) - from) / 1e6)
        }
      })
      if (leastRefused > 0) yield* Effect.forkScoped(stalling(service.pid()))
      yield* Effect.all(
        Array.from({ length: callers }).map(() => live),
        { concurrency: "unbounded", discard: true }
      )
      return heard
    })
  )

const stalling = (pid: number): Effect.Effect<never> => {
  const say = (signal: NodeJS.Signals) => Effect.sync(() => void process.kill(pid, signal))
  const stall = Effect.acquireUseRelease(
    say("SIGSTOP"),
    () => Effect.sleep(20),
    () => say("SIGCONT")
  )
  return Effect.forever(Effect.zipRight(stall, Effect.sleep(50)))
}

const requestOf = (id: string, expCurrentState: string, nextState: string): Buffer => {
  const body = JSON.stringify({ expCurrentState, nextState })
  const head = [
    `POST /v1/checkout-sessions/${id}/update HTTP/1.1`,
    "host: a",
    `authorization: Bearer ${Service.token}`,
    "content-type: application/json",
    `content-length: ${body.length}`
  ]
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`)
}

/** A decision is accepted or a mismatch of states; no room is 503 or 429, in words; all else is a problem. */
const note = (heard: Heard, answer: RawClient.Answer | null, tookMillis: number): void => {
  if (answer === null) return void heard.problems.push("a connection was closed without an answer")
  const { _tag } = JSON.parse(answer.body) as { readonly _tag?: string }
  if (answer.status < 300 || _tag === "ExpectedStateMismatch") heard.accepted.push(tookMillis)
  else if ((answer.status === 503 || answer.status === 429) && _tag !== undefined) heard.refused.push(tookMillis)
  else heard.problems.push(`${answer.status} ${answer.body.slice(0, 200)}`)
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

/** What F5 says of times; held only in the long form, for a machine that does nothing else. */
const tooSlow = ({ acceptedP99Millis, after, before, refusedP99Millis }: OverloadOutcome): ReadonlyArray<string> => [
  ...(refusedP99Millis >= 50 ? [`refusals took ${refusedP99Millis} ms (p99), not under 50`] : []),
  ...(acceptedP99Millis > 5 * before.p99Millis
    ? [`accepted calls took ${acceptedP99Millis} ms (p99), more than 5 × ${before.p99Millis}`]
    : []),
  ...(after.p50Millis > 1.5 * before.p50Millis
    ? [`a second later a call took ${after.p50Millis} ms, before ${before.p50Millis}`]
    : [])
]

/** What must hold on any machine. */
export const wrong = ({ accepted, grownMebibytes, problems, refused }: OverloadOutcome): ReadonlyArray<string> => [
  ...problems,
  ...(refused === 0 ? ["nothing was refused: no overload"] : []),
  ...(accepted === 0 ? ["nothing was accepted under overload"] : []),
  ...(grownMebibytes > 64 ? [`memory went on growing: ${grownMebibytes} MiB in the second half`] : [])
]

/** F5. */
export const instrument: Instrument = {
  name: "overload",
  run: ({ minutes, seed, short }) =>
    Effect.gen(function* () {
      const millis = short ? 2_000 : Math.max(60_000, minutes * 30_000)
      const outcomes = yield* run({ seed, room: 8, millis, leastRefused: short ? 20 : 0 })
      const failures = outcomes.flatMap((each) => [...wrong(each), ...(short ? [] : tooSlow(each))])
      const cases = outcomes.reduce((sum, { accepted, refused }) => sum + accepted + refused, 0)
      return { cases, failures, notes: outcomes.map((each) => JSON.stringify(each)) }
    })
}
