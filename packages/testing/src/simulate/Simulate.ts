/**
 * Simulate: a user's checkout under hundreds of seeds: races, lost answers, crashes, late providers, revoked rights. A
 * failing seed runs twice, is shrunk, and is reported as a call that reproduces it, with its timeline.
 *
 * Owns the loop over seeds and the report. Does not own one run (Run).
 */
import { Caller, type Flow } from "@onelane/checkout"
import type { FlowOf } from "@onelane/sdk"
import * as Seeded from "../machine/Seeded.js"
import { smallest } from "../machine/Shrinking.js"
import type { AppUnderTest } from "../World.js"
import { type Choices, draw, type Faults, faultOf, smaller } from "./Choices.js"
import type { Course, Invariant, Plan } from "./Plan.js"
import { type Outcome, run } from "./Run.js"
import * as Trace from "./Trace.js"

/** Options of a simulation. */
export interface SimulateOptions<X extends Flow.PresetName | Flow.Flow = Flow.PresetName | Flow.Flow> {
  /** An app, or better a function that creates it from the fakes for each process that starts. */
  readonly app: AppUnderTest<X>
  /** The number of seeds, from 1 on, or a list of seeds. Default 100. */
  readonly seeds?: number | ReadonlyArray<number> | undefined
  /** Allowed faults; false turns one off. Default: all. */
  readonly faults?: Faults | undefined
  /** Conditions that must hold after the last fault, each named by a sentence. */
  readonly invariants?: Readonly<Record<string, Invariant>> | undefined
  /** Callers that race. Default 3. */
  readonly callers?: number | undefined
  /** The user of these callers. Default: a buyer, `buyer`. */
  readonly as?: Caller.Caller | undefined
  /** Choices from the report of a failing seed; they replace those that the seed draws. */
  readonly choices?: Partial<Choices> | undefined
  /** Limit of one run, milliseconds of virtual time. Default: a week. */
  readonly limitMillis?: number | undefined
}

/** The result of a simulation in which everything held. */
export interface Simulation {
  readonly seeds: number
  /** Tries of calls that were recorded and checked. */
  readonly calls: number
  /** Numbers of accepted and refused tries, and of those with an unknown outcome. */
  readonly accepted: number
  readonly refused: number
  readonly unknown: number
}

/** A simulation that found a problem. `message` is the report. */
export class SimulationFailed extends Error {
  override readonly name = "SimulationFailed"
  constructor(
    message: string,
    /** The failing seed and its choices, after shrinking. */
    readonly seed: number,
    readonly choices: Choices,
    readonly problems: ReadonlyArray<string>,
    /** The timeline of that run. */
    readonly timeLine: ReadonlyArray<string>,
    /** Seeds until it failed, this one included. */
    readonly tried: number
  ) {
    super(message)
  }
}

const weekMillis = 604_800_000
const limits = { triesPerChange: 2, mostRuns: 60 }
const mostCallers = 64

/** Simulations run one after another, because they replace the globals of the program. */
let before: Promise<unknown> = Promise.resolve()

/**
 * Runs a course against an app, seed after seed, and checks each run. Meanwhile, time, timers and randomness of this
 * program are simulated.
 *
 * **Errors**: rejects with `SimulationFailed` if a check fails, and with a `TypeError` for an invalid option.
 */
export const simulate = <X extends Flow.PresetName | Flow.Flow = "b2b">(
  options: SimulateOptions<X>,
  course: Course<FlowOf<X>>
): Promise<Simulation> => {
  const mine = before.then(() => simulateNow(options as SimulateOptions, course))
  before = mine.catch(() => {})
  return mine
}

const simulateNow = async (options: SimulateOptions, course: Course<any>): Promise<Simulation> => {
  const { faults = {}, seeds = 100 } = options
  const plan = planOf(options, course)
  const all = typeof seeds === "number" ? Array.from({ length: seeds }, (_, index) => index + 1) : seeds
  const counts = { accepted: 0, refused: 0, unknown: 0 }
  for (const [index, seed] of all.entries()) {
    const choices = { ...draw(Seeded.make(seed), faults), ...options.choices }
    const outcome = await run(plan, seed, choices)
    for (const { action, outcome: answer } of outcome.history)
      if (action !== "read") counts[answer === "ok" ? "accepted" : answer === "fail" ? "refused" : "unknown"] += 1
    if (outcome.problems.length > 0 || outcome.escaped) throw await failureOf(plan, options, outcome, index + 1)
  }
  return { seeds: all.length, calls: counts.accepted + counts.refused + counts.unknown, ...counts }
}

