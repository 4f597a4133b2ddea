/**
 * WireFuzz: sends malformed input in every wire format to a real server. No answer may be a server error, every
 * request must be answered, and each error must have the body of its format. Source: TARGETS F7, PROTOCOL W1-W11.
 *
 * The server may wait for the rest of a partial request until its timeout. The test does not wait for that: the client
 * disconnects, and the server must still work afterwards.
 */
import { Caller } from "@onelane/checkout"
import { Effect } from "effect"
import * as Fc from "effect/FastCheck"
import * as RawClient from "../clients/RawClient.js"
import * as WireCases from "../clients/WireCases.js"
import type { Instrument } from "../Instrument.js"
import * as Service from "../processes/Service.js"

/** A run. */
export interface FuzzOptions {
  readonly seed: number
  readonly cases: number
  readonly progress?: ((line: string) => void) | undefined
}

/** What came of it. */
export interface FuzzOutcome {
  readonly cases: number
  readonly byStatus: ReadonlyMap<number, number>
  /** Cases that were partial requests, and so got no answer. */
  readonly partial: number
  readonly problems: ReadonlyArray<string>
}

const batch = 500
const concurrency = 16
/** An answer that takes longer counts as a hang. A busy machine may pause for many seconds. */
const lateMillis = 30_000
/** Wait for an answer to a partial request, milliseconds. */
const partMillis = 300

/** Sends case after case to a server of its own. */
export const run = ({ cases, progress, seed }: FuzzOptions): Effect.Effect<FuzzOutcome> =>
  Effect.gen(function* () {
    const service = Service.make("http", { storage: ":memory:" })
    yield* Effect.orDieWith(service.start, (why) => new Error(why))
    const port = Number(new URL(service.url()).port)
    // The document names the paths of every format: one that is in it is in the cases.
    const contract = yield* Effect.promise(async () => (await fetch(`${service.url()}/openapi.json`)).json())
    const { session } = yield* Effect.orDie(service.door.open(Caller.host, { cartId: "cart-0" }))
    const arbitrary = WireCases.cases(contract as WireCases.Contract, { sessionId: session.id, token: Service.token })
    const byStatus = new Map<number, number>()
    const problems: Array<string> = []
    let partial = 0
    for (let done = 0; done < cases && problems.length < 20; done += batch) {
      const drawn = Fc.sample(arbitrary, { numRuns: Math.min(batch, cases - done), seed: seed + done })
      const judgeOne = (wire: WireCases.WireCase) =>
        Effect.map(exchange(port, wire), (exchange) => {
          if (exchange.end === "late") partial++
          for (const { status } of exchange.answers) byStatus.set(status, (byStatus.get(status) ?? 0) + 1)
          const problem = judge(wire, exchange)
          if (problem === null) return
          problems.push(`seed ${seed + done}: ${problem}\n${told(wire, exchange)}`)
          progress?.(problem)
        })
      yield* Effect.forEach(drawn, judgeOne, { concurrency, discard: true })
      const health = yield* Effect.either(service.door.get(Caller.host, { checkoutSessionId: session.id }))
      if (health._tag === "Left") problems.push(`after ${done} cases: ${JSON.stringify(health.left)}`)
      progress?.(`${done + drawn.length} of ${cases} cases`)
    }
    return { cases, byStatus, partial, problems }
  }).pipe(Effect.scoped)

/** Waits long for the answer to a whole request, and only briefly for that to a possibly partial one. */
const exchange = (port: number, wire: WireCases.WireCase) =>
  RawClient.send(port, wire.pieces, wire.answers, isWhole(wire) ? lateMillis : partMillis)

/** Whether a server must parse these bytes as whole requests. */
const isWhole = ({ isHead, isIntact }: WireCases.WireCase): boolean => isIntact && !isHead

const judge = (wire: WireCases.WireCase, { answers, end }: RawClient.Exchange): string | null => {
  const failed = answers.find(({ status }) => !(status >= 200 && status < 500))
  if (failed !== undefined) return `answered ${failed.status}`
  if (isWhole(wire) && end === "late") return "hangs"
  if (isWhole(wire) && answers.length === 0) return "closed without an answer"
  const untyped = wire.isHead ? undefined : answers.find((answer) => answer.status >= 400 && !isTyped(answer))
  return untyped === undefined ? null : `an error without a type: ${untyped.status}`
}

/** A problem of the native format, or the list of the standard-action format. */
const isTyped = ({ body }: RawClient.Answer): boolean => {
  try {
    const said: unknown = JSON.parse(Buffer.from(body, "latin1").toString())
    if (!Array.isArray(said)) return typeof (said as { readonly _tag?: unknown })._tag === "string"
    return said.every((each) => typeof each.errorCode === "string" || each.isSuccess === true)
  } catch {
    return false
  }
}

const told = ({ pieces }: WireCases.WireCase, { answers, rest }: RawClient.Exchange): string =>
  `> ${JSON.stringify(Buffer.concat(pieces).toString("latin1").slice(0, 1_500))}\n< ${JSON.stringify([answers.slice(-2), rest.slice(0, 200)]).slice(0, 1_500)}`

/** F7. */
export const instrument: Instrument = {
  name: "fuzz",
  run: ({ minutes, progress, seed, short }) =>
    Effect.gen(function* () {
      const cases = short ? 1_000 : Math.max(100_000, Math.round(minutes * 20_000))
      const { byStatus, partial, problems } = yield* run({ seed, cases, progress })
      const counts = [...byStatus].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`)
      return { cases, failures: problems, notes: [`${counts.join(", ")}; ${partial} only part of a request`] }
    })
}
