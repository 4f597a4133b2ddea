/**
 * Memory: the memory of a live, idle session. Reads the heap after a full garbage collection, before and after the
 * sessions are made. The task of P4; the process needs `--expose-gc`.
 */
import { Caller, CheckoutEngine, CheckoutSessions } from "@onelane/checkout"
import { Effect, ManagedRuntime } from "effect"
import type { Runner } from "./Runner.js"
import type { Sample } from "./Sample.js"
import * as Stored from "./Stored.js"
import { subjects } from "./subjects/index.js"
import { engineOver } from "./subjects/Onelane.js"

/** What `start` is given. */
export interface Options {
  /** `states`, `onelane`, `onelane, passivated`, or a peer of the suite. */
  readonly subject: string
  readonly sessions: number
}

const heapBytes = (): number => {
  for (let pass = 0; pass < 3; pass++) globalThis.gc!()
  return process.memoryUsage().heapUsed
}

/** Makes sessions; its result stays alive while the heap is read. */
type Fill = (sessions: number) => Promise<unknown>

const states: Fill = async (sessions) => {
  const kept = new Map<string, unknown>()
  for (let index = 0; index < sessions; index++)
    kept.set(Stored.idOf(index), JSON.parse(JSON.stringify(Stored.stateOf(index))))
  return kept
}

const wakeAll = async (sessions: number, engine: Parameters<typeof engineOver>[2]) => {
  const runtime = ManagedRuntime.make(engineOver(Stored.discarding, undefined, engine))
  const service = await runtime.runPromise(CheckoutSessions.CheckoutSessions)
  const wake = Effect.gen(function* () {
    for (let index = 0; index < sessions; index++)
      yield* service.get(Caller.host, { checkoutSessionId: Stored.idOf(index) })
  })
  await runtime.runPromise(wake)
  const { metrics } = await runtime.runPromise(CheckoutEngine.CheckoutEngine)
  return { runtime, metrics }
}

const awake: Fill = async (sessions) => {
  const { metrics, runtime } = await wakeAll(sessions, { engine: { idleMillis: 3_600_000, liveCapacity: sessions } })
  if (metrics.sessions.live !== sessions) throw new Error(`${metrics.sessions.live} sessions are awake`)
  return runtime
}

const passivated: Fill = async (sessions) => {
  const { metrics, runtime } = await wakeAll(sessions, { engine: { idleMillis: 50, sweepMillis: 50 } })
  await runtime.runPromise(
    Effect.repeat(
      Effect.delay(
        Effect.sync(() => metrics.sessions.live),
        100
      ),
      { until: (live) => live === 0 }
    )
  )
  return runtime
}

const peer =
  (name: string): Fill =>
  async (count) => {
    const subject = await subjects[name]!()
    await subject.open(count)
    return subject
  }

const fills: Readonly<Record<string, Fill>> = { states, onelane: awake, "onelane, passivated": passivated }

/** Reads the heap round by round; every round adds the sessions of a new instance and releases the previous one. */
export const start = async ({ subject, sessions }: Options): Promise<Runner> => {
  const fill = fills[subject] ?? peer(subject)
  await fill(1)
  const round = async (): Promise<Sample> => {
    const before = heapBytes()
    const kept = await fill(sessions)
    const bytes = (heapBytes() - before) / sessions
    const total = process.memoryUsage().rss
    if (kept instanceof Object && "dispose" in kept) await (kept as { dispose: () => Promise<void> }).dispose()
    return { operations: sessions, accepted: 0, refused: 0, cpuNanos: 0, wallNanos: 0, more: { bytes, total } }
  }
  return { round, finish: async () => ({ counted: 0, judged: 0, fault: null }) }
}
