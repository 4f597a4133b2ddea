/**
 * Load: runs callers against a real service, over one or many doors, and records and checks every answer. Source:
 * TARGETS, "Faults and load": half the load on one hot session, a quarter reads, three quarters informed, interrupted
 * calls, unknown answers retried with their key, a final read of every session at every door.
 *
 * Owns the callers; does not own the service, its faults or the check (Linearizable).
 */
import { Caller, type CheckoutError, type CheckoutSessions } from "@onelane/checkout"
import { type CheckOptions, checkHistory, type History, Recorder, TimeLine } from "@onelane/history"
import { Clock, Effect, Fiber, Random, Schedule } from "effect"

type Service = CheckoutSessions.CheckoutSessionsShape
type Failed = CheckoutError.CheckoutError

/** A run. */
export interface LoadOptions {
  /** The doors; each call uses a random one. Their flow must be `any`. */
  readonly doors: ReadonlyArray<Service>
  readonly callers: number
  readonly sessions: number
  /** Duration of the load, milliseconds. */
  readonly millis: number
  /** Ends the load early after this number of calls. Default: no limit. */
  readonly mostCalls?: number | undefined
  /** Longest pause of a caller between two calls, milliseconds. Default 0. */
  readonly mostPauseMillis?: number | undefined
  /** Called when all sessions are open, before the first call. */
  readonly onOpened?: (() => void) | undefined
  /** Ends the load early. */
  readonly isOver?: (() => boolean) | undefined
  /** Spontaneous changes of sessions. Default: none. */
  readonly spontaneous?: CheckOptions["spontaneous"]
  /**
   * Whether updates carry patches of the session's data, which the flow must declare. The tasks of the flow write none.
   */
  readonly data?: boolean | undefined
  /**
   * Whether an intermediary (SDK, cluster) may retry with the same key: a caller's only answer may then be a replay.
   */
  readonly isAskedTwice?: boolean | undefined
  /** The privileged caller they call as. Default: the host. */
  readonly caller?: Caller.Caller | undefined
  /** Prefix of cart and session ids. Default `cart`. */
  readonly cart?: string | undefined
}

/** The result. `problems` is empty if the history is linearizable. */
export interface LoadOutcome {
  readonly history: History.History
  readonly accepted: number
  readonly refused: number
  readonly unknown: number
  readonly notDone: number
  readonly problems: ReadonlyArray<string>
}

/** The states between which callers move sessions; none is final. */
const states = ["Shipping Address", "Inventory", "Taxes", "Delivery Method"]

/** Longest time for a fault to heal, at the first and at the last call, milliseconds. */
const healMillis = 60_000

interface Seen {
  readonly state: string
  readonly version: number
}

interface Run extends LoadOptions {
  readonly recorder: Recorder.Recorder
  readonly ids: ReadonlyArray<string>
  readonly caller: Caller.Caller
  readonly untilMillis: number
  readonly made: { calls: number }
}

/** Opens the sessions, runs the callers, reads every session through every door, and checks the history. */
export const run = (options: LoadOptions): Effect.Effect<LoadOutcome, Failed> =>
  Effect.gen(function* () {
    const recorder = Recorder.make()
    const { caller = Caller.host, cart = "cart", doors, sessions } = options
    const opening = recorder.client(0, doors[0]!)
    const ids = Array.from({ length: sessions }, (_, index) => `${cart}-${index}`)
    yield* Effect.forEach(ids, (id) => untilHealed(opening.open(caller, { cartId: id, checkoutSessionId: id })))
    options.onOpened?.()
    const untilMillis = (yield* Clock.currentTimeMillis) + options.millis
    const load: Run = { ...options, caller, ids, recorder, untilMillis, made: { calls: 0 } }
    const callers = Array.from({ length: options.callers }, (_, index) => live(load, index + 1))
    yield* Effect.all(callers, { concurrency: "unbounded", discard: true })
    for (const door of doors) yield* Effect.forEach(ids, (id) => lastLook(load, door, id))
    return outcomeOf(recorder.history(), options)
  })

const live = (load: Run, process: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    const seen = new Map<string, Seen>()
    const { isOver, made, mostCalls = Number.POSITIVE_INFINITY, untilMillis } = load
    for (let call = 0; !isOver?.() && (yield* Clock.currentTimeMillis) < untilMillis; call++) {
      if (made.calls++ >= mostCalls) return
      const id = (yield* chance(0.5)) ? load.ids[0]! : yield* pick(load.ids)
      if (yield* chance(0.25))
        yield* once(load, process, id, seen, (door, caller) => door.get(caller, { checkoutSessionId: id }))
      else yield* update(load, process, id, seen, `${process}-${call}`)
      if (load.mostPauseMillis !== undefined) yield* Effect.sleep(yield* Random.nextIntBetween(0, load.mostPauseMillis))
    }
  })

