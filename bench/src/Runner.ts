/**
 * Runner: one subject, set up, that runs timed rounds and then gives a verdict on everything it did.
 *
 * A round is timed from the first call to the last answer, by wall clock and by CPU time of the process. CPU time is
 * the more stable figure on a shared machine.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks"
import { Effect } from "effect"
import * as Load from "./Load.js"
import { type Check, Log, type Standing } from "./Log.js"
import { percentile, type Sample } from "./Sample.js"

/** A running subject. */
export interface Runner {
  readonly round: () => Promise<Sample>
  /** Ends the subject and checks its history. */
  readonly finish: () => Promise<Check>
}

/** A subject: makes `count` sessions in the first state and returns their ids. */
export interface Subject {
  readonly open: (count: number) => Promise<ReadonlyArray<string>>
  readonly run: (desk: Load.Desk) => Promise<void>
  readonly close: () => Promise<void>
  /** False for a floor that answers without deciding: it has no history to check. */
  readonly judged?: boolean
}

/** Times `work`. */
export const timed = async (work: () => Promise<void>): Promise<Pick<Sample, "cpuNanos" | "wallNanos">> => {
  const cpu = process.cpuUsage()
  const started = process.hrtime.bigint()
  await work()
  const wallNanos = Number(process.hrtime.bigint() - started)
  const { user, system } = process.cpuUsage(cpu)
  return { cpuNanos: (user + system) * 1_000, wallNanos }
}

/**
 * Runs a load on a subject and records every call of every round. After the last round it counts the accepted calls
 * of every round against the versions they made, and checks the last round as a history.
 */
export const make = async (subject: Subject, load: Load.Load): Promise<Runner> => {
  const ids = await subject.open(load.sessions)
  const desk = Load.makeDesk(load, ids)
  const logs: Array<Log> = []
  return {
    round: async () => {
      desk.log = new Log(load.calls)
      desk.accepted = 0
      desk.refused = 0
      desk.latencies = load.timed === true ? new Float64Array(load.calls) : null
      const watch = load.timed === true ? monitorEventLoopDelay({ resolution: 1 }) : null
      watch?.enable()
      const time = await timed(() => subject.run(desk))
      watch?.disable()
      if (subject.judged !== false) logs.push(desk.log)
      const more = desk.latencies === null ? {} : { more: { ...percentiles(desk.latencies), ...delays(watch!) } }
      return { operations: load.calls, accepted: desk.accepted, refused: desk.refused, ...time, ...more }
    },
    finish: async () => {
      await subject.close()
      let standing: ReadonlyArray<Standing> = ids.map(() => ({ version: 1, state: Load.firstState }))
      for (const [round, log] of logs.entries()) {
        const isLast = round === logs.length - 1
        const fault = log.tally(ids, standing) ?? (isLast ? log.judge(ids, standing) : null)
        if (fault !== null) return { counted: 0, judged: 0, fault }
        standing = log.standing(standing)
      }
      return { counted: logs.length * load.calls, judged: logs.length === 0 ? 0 : load.calls, fault: null }
    }
  }
}

/** Percentiles of the time to an answer, in milliseconds. */
const percentiles = (latencies: Float64Array): Record<string, number> => {
  const sorted = latencies.sort()
  return Object.fromEntries([50, 90, 99, 99.9].map((share) => [`p${share}`, percentile(sorted, share / 100)]))
}

const delays = (watch: IntervalHistogram): Record<string, number> => ({
  loopP50: watch.percentile(50) / 1e6,
  loopP99: watch.percentile(99) / 1e6,
  loopMax: watch.max / 1e6
})

/** A subject called through Promises. */
export const ofPromises = <A>(door: Load.PromiseDoor<A>, rest: Omit<Subject, "run">): Subject => ({
  ...rest,
  run: (desk) => Load.runPromises(desk, door)
})

/** A subject called through effects. */
export const ofEffects = <A, E>(door: Load.EffectDoor<A, E>, rest: Omit<Subject, "run">): Subject => ({
  ...rest,
  run: (desk) => Effect.runPromise(Load.runEffects(desk, door))
})
