/**
 * Run: one run of one seed: the user's course against the user's app, with the faults that the seed drew, on its own
 * scheduler and clock, and then the checks. The same seed and choices give the same run, as long as nothing escapes.
 *
 * Owns the sequence of a run and what counts as a problem. Does not own the choices (Choices) or the check of the
 * history (`@onelane/history`).
 */
import { Caller, type Flow } from "@onelane/checkout"
import { type History, Recorder } from "@onelane/history"
import { App } from "@onelane/sdk/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type { Behaviour } from "../fakes/Fake.js"
import * as Globals from "../machine/Globals.js"
import * as Seeded from "../machine/Seeded.js"
import * as SeededScheduler from "../machine/SeededScheduler.js"
import * as VirtualClock from "../machine/VirtualClock.js"
import { appOf, longestDeadlineMillis, make as makeWorld, type World } from "../World.js"
import { sentenceOf } from "./AppInProcess.js"
import * as Callers from "./Callers.js"
import type { Choices } from "./Choices.js"
import { drive } from "./Drive.js"
import * as Judgement from "./Judgement.js"
import * as Machine from "./Machine.js"
import * as Network from "./Network.js"
import type { Plan } from "./Plan.js"
import * as Trace from "./Trace.js"

/** The result of one run. `problems` is empty if everything held. */
export interface Outcome {
  readonly seed: number
  readonly scenario: Choices
  readonly problems: ReadonlyArray<string>
  /** The timeline. */
  readonly lines: ReadonlyArray<string>
  readonly history: History.History
  /** The run waited for something outside the simulation. */
  readonly escaped: boolean
}

/** The first instant of every run. */
const startMillis = Date.UTC(2026, 0, 1)

/** Whether faults are on, and the problems so far. */
interface Course {
  isFaulty: boolean
  readonly problems: Array<string>
}

/** Runs a seed with these choices. */
export const run = async (plan: Plan, seed: number, choices: Choices): Promise<Outcome> => {
  const seeded = Seeded.make(seed)
  const clock = VirtualClock.make(startMillis)
  const scheduler = SeededScheduler.make(seeded.split(), choices.yields ?? Number.POSITIVE_INFINITY)
  const course: Course = { isFaulty: false, problems: [] }
  const atLine = new Map<number, () => void>()
  const trace = Trace.make(
    () => clock.monotonicMillis() - startMillis,
    (line) => course.isFaulty && atLine.get(line)?.()
  )
  const onRefused = (what: string): void => {
    trace.note(`${what} is refused`)
    if (!course.problems.includes(Globals.refusal(what))) course.problems.push(Globals.refusal(what))
  }
  const onUnhandled = (thrown: unknown): void =>
    void course.problems.push(`a rejection was handled by nobody, which ends a process: ${sentenceOf(thrown)}`)
  const restore = Globals.install(clock, seeded.split(), onRefused)
  process.on("unhandledRejection", onUnhandled)
  const parts: Parts = { plan, choices, seeded: seeded.split(), clock, scheduler, trace, course, atLine }
  let history: History.History = []
  let escaped = false
  try {
    let isOver = false
    const whole = prepare(parts)
      .then(async (prepared) => {
        history = await perform(parts, prepared)
      })
      .catch((thrown) => void course.problems.push(`the run broke: ${sentenceOf(thrown)}`))
      .finally(() => {
        isOver = true
      })
    const driven = await drive(scheduler, clock, () => isOver, trace.count, plan.limitMillis)
    escaped = driven.escaped
    if (driven.hung !== null) course.problems.push(driven.hung)
    else await whole
  } finally {
    process.off("unhandledRejection", onUnhandled)
    restore()
  }
  return { seed, scenario: choices, problems: course.problems, lines: trace.lines(), history, escaped }
}

interface Parts {
  readonly plan: Plan
  readonly choices: Choices
  readonly seeded: Seeded.Seeded
  readonly clock: VirtualClock.VirtualClock
  readonly scheduler: SeededScheduler.SeededScheduler
  readonly trace: Trace.Trace
  readonly course: Course
  /** Actions to run after a line of the timeline, by line number. */
  readonly atLine: Map<number, () => void>
}

interface Prepared {
  readonly world: World
  readonly machine: Machine.Machine
  readonly flow: Flow.Flow
  readonly layer: Layer.Layer<never>
  readonly recorder: Recorder.Recorder
  readonly taken: Callers.Taken
  readonly caller: Callers.MakeCaller
}

