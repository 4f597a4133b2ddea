/**
 * Runner: one subject, set up, that can be asked for timed rounds and then for the verdict on everything it did.
 *
 * A round is timed from the first call to the last answer, by wall clock and by CPU time of the process: CPU time is the
 * steady figure on a machine that others use too.
 */
import { Effect } from "effect"
import * as Load from "./Load.js"
import { type Check, judge, Log } from "./Log.js"
import type { Sample } from "./Sample.js"

/** A subject at work. */
export interface Runner {
  readonly round: () => Promise<Sample>
  /** Ends the subject and judges what it did. */
  readonly finish: () => Promise<Check>
}

/** A subject: makes `count` sessions in the first state and gives their ids. */
export interface Subject {
  readonly open: (count: number) => Promise<ReadonlyArray<string>>
  readonly run: (desk: Load.Desk) => Promise<void>
  readonly close: () => Promise<void>
  /** False for a floor that answers without deciding: there is nothing to judge. */
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

/** Puts a subject to work on a load. Every call of every round is recorded, and judged in the end. */
export const make = async (subject: Subject, load: Load.Load): Promise<Runner> => {
  const ids = await subject.open(load.sessions)
  const log = new Log()
  const desk = Load.makeDesk(load, ids, log)
  return {
    round: async () => {
      const before = { accepted: desk.accepted, refused: desk.refused }
      const time = await timed(() => subject.run(desk))
      const accepted = desk.accepted - before.accepted
      const refused = desk.refused - before.refused
      return { operations: load.calls, accepted, refused, ...time }
    },
    finish: async () => {
      await subject.close()
      if (subject.judged === false) return { operations: log.length, sessions: 0, fault: null }
      return judge(log, ids, Load.firstState)
    }
  }
}

/** A subject behind a door of Promises. */
export const ofPromises = <A>(door: Load.PromiseDoor<A>, rest: Omit<Subject, "run">): Subject => ({
  ...rest,
  run: (desk) => Load.runPromises(desk, door)
})

/** A subject behind a door of effects. */
export const ofEffects = <A, E>(door: Load.EffectDoor<A, E>, rest: Omit<Subject, "run">): Subject => ({
  ...rest,
  run: (desk) => Effect.runPromise(Load.runEffects(desk, door))
})
