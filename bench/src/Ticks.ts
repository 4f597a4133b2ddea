/**
 * Ticks: whether timers still fire while 64 callers saturate an engine in memory for four seconds. It counts a timer
 * that should tick 400 times in this time. The task of P9's second half.
 */
import { setInterval as every } from "node:timers/promises"
import { Caller, CheckoutSessions } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import { Onelane } from "@onelane/sdk"
import { Effect, ManagedRuntime } from "effect"
import { states } from "./Load.js"
import { type Runner, timed } from "./Runner.js"
import { engineOver, openThrough } from "./subjects/Onelane.js"

/** What `start` is given. `valve: false` shows the effect of the valve. */
export interface Options {
  readonly door: "Effect" | "Promise"
  readonly valve: boolean
}

const pauseMillis = 10
const lastingMillis = 4_000
const callers = 64
const [expCurrentState, nextState] = states

/** Saturates until `until`, then resolves. */
type Saturate = (until: number) => Promise<void>

const throughEffects = async (valve: boolean): Promise<Saturate> => {
  const engine = valve ? {} : { engine: { valveMillis: Number.POSITIVE_INFINITY } }
  const runtime = ManagedRuntime.make(engineOver(JournalMemory.layer, undefined, engine))
  const sessions = await runtime.runPromise(CheckoutSessions.CheckoutSessions)
  const [checkoutSessionId] = await runtime.runPromise(openThrough(sessions, 1))
  const input = { checkoutSessionId: checkoutSessionId!, expCurrentState, nextState }
  const caller = (until: number) =>
    Effect.gen(function* () {
      while (performance.now() < until) yield* Effect.exit(sessions.update(Caller.host, input))
    })
  return (until) =>
    runtime.runPromise(
      Effect.all(
        Array.from({ length: callers }, () => caller(until)),
        { concurrency: "unbounded", discard: true }
      )
    )
}

const throughPromises = async (): Promise<Saturate> => {
  const checkout = await Onelane.open({ storage: ":memory:", flow: "any" })
  const { session } = await checkout.openOrThrow({ cartId: "cart" })
  const input = { checkoutSessionId: session.id, expCurrentState, nextState }
  const caller = async (until: number): Promise<void> => {
    while (performance.now() < until) await checkout.update(input)
  }
  return async (until) => {
    await Promise.all(Array.from({ length: callers }, () => caller(until)))
  }
}

const countTicks = async (signal: AbortSignal, onTick: () => void): Promise<void> => {
  try {
    for await (const _ of every(pauseMillis, undefined, { signal })) onTick()
  } catch {
    // The end of the round.
  }
}

/** A round is four seconds. */
export const start = async ({ door, valve }: Options): Promise<Runner> => {
  const saturate = door === "Effect" ? await throughEffects(valve) : await throughPromises()
  const round = async () => {
    let ticks = 0
    const ending = new AbortController()
    const counting = countTicks(ending.signal, () => {
      ticks += 1
    })
    const time = await timed(() => saturate(performance.now() + lastingMillis))
    const more = { ticks }
    ending.abort()
    await counting
    return { operations: 1, accepted: 0, refused: 0, ...time, more }
  }
  return { round, finish: async () => ({ counted: 0, judged: 0, fault: null }) }
}
