/**
 * Load: callers on a real service for a while, over one or many doors to it, every answer recorded and judged.
 * Source: TARGETS, "Faults and load": half the load on one hot session, a quarter reads, three quarters informed, callers
 * who hang up, unknown answers asked again under their key, a final read of every session at every door.
 *
 * Owns the callers; does not own the service, its faults, nor the judgement (Linearizable).
 */
import { Caller, type CheckoutError, type CheckoutSessions } from "@onelane/checkout"
import { type CheckOptions, checkHistory, type History, Recorder, TimeLine } from "@onelane/history"
import { Clock, Effect, Fiber, Random, Schedule } from "effect"

type Service = CheckoutSessions.CheckoutSessionsShape
type Failed = CheckoutError.CheckoutError

/** A run. */
export interface LoadOptions {
  /** The doors; a caller meets any of them at any call. Their flow must be `any`. */
  readonly doors: ReadonlyArray<Service>
  readonly callers: number
  readonly sessions: number
  /** How long the callers call, milliseconds. */
  readonly millis: number
  /** Is called once all sessions are open, before the first call. */
  readonly onOpened?: (() => void) | undefined
  /** Ends the calls before their time. */
  readonly isOver?: (() => boolean) | undefined
  /** What sessions do that no caller asked for. Default: nothing. */
  readonly spontaneous?: CheckOptions["spontaneous"]
  /** Whether updates carry patches of the session's data, which the flow must declare. The tasks of the flow write none. */
  readonly data?: boolean | undefined
  /** Whether a go-between (SDK, cluster) may ask twice under one key: a caller's only answer may then be a repeated one. */
  readonly isAskedTwice?: boolean | undefined
  /** The privileged caller they call as. Default: the host. */
  readonly caller?: Caller.Caller | undefined
  /** Carts and sessions are called by this and a number. Default `cart`. */
  readonly cart?: string | undefined
}

/** What came of it. `problems` is empty when the history is linearizable. */
export interface LoadOutcome {
  readonly history: History.History
  readonly accepted: number
  readonly refused: number
  readonly unknown: number
  readonly notDone: number
  readonly problems: ReadonlyArray<string>
}

/** The states the callers move sessions between; none of them ends one. */
const states = ["Shipping Address", "Inventory", "Taxes", "Delivery Method"]

/** Milliseconds within which whatever is broken has healed, at the first and at the last call. */
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
}

/** Opens the sessions, lets the callers call, looks at every session through every door, and judges. */
export const run = (options: LoadOptions): Effect.Effect<LoadOutcome, Failed> =>
  Effect.gen(function* () {
    const recorder = Recorder.make()
    const { caller = Caller.host, cart = "cart", doors, sessions } = options
    const opening = recorder.client(0, doors[0]!)
    const ids = Array.from({ length: sessions }, (_, index) => `${cart}-${index}`)
    yield* Effect.forEach(ids, (id) => untilHealed(opening.open(caller, { cartId: id, checkoutSessionId: id })))
    options.onOpened?.()
    const untilMillis = (yield* Clock.currentTimeMillis) + options.millis
    const load: Run = { ...options, caller, ids, recorder, untilMillis }
    const callers = Array.from({ length: options.callers }, (_, index) => live(load, index + 1))
    yield* Effect.all(callers, { concurrency: "unbounded", discard: true })
    for (const door of doors) yield* Effect.forEach(ids, (id) => lastLook(load, door, id))
    return outcomeOf(recorder.history(), options)
  })

const live = (load: Run, process: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    const seen = new Map<string, Seen>()
    for (let call = 0; !load.isOver?.() && (yield* Clock.currentTimeMillis) < load.untilMillis; call++) {
      const id = (yield* chance(0.5)) ? load.ids[0]! : yield* pick(load.ids)
      if (yield* chance(0.25))
        yield* once(load, process, id, seen, (door, caller) => door.get(caller, { checkoutSessionId: id }))
      else yield* update(load, process, id, seen, `${process}-${call}`)
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
    // Unknown answers are asked again under their key, perhaps at another door.
    for (let tries = 0; tries < 3; tries++) {
      if (!(yield* once(load, process, checkoutSessionId, seen, ask))) return
    }
  })

/** Members of the data that callers write for themselves; beyond that they share them. */
const ownMembers = 8

const patchOf = (process: number, key: string) =>
  Effect.map(chance(0.2), (removes) => ({ [`by ${process % ownMembers}`]: key, last: removes ? null : key }))

/** One call, of which one in twenty hangs up. True when its answer is unknown. */
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
    // Nobody was there to answer: a caller who asks at once again would only count the milliseconds of an outage.
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

/** The history with the first answer under each key as a fresh one, where nobody has another. */
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
