/**
 * Contest: several subjects, in alternating rounds. The first subject of one round is the last of the next, so that no
 * subject always runs on a warm or a hot machine. The contest ends with a verdict on each subject's history; one bad
 * history fails the contest.
 */
import type { Runner } from "./Runner.js"
import type { Sample } from "./Sample.js"

/** One subject of a contest. */
export interface Entrant {
  readonly name: string
  readonly start: () => Promise<Runner>
}

/** The result of a subject. */
export interface Outcome {
  readonly name: string
  readonly samples: ReadonlyArray<Sample>
  /** Calls whose acceptances were counted, and calls checked as a history; both were correct. */
  readonly counted: number
  readonly judged: number
}

/** A subject broke the guarantee that it is measured for. */
export class BadHistory extends Error {
  override readonly name = "BadHistory"
}

/** How a contest is run. */
export interface Rules {
  /** Measured rounds. Up to four warm-up rounds precede them, but never more than the measured ones. */
  readonly rounds: number
  readonly warmUps?: number
  readonly say?: (line: string) => void
}

/** Runs a contest. All subjects stay alive from the first round to the last. */
export const hold = async (entrants: ReadonlyArray<Entrant>, rules: Rules): Promise<ReadonlyMap<string, Outcome>> => {
  const { rounds, say = () => {} } = rules
  // A quick run warms up for no longer than it measures.
  const warmUps = Math.min(rules.warmUps ?? 4, rounds)
  const field: Array<{ readonly name: string; readonly runner: Runner; readonly samples: Array<Sample> }> = []
  for (const { name, start } of entrants) {
    say(`${name}: opening`)
    field.push({ name, runner: await start(), samples: [] })
  }
  for (let round = -warmUps; round < rounds; round++) {
    const order = round % 2 === 0 ? field : [...field].reverse()
    for (const { name, runner, samples } of order) {
      say(`${round < 0 ? "warm-up" : `round ${round + 1} of ${rounds}`}: ${name}`)
      const sample = await runner.round()
      if (round >= 0) samples.push(sample)
    }
  }
  const outcomes = new Map<string, Outcome>()
  for (const { name, runner, samples } of field) {
    say(`${name}: judging its history`)
    const { fault, counted, judged } = await runner.finish()
    if (fault !== null) throw new BadHistory(`${name}: ${fault}`)
    outcomes.set(name, { name, samples, counted, judged })
  }
  return outcomes
}
