/**
 * Scenarios: the races of a run: the situations in which two callers use one session at once. Each starts with a
 * session of its own.
 */
import { setTimeout as sleep } from "node:timers/promises"
import type { Adapter, Answer } from "./Adapter.js"
import { wayOf } from "./Adapter.js"
import type { Racer, Round } from "./Round.js"

/** One way to race a session. */
export interface Scenario {
  readonly name: string
  /** Why a checkout does not support this scenario; null if it does. */
  readonly lacks: (adapter: Adapter) => string | null
  readonly run: (round: Round) => Promise<void>
}

/** Steps that a scenario races on its path through the states. */
const stepsMaxCount = 3
/** Reads of one reader. */
const readsMaxCount = 12
/** Reads of a session whose work still runs, and the pause between two of them, milliseconds. */
const looksMaxCount = 40
const lookMillis = 25

const none = (): null => null
const withKeys = ({ keys }: Adapter): string | null => (keys === "none" ? "it has no idempotency keys" : null)
const completing = ({ initial, transitions }: Adapter): string | null =>
  (wayOf(transitions, initial) ?? []).length > 1 ? null : "no state completes its sessions"
const cancelling = (adapter: Adapter): string | null =>
  adapter.cancel === undefined ? "it has no cancel" : completing(adapter)

const seenIn = (answer: Answer) => (answer.outcome === "unknown" ? undefined : answer.seen)

/** The state of a session once no work of it runs; undefined if it is closed or unknown. */
const rest = async (reader: Racer): Promise<string | undefined> => {
  for (let looks = 0; looks < looksMaxCount; looks++) {
    const seen = seenIn(await reader.read())
    if (seen?.archived === true) return undefined
    if (seen === undefined || seen.next == null) return seen?.state
    await sleep(lookMillis)
  }
  return undefined
}

/** Follows the main path up to the state before the last. */
const walk = async (round: Round, walker: Racer): Promise<void> => {
  const { edits, initial, transitions } = round.adapter
  const way = wayOf(transitions, initial) ?? []
  let state: string | undefined = initial
  for (let steps = 0; edits === undefined && steps < way.length; steps++) {
    const step: ReturnType<Round["step"]> = state === undefined || state === way.at(-2) ? null : round.step(state, 0)
    if (step === null) return
    const moved = await walker.update(step, round.key())
    const seen = seenIn(moved)
    state =
      moved.outcome === "accepted" && seen?.state !== undefined && seen.next == null ? seen.state : await rest(walker)
  }
}

/**
 * Both tabs show the same page, and both continue. Both repeat their request, as a proxy does: at once, and again at
 * the end.
 */
const twoTabs: Scenario = {
  name: "two tabs",
  lacks: none,
  run: async (round) => {
    const [ann, bob] = [round.racer(), round.racer()]
    let state: string | undefined = round.adapter.initial
    const sent: Array<() => Promise<Answer>> = []
    for (let steps = 0; steps < stepsMaxCount && state !== undefined; steps++) {
      const [hers, his] = [round.step(state, 0), round.step(state, 1)]
      if (hers === null || his === null) break
      const [first, second] = [round.key(), round.key()]
      await round.race([() => ann.read(), () => bob.read()])
      await round.race([() => ann.update(hers, first), () => bob.update(his, second)])
      await round.race([() => ann.read(), () => bob.read()])
      await round.race([() => ann.update(hers, first), () => bob.update(his, second)])
      if (first !== undefined)
        sent.push(
          () => ann.update(hers, first),
          () => bob.update(his, second)
        )
      state = await rest(ann)
    }
    for (const again of sent) await again()
  }
}

/** One button, pressed three times, and a fourth time after a slow page. */
const doubleClick: Scenario = {
  name: "double click",
  lacks: none,
  run: async (round) => {
    const clicks = [round.racer(), round.racer(), round.racer()]
    const key = (): string | undefined => (round.adapter.keys === "required" ? round.key() : undefined)
    let state: string | undefined = round.adapter.initial
    for (let steps = 0; steps < stepsMaxCount && state !== undefined; steps++) {
      const step = round.step(state, 0)
      if (step === null) return
      await round.race(clicks.map((click) => () => click.update(step, key())))
      await clicks[0]!.update(step, key())
      state = await rest(clicks[1]!)
    }
  }
}

