/**
 * Load: the callers. All subjects get the same workload: call `update(id, expected, next)`, record the answer, and
 * update the state that the caller expects. Subjects differ in their API, never in the calls.
 *
 *   accepted   callers share the last known state of a session, so nearly every update is accepted
 *   refused    callers expect a state that the session is not in
 *   race       every caller knows only its own last answer: of concurrent callers, one wins
 */
import { Effect } from "effect"
import { Log, type Seen } from "./Log.js"

/** What callers do. */
export type Manner = "accepted" | "refused" | "race"

/** The number of calls, callers and sessions. */
export interface Load {
  readonly manner: Manner
  readonly callers: number
  readonly sessions: number
  /** Calls of one round, by all callers together. */
  readonly calls: number
  /**
   * Also measures every call and the delay of the event loop. This has a cost, so it is off where CPU time is measured.
   */
  readonly timed?: boolean
}

/** A ring of states: each leads to the next. They exist in every preset. */
export const states = ["Start", "Shipping Address", "Inventory", "Confirm Price", "Shipping Cost", "Taxes"] as const

const following = new Map(states.map((state, index) => [state as string, states[(index + 1) % states.length]!]))

/** The state a new session is in. */
export const firstState: string = states[0]

/** The state after `state` in the ring. */
export const nextOf = (state: string): string => following.get(state)!

/** What the callers of a run know and where they record it. */
export interface Desk {
  readonly load: Load
  readonly ids: ReadonlyArray<string>
  log: Log
  /** State of each session, as last returned to any caller. */
  readonly known: Array<string>
  readonly seen: Seen
  /** Milliseconds of each call of the round, if measured. */
  latencies: Float64Array | null
  accepted: number
  refused: number
}

/** A desk for sessions that were just opened. */
export const makeDesk = (load: Load, ids: ReadonlyArray<string>): Desk => ({
  load,
  ids,
  log: new Log(0),
  known: ids.map(() => firstState),
  seen: { outcome: "info", version: -1, state: "" },
  latencies: null,
  accepted: 0,
  refused: 0
})

/** One call about to be made. */
interface Call {
  readonly askedAtMillis: number
  readonly session: number
  readonly expected: string
  readonly next: string
  readonly at: number
}

/** One caller: chooses its next call and processes the answer. */
export class Client {
  private turn = 0
  private readonly own: Map<number, string> | null
  constructor(
    private readonly desk: Desk,
    private readonly process: number
  ) {
    this.own = desk.load.manner === "race" ? new Map() : null
  }

  /** The next call. A caller has sessions of its own if there are enough; otherwise all callers use the same ones. */
  ask(): Call {
    const { load, known, log } = this.desk
    const { callers, sessions } = load
    const session = (this.process + callers * this.turn++) % sessions
    const believed = this.own?.get(session) ?? known[session]!
    const expected = load.manner === "refused" ? nextOf(believed) : believed
    const next = nextOf(expected)
    const askedAtMillis = this.desk.latencies === null ? 0 : performance.now()
    return { session, expected, next, askedAtMillis, at: log.invoke(this.process, session, expected, next) }
  }

  /** Processes the answer in `desk.seen`. */
  told(call: Call): void {
    const { desk } = this
    desk.log.answer(call.at, desk.seen)
    if (desk.latencies !== null) desk.latencies[call.at] = performance.now() - call.askedAtMillis
    if (desk.seen.outcome === "ok") desk.accepted += 1
    else desk.refused += 1
    if (desk.seen.version < 0) return
    if (this.own === null) desk.known[call.session] = desk.seen.state
    else this.own.set(call.session, desk.seen.state)
  }
}

/** An API of Promises (or of plain answers). `see` reads a native answer. */
export interface PromiseDoor<A> {
  readonly update: (id: string, expected: string, next: string) => Promise<A> | A
  readonly see: (answer: A, seen: Seen) => void
}

/** An API of effects. */
export interface EffectDoor<A, E> {
  readonly update: (id: string, expected: string, next: string) => Effect.Effect<A, E>
  readonly accepted: (answer: A, seen: Seen) => void
  readonly refused: (error: E, seen: Seen) => void
}

const shares = ({ calls, callers }: Load): ReadonlyArray<number> =>
  Array.from({ length: callers }, (_, process) => Math.floor((calls + process) / callers))

/** Runs all callers through Promises; resolves when the last is done. */
export const runPromises = async <A>(desk: Desk, door: PromiseDoor<A>): Promise<void> => {
  const caller = async (process: number, calls: number): Promise<void> => {
    const client = new Client(desk, process)
    for (let made = 0; made < calls; made++) {
      const call = client.ask()
      const answer = await door.update(desk.ids[call.session]!, call.expected, call.next)
      door.see(answer, desk.seen)
      client.told(call)
    }
  }
  await Promise.all(shares(desk.load).map((calls, process) => caller(process, calls)))
}

/** Runs all callers on a plain function, one after the other: the cost without any asynchronous API. */
export const runPlain = <A>(
  desk: Desk,
  door: { readonly update: (...call: [string, string, string]) => A; readonly see: (answer: A, seen: Seen) => void }
): void => {
  for (const [process, calls] of shares(desk.load).entries()) {
    const client = new Client(desk, process)
    for (let made = 0; made < calls; made++) {
      const call = client.ask()
      door.see(door.update(desk.ids[call.session]!, call.expected, call.next), desk.seen)
      client.told(call)
    }
  }
}

/** Runs all callers through effects, a fiber each. */
export const runEffects = <A, E>(desk: Desk, door: EffectDoor<A, E>): Effect.Effect<void> => {
  const caller = (process: number, calls: number) =>
    Effect.gen(function* () {
      const client = new Client(desk, process)
      for (let made = 0; made < calls; made++) {
        const call = client.ask()
        const answer = yield* Effect.either(door.update(desk.ids[call.session]!, call.expected, call.next))
        if (answer._tag === "Right") door.accepted(answer.right, desk.seen)
        else door.refused(answer.left, desk.seen)
        client.told(call)
      }
    })
  return Effect.forEach(shares(desk.load).entries(), ([process, calls]) => caller(process, calls), {
    concurrency: "unbounded",
    discard: true
  })
}
