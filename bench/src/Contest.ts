/**
 * Contest: several subjects, rounds in turn. Whoever is first in one round is last in the next, so that nobody always
 * runs on a warm or a tired machine. Ends with the verdict on what each of them did; one bad history fails the contest.
 */
import type { Runner } from "./Runner.js"
import type { Sample } from "./Sample.js"

/** One subject of a contest. */
export interface Entrant {
  readonly name: string
  readonly start: () => Promise<Runner>
}

/** How it went. */
export interface Outcome {
  readonly name: string
  readonly samples: ReadonlyArray<Sample>
  /** Calls whose accepted ones were counted, and calls judged as a history; both found sound. */
  readonly counted: number
  readonly judged: number
}

/** A subject broke the promise it is measured for. */
export class BadHistory extends Error {
  override readonly name = "BadHistory"
}

/** How a contest is run. */
export interface Rules {
  /** Rounds that count; four more go before, to warm up, but never more than count. */
  readonly rounds: number
  readonly warmUps?: number
  readonly say?: (line: string) => void
}

/** Runs it. All subjects stay alive from the first round to the last. */
export const hold = async (entrants: ReadonlyArray<Entrant>, rules: Rules): Promise<ReadonlyMap<string, Outcome>> => {
  const { rounds, say = () => {} } = rules
  // A quick look warms up for no longer than it measures.
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