/**
 * The provider's webhook and the buyer's redirect report the same result at the same time; then the webhook is
 * repeated.
 */
const webhookBesideRedirect: Scenario = {
  name: "webhook beside redirect",
  lacks: completing,
  run: async (round) => {
    const [buyer, provider] = [round.racer(), round.racer()]
    await walk(round, buyer)
    const [first, second] = [round.key(), round.key()]
    await round.race([() => buyer.complete("redirect", first), () => provider.complete("webhook", second)])
    await round.race([() => buyer.read(), () => provider.complete("webhook", second)])
    await provider.complete("webhook", round.key())
    await rest(buyer)
  }
}

/** The buyer pays in one tab and gives up in the other. */
const completeBesideCancel: Scenario = {
  name: "complete beside cancel",
  lacks: cancelling,
  run: async (round) => {
    const [buyer, other] = [round.racer(), round.racer()]
    await walk(round, buyer)
    const begun = performance.now()
    await other.read()
    // Sometimes the cancel starts earlier, by about the duration of a call.
    const ahead = round.random.integer(3) === 0 ? round.random.integer(Math.ceil(performance.now() - begun) + 1) : 0
    const complete = async () => {
      if (ahead > 0) await sleep(ahead)
      await buyer.complete("redirect", round.key())
    }
    const pair = [complete, () => other.cancel(round.key())]
    await round.race(round.random.integer(3) === 0 ? pair.reverse() : pair)
    await round.race([() => buyer.read(), () => other.read()])
    await round.race([() => other.cancel(round.key()), () => buyer.complete("redirect", round.key())])
    await rest(buyer)
  }
}

/** A client that lost the answer retries the request while the first one is still running, and again much later. */
const sameKeyInFlight: Scenario = {
  name: "same key in flight",
  lacks: withKeys,
  run: async (round) => {
    const [client, proxy, retry, other] = [round.racer(), round.racer(), round.racer(), round.racer()]
    const state = round.adapter.initial
    const [mine, theirs] = [round.step(state, 0), round.step(state, 1)]
    if (mine === null || theirs === null) return
    const key = round.key()
    const same = [client, proxy, retry].map((each) => () => each.update(mine, key))
    await round.race([...same, () => other.update(theirs, round.key())])
    await client.update(mine, key)
    const after = await rest(other)
    const next = after === undefined ? null : round.step(after, 0)
    if (next !== null) await other.update(next, round.key())
    await round.race([() => client.update(mine, key), () => other.read()])
    await rest(other)
  }
}

/** The same request, each time with a new key: at once, and after the first was accepted. */
const freshKeys: Scenario = {
  name: "same request under a fresh key",
  lacks: withKeys,
  run: async (round) => {
    const callers = [round.racer(), round.racer(), round.racer()]
    let state: string | undefined = round.adapter.initial
    for (let steps = 0; steps < stepsMaxCount && state !== undefined; steps++) {
      const step = round.step(state, 0)
      if (step === null) return
      await round.race(callers.map((each) => () => each.update(step, round.key())))
      await callers[0]!.update(step, round.key())
      state = await rest(callers[1]!)
    }
  }
}

/** Two callers compete through all states while three readers watch. */
const readersBetween: Scenario = {
  name: "readers in between",
  lacks: none,
  run: async (round) => {
    let writing = 2
    const write = (way: number) => async () => {
      const writer = round.racer()
      try {
        for (let steps = 0; steps <= stepsMaxCount; steps++) {
          const state = await rest(writer)
          const step = state === undefined ? null : round.step(state, way)
          if (step === null) return
          await writer.update(step, round.key())
        }
      } finally {
        writing--
      }
    }
    const read = async () => {
      const reader = round.racer()
      for (let reads = 0; writing > 0 && reads < readsMaxCount; reads++) await reader.read()
    }
    await round.race([write(0), write(1), read, read, read])
  }
}

/** Every scenario, in the order of a round. */
export const all: ReadonlyArray<Scenario> = [
  twoTabs,
  doubleClick,
  webhookBesideRedirect,
  completeBesideCancel,
  sameKeyInFlight,
  freshKeys,
  readersBetween
]

/** Reads the session until nothing can be in flight any more: a refused change must not appear later. */
export const finish = async (round: Round, settleMillis: number): Promise<void> => {
  const last = round.racer()
  await last.read()
  await sleep(settleMillis)
  await last.read()
}