const update = (load: Run, process: number, checkoutSessionId: string, seen: Map<string, Seen>, key: string) =>
  Effect.gen(function* () {
    const known = seen.get(checkoutSessionId)
    const expCurrentState = known !== undefined && (yield* chance(0.75)) ? known.state : yield* pick(states)
    const nextState = yield* pick(states.filter((state) => state !== expCurrentState))
    const patch = load.data === true && (yield* chance(0.5)) ? { data: yield* patchOf(process, key) } : {}
    const input = { checkoutSessionId, expCurrentState, nextState, idempotencyKey: key, ...patch }
    const ask = (door: Service, caller: Caller.Caller) =>
      Effect.map(door.update(caller, input), ({ session }) => session)
    // Calls with an unknown outcome are retried with their key, perhaps at another door.
    for (let tries = 0; tries < 3; tries++) {
      if (!(yield* once(load, process, checkoutSessionId, seen, ask))) return
    }
  })

/** Number of data members that one caller alone writes; further callers share them. */
const ownMembers = 8

const patchOf = (process: number, key: string) =>
  Effect.map(chance(0.2), (removes) => ({ [`by ${process % ownMembers}`]: key, last: removes ? null : key }))

/** Makes one call; one in twenty is interrupted. True if its outcome is unknown. */
const once = (
  load: Run,
  process: number,
  id: string,
  seen: Map<string, Seen>,
  ask: (door: Service, caller: Caller.Caller) => Effect.Effect<Seen, Failed>
): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    const door = load.recorder.client(process, yield* pick(load.doors))
    if (yield* chance(0.05)) {
      const calling = yield* Effect.fork(ask(door, load.caller))
      yield* Effect.sleep(yield* Random.nextIntBetween(0, 10))
      yield* Fiber.interrupt(calling)
      return true
    }
    const answer = yield* Effect.either(ask(door, load.caller))
    if (answer._tag === "Right") seen.set(id, answer.right)
    else if ("current" in answer.left && answer.left.current !== null) seen.set(id, answer.left.current)
    // The service was down: retrying at once would only count the milliseconds of the outage.
    else yield* Effect.sleep(20)
    return answer._tag === "Left" && answer.left.applied === "unknown"
  })

const lastLook = (load: Run, door: Service, checkoutSessionId: string) =>
  untilHealed(load.recorder.client(0, door).get(load.caller, { checkoutSessionId }))

const untilHealed = <A>(call: Effect.Effect<A, Failed>): Effect.Effect<A, Failed> =>
  Effect.retry(call, { schedule: Schedule.spaced(100), times: healMillis / 100 })

const outcomeOf = (history: History.History, { isAskedTwice = false, spontaneous }: LoadOptions): LoadOutcome => {
  const verdict = checkHistory(isAskedTwice ? firstHand(history) : history, { spontaneous, taskData: false })
  const changes = history.filter(({ action }) => action !== "read")
  const count = (outcome: string, observed: boolean) =>
    changes.filter((each) => each.outcome === outcome && (each.observed !== undefined) === observed).length
  return {
    history,
    accepted: count("ok", true),
    refused: count("fail", true),
    notDone: count("fail", false),
    unknown: count("info", false),
    problems: [
      ...verdict.violations.map(TimeLine.toText),
      ...verdict.undecided.map((session) => `${session}: undecided`)
    ]
  }
}

/** Marks the first answer of each key as not replayed, if no other call can be the original. */
const firstHand = (history: History.History): History.History => {
  const others = new Set(history.flatMap((each) => (each.outcome === "info" || !each.replayed ? [each.key] : [])))
  const taken = new Set<string | undefined>(others)
  const inOrder = [...history].sort((a, b) => a.returned - b.returned)
  return inOrder.map((each) => {
    if (each.outcome !== "ok" || each.key === undefined || taken.has(each.key)) return each
    taken.add(each.key)
    return { ...each, replayed: false }
  })
}

const chance = (rate: number): Effect.Effect<boolean> => Effect.map(Random.next, (drawn) => drawn < rate)

const pick = <A>(from: ReadonlyArray<A>): Effect.Effect<A> =>
  Effect.map(Random.nextIntBetween(0, from.length), (index) => from[index]!)