const prepare = async ({ choices, clock, course, plan, scheduler, seeded, trace }: Parts): Promise<Prepared> => {
  let lateMillis = 0
  const world = worldOf(clock, course, choices, seeded.split(), trace, () => lateMillis)
  const flow = App.flowOf(appOf(plan.app, world))
  lateMillis = longestDeadlineMillis(flow, 60_000)
  const layer = Layer.mergeAll(
    Layer.setClock(clock),
    Layer.setScheduler(scheduler),
    Layer.setRandom(Random.make(seeded.below(0x7fffffff)))
  )
  const { note } = trace
  const machine = Machine.make({ app: plan.app, world, choices, layer, scheduler, seeded: seeded.split(), note })
  machine.storeFaults.enabled = false
  await machine.start()
  const network = Network.make({
    served: machine.served,
    seeded: seeded.split(),
    latencyMillis: choices.latencyMillis,
    lost: () => (course.isFaulty ? choices.lostAnswers : 0)
  })
  let instants = 0
  const instant = (): number => instants++
  const taken: Callers.Taken = { users: new Map(), carts: new Map(), instant }
  const recorder = Recorder.make(instant)
  const onProblem = (problem: string): void => void course.problems.push(problem)
  const caller = await Callers.make({ network, recorder, layer, taken, note, onProblem })
  return { world, machine, flow, layer, recorder, taken, caller }
}

const worldOf = (
  clock: VirtualClock.VirtualClock,
  course: Course,
  { latencyMillis, provider }: Choices,
  seeded: Seeded.Seeded,
  { note }: Trace.Trace,
  lateMillis: () => number
): World => {
  const faults = Object.entries(provider) as ReadonlyArray<readonly [Behaviour, number]>
  const choose = (): Behaviour =>
    (course.isFaulty ? faults.find(([, rate]) => seeded.chance(rate))?.[0] : undefined) ?? "ok"
  const delays = (behaviour: Behaviour): readonly [number, number] => {
    const [before, after] = [seeded.between(0, latencyMillis), seeded.between(0, latencyMillis)]
    if (behaviour === "slow") return [before * 10, after * 10]
    return behaviour === "late" ? [before, lateMillis() + after] : [before, after]
  }
  return makeWorld(clock, { choose, delays, note })
}

const perform = async (parts: Parts, prepared: Prepared): Promise<History.History> => {
  const { course, plan, trace } = parts
  const { caller, layer, machine, recorder, world } = prepared
  planFaults(parts, prepared)
  const callers = Array.from({ length: plan.callers }, (_, index) => caller(`caller ${index + 1}`, index + 1, plan.as))
  const host = caller("host", 0, Caller.host)
  setFaulty(course, machine, true)
  try {
    const done = plan.course({ callers, host, ...world })
    const isEffect = Effect.isEffect(done)
    await (isEffect ? Effect.runPromise(Effect.provide(done as Effect.Effect<unknown, unknown>, layer)) : done)
  } catch (thrown) {
    course.problems.push(`the course threw: ${sentenceOf(thrown)}`)
  }
  setFaulty(course, machine, false)
  trace.note("no more faults")
  const { disk } = machine
  await Judgement.settled(disk, world.clock)
  // After one more crash, acknowledged changes must still be there, and claims must be resumed.
  await machine.crash()
  await Judgement.settled(disk, world.clock)
  const history = recorder.history()
  course.problems.push(
    ...(await Judgement.problemsOf({ disk, flow: prepared.flow, history, plan, provider: world.provider }))
  )
  await machine.stop()
  return history
}

const setFaulty = (course: Course, machine: Machine.Machine, isFaulty: boolean): void => {
  course.isFaulty = isFaulty
  machine.storeFaults.enabled = isFaulty
}

/** Plans the crashes, revocations and closed carts after the drawn lines. */
const planFaults = (
  { atLine, choices, course, plan, scheduler, seeded, trace }: Parts,
  { machine, taken, world: { provider } }: Prepared
): void => {
  const sources = seeded.split()
  const takeAway = (): void => {
    if (provider.rights.wasAsked()) {
      provider.rights.revoke(plan.as.userId)
      taken.users.set(plan.as.userId, taken.instant())
      return trace.note(`the right of ${plan.as.userId} is revoked`)
    }
    const cartIds = provider.carts.askedFor()
    if (cartIds.length === 0) return
    const cartId = sources.pick(cartIds)
    provider.carts.setStatus(cartId, "Closed")
    taken.carts.set(cartId, taken.instant())
    trace.note(`the cart ${cartId} is closed`)
  }
  const crash = (): void =>
    void machine.crash().catch((thrown) => void course.problems.push(`no process starts: ${sentenceOf(thrown)}`))
  // Deferred, because a line is written in the middle of other work.
  for (const line of choices.crashAt) atLine.set(line, () => scheduler.defer(crash))
  for (const line of choices.revokeAt) atLine.set(line, () => scheduler.defer(takeAway))
}