const planOf = (options: SimulateOptions, course: Course<any>): Plan => {
  const { app, as = Caller.make("buyer", ["buyer-checkout"]), callers = 3, choices = {}, seeds = 100 } = options
  const fault =
    app === undefined || app === null
      ? "app must be an app, or a function that makes one"
      : typeof course !== "function"
        ? "the course must be a function"
        : !Number.isInteger(callers) || callers < 1 || callers > mostCallers
          ? `callers must be a whole number from 1 to ${mostCallers}`
          : !isSeeds(seeds)
            ? "seeds must be a whole number from 1, or a list of whole numbers"
            : faultOf(choices)
  if (fault !== null) throw new TypeError(`simulate: ${fault}`)
  return {
    app,
    as,
    callers,
    course,
    invariants: options.invariants ?? {},
    limitMillis: options.limitMillis ?? weekMillis
  }
}

const isSeeds = (seeds: unknown): boolean =>
  Array.isArray(seeds)
    ? seeds.length > 0 && seeds.every((seed) => Number.isInteger(seed))
    : Number.isInteger(seeds) && (seeds as number) > 0

/** Runs a failing seed again, shrinks it, and creates the report. */
const failureOf = async (
  plan: Plan,
  options: SimulateOptions,
  outcome: Outcome,
  tried: number
): Promise<SimulationFailed> => {
  const again = await run(plan, outcome.seed, outcome.scenario)
  const escaped = Trace.difference(outcome.lines, again.lines)
  if (escaped !== null || outcome.escaped) return notReproducible(options, outcome, escaped, tried)
  const small = await shrunk(plan, outcome)
  const { lines, problems, scenario, seed } = small
  const message = [
    `seed ${outcome.seed} fails${tried > 1 ? `, after ${tried - 1} that held` : ""}:`,
    "",
    ...problems,
    "",
    "This call repeats it:",
    "",
    `  ${callOf(options, seed, scenario)}`,
    "",
    "The time line of that run:",
    "",
    ...Trace.tail(lines, 60)
  ].join("\n")
  return new SimulationFailed(message, seed, scenario, problems, lines, tried)
}

const shrunk = async (plan: Plan, outcome: Outcome): Promise<Outcome> => {
  const asking = smallest(outcome, smaller, ({ problems }) => problems.length > 0, limits)
  let asked = asking.next(outcome)
  while (asked.done !== true) {
    const { salt, scenario } = asked.value
    asked = asking.next(await run(plan, outcome.seed + salt * 7_919, scenario))
  }
  return asked.value
}

const callOf = ({ faults, invariants, callers }: SimulateOptions, seed: number, choices: Choices): string => {
  const parts = [
    "app",
    ...(invariants === undefined ? [] : ["invariants"]),
    ...(faults === undefined ? [] : ["faults"]),
    ...(callers === undefined ? [] : [`callers: ${callers}`]),
    `seeds: [${seed}]`,
    `choices: ${JSON.stringify(choices)}`
  ]
  return `simulate({ ${parts.join(", ")} }, course)`
}

const notReproducible = (
  options: SimulateOptions,
  { lines, problems, scenario, seed }: Outcome,
  escaped: readonly [string, string] | null,
  tried: number
): SimulationFailed => {
  const why =
    escaped === null
      ? ["the run waited for something outside of the simulation: a file, a thread, a timer that was captured before"]
      : ["the same seed ran twice, and this line differs:", `  ${escaped[0]}`, `  ${escaped[1]}`]
  const message = [
    `seed ${seed} is not reproducible, this escaped:`,
    "",
    ...why,
    "",
    ...(problems.length === 0 ? [] : ["What the first run found:", "", ...problems, ""]),
    `  ${callOf(options, seed, scenario)}`,
    "",
    ...Trace.tail(lines, 40)
  ].join("\n")
  return new SimulationFailed(
    message,
    seed,
    scenario,
    [`not reproducible: ${why.join(" ")}`, ...problems],
    lines,
    tried
  )
}
