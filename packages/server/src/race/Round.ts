/**
 * Round: races one session once: opens it, runs concurrent calls, and records every answer.
 *
 * Owns the calls, their limits and their record. Does not own the scenarios (Scenarios), nor the verdict (Race).
 */
import { clearTimeout, setTimeout } from "node:timers"
import { setTimeout as sleep } from "node:timers/promises"
import type { History } from "@onelane/history"
import { SessionData } from "@onelane/history"
import { PCGRandom } from "effect/Utils"
import type { Adapter, Answer, CompleteCall, RaceHttp, UpdateCall } from "./Adapter.js"
import { answerFault, wayOf } from "./Adapter.js"
import { RequestFailed } from "./RaceClient.js"

/** The adapter, the transport, and the remaining limits of a run. */
export interface Bounds {
  readonly adapter: Adapter
  readonly http: RaceHttp
  /** The name of the run: keys and carts of two runs never collide. */
  readonly run: string
  /** Takes one call from the budget; false if no calls or no time are left. */
  readonly take: () => boolean
  /** Longest wait for one call of the adapter, milliseconds. */
  readonly deadlineMillis: number
  /** Records a problem, in one sentence. */
  readonly trouble: (sentence: string) => void
}

/** A step that a caller requests. */
export type Step = Pick<UpdateCall, "expected" | "next" | "patch">

/** One caller; it makes one call at a time. */
export interface Racer {
  readonly read: () => Promise<Answer>
  readonly update: (step: Step, key: string | undefined) => Promise<Answer>
  readonly cancel: (key: string | undefined) => Promise<Answer>
  readonly complete: (by: CompleteCall["by"], key: string | undefined) => Promise<Answer>
}

/** One session that is raced. */
export interface Round {
  readonly adapter: Adapter
  readonly random: PCGRandom
  readonly racer: () => Racer
  /** A new idempotency key; undefined if the checkout has none. */
  readonly key: () => string | undefined
  /** One of the possible steps from a state; null if there is none. */
  readonly step: (state: string, way: number) => Step | null
  /** Runs calls concurrently, with small random delays before each. */
  readonly race: (calls: ReadonlyArray<() => Promise<unknown>>) => Promise<void>
  readonly operations: () => History.History
  /** How often changing calls overlapped and one of them was accepted. */
  readonly races: () => number
}

/** Ends a round when the run has reached a limit. */
export class RoundOver extends Error {
  override readonly name = "RoundOver"
}

type Call = Omit<History.Operation, "outcome" | "invoked" | "returned">

const outcomes = { accepted: "ok", refused: "fail", unknown: "info" } as const

const toldBy = (
  answer: Answer,
  isKeyed: boolean
): Pick<History.Operation, "outcome" | "error" | "observed" | "requestId" | "replayed"> => {
  const { error, outcome, replayed, requestId, seen } = { error: undefined, seen: undefined, ...answer } as Answer & {
    readonly error?: string
    readonly seen?: Extract<Answer, { outcome: "accepted" }>["seen"]
    readonly replayed?: boolean
    readonly requestId?: string
  }
  const { data, ...observed } = seen ?? {}
  return {
    outcome: outcomes[outcome],
    ...(error !== undefined && { error }),
    ...(requestId !== undefined && { requestId }),
    ...(isKeyed && replayed !== undefined && { replayed }),
    ...(seen !== undefined &&
      outcome !== "unknown" && { observed: { ...observed, ...(data && { data: SessionData.textOf(data) }) } })
  }
}

const within = async <A>(millis: number, running: Promise<A>): Promise<A> => {
  let late: ReturnType<typeof setTimeout> | undefined
  const over = new Promise<never>((_, reject) => {
    late = setTimeout(
      () => reject(new RequestFailed("timeout", `the adapter gave no answer within ${millis} ms`)),
      millis
    )
  })
  return Promise.race([running, over]).finally(() => clearTimeout(late))
}

/** The answer of a call, or `unknown` if there is none. */
const answered = async ({ deadlineMillis, trouble }: Bounds, run: () => Promise<Answer>): Promise<Answer> => {
  try {
    const answer = await within(deadlineMillis, run())
    const fault = answerFault(answer)
    if (fault === null) return answer
    trouble(`the adapter gave no valid answer: ${fault}`)
    return { outcome: "unknown" }
  } catch (thrown) {
    trouble(thrown instanceof Error ? thrown.message : String(thrown))
    const kind = thrown instanceof RequestFailed ? thrown.kind : null
    return kind === "unsent" || kind === "over" ? { outcome: "refused", error: "NotSent" } : { outcome: "unknown" }
  }
}

/** The record of one session: each call with the positions of its start and end in the order of events. */
const record = (bounds: Bounds) => {
  const operations: Array<History.Operation> = []
  let events = 0
  const note = async <A extends Answer>(callOf: (answer: A) => Call, run: () => Promise<A>): Promise<A> => {
    if (!bounds.take()) throw new RoundOver()
    const invoked = events++
    const answer = (await answered(bounds, run)) as A
    const { key, ...call } = callOf(answer)
    operations.push({
      ...call,
      ...(key !== undefined && { key }),
      ...toldBy(answer, key !== undefined),
      invoked,
      returned: events++
    })
    return answer
  }
  return { operations, note }
}

type Note = ReturnType<typeof record>["note"]

const racerOf = ({ adapter, http }: Bounds, session: string, process: number, note: Note): Racer => {
  const way = wayOf(adapter.transitions, adapter.initial) ?? [adapter.initial]
  const ending: Step = { expected: way.at(-2) ?? adapter.initial, next: way.at(-1) ?? adapter.initial }
  const named = (action: string, key: string | undefined): Pick<Call, "key"> =>
    key === undefined ? {} : { key: `${action} ${key}` }
  return {
    read: () =>
      note(
        () => ({ process, session, action: "read" }),
        () => adapter.read({ http, session })
      ),
    update: (step, key) =>
      note(
        () => ({ process, session, action: "update", ...step, ...named("update", key) }),
        () => adapter.update({ http, session, key, ...step })
      ),
    cancel: (key) =>
      note(
        () => ({ process, session, action: "cancel", ...named("cancel", key) }),
        () => adapter.cancel!({ http, session, key })
      ),
    complete: (by, key) =>
      note(
        () => ({
          process,
          session,
          action: "update",
          ...ending,
          ...named(adapter.complete ? "complete" : "update", key)
        }),
        () => (adapter.complete ?? adapter.update)({ http, session, key, ...ending, by } as CompleteCall)
      )
  }
}

const overlap = (a: History.Operation, b: History.Operation): boolean =>
  a.process !== b.process && a.invoked < b.returned && b.invoked < a.returned

/** Whether two changing calls of a session overlapped, both answered, and one was accepted. */
const isRace = (operations: ReadonlyArray<History.Operation>): boolean => {
  const writes = operations.filter(({ action, outcome }) => action !== "read" && outcome !== "info")
  return (
    writes.some(({ outcome, replayed }) => outcome === "ok" && replayed !== true) &&
    writes.some((each, index) => writes.slice(index + 1).some((other) => overlap(each, other)))
  )
}

/** Milliseconds within which the calls of a race begin. */
const spreads = [0, 0, 0, 1, 2, 5, 10] as const

/** Opens a session for a round; null if none could be opened. */
export const open = async (bounds: Bounds, name: string, seed: number): Promise<Round | null> => {
  const { adapter, http } = bounds
  const { note, operations } = record(bounds)
  const created = await note(
    ({ outcome, session = name, ...answer }) => {
      const data = outcome === "accepted" && "seen" in answer ? answer.seen?.data : undefined
      return { process: 0, session, action: "open", next: adapter.initial, ...(data && { patch: data }) }
    },
    () => adapter.create({ http, name })
  )
  const { session } = created
  if (created.outcome !== "accepted" || session === undefined) {
    bounds.trouble(
      created.outcome === "accepted"
        ? "create told no session"
        : `create was ${created.outcome}: ${created.error ?? "no reason"}`
    )
    return null
  }
  const random = new PCGRandom(seed)
  let [processes, keys, values, races] = [0, 0, 0, 0]
  return {
    adapter,
    random,
    racer: () => racerOf(bounds, session, ++processes, note),
    key: () => (adapter.keys === "none" ? undefined : `${name}-${++keys}`),
    step: (state, way) => {
      const { edits, transitions } = adapter
      if (edits !== undefined) {
        if (state !== adapter.initial) return null
        return {
          expected: state,
          next: state,
          patch: { [edits.members[way % edits.members.length]!]: `race-${++values}` }
        }
      }
      const followers = transitions[state] ?? []
      return followers.length === 0 ? null : { expected: state, next: followers[way % followers.length]! }
    },
    race: async (calls) => {
      const first = operations.length
      const spread = spreads[random.integer(spreads.length)]!
      const ends = await Promise.allSettled(
        calls.map(async (call) => {
          const millis = spread === 0 ? 0 : random.integer(spread + 1)
          if (millis > 0) await sleep(millis)
          return call()
        })
      )
      if (isRace(operations.slice(first))) races++
      const failed = ends.find((each) => each.status === "rejected")
      if (failed !== undefined) throw failed.reason
    },
    operations: () => operations.slice(),
    races: () => races
  }
}
