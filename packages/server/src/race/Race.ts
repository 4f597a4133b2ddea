/**
 * Race: races a checkout, session after session, and judges each by the checker of histories. A run with too few
 * overlapping calls is not judged: it did not pass.
 *
 * Owns the limits of a run and its outcome. Does not own the scenarios, the requests (RaceClient), nor how an outcome
 * is shown.
 */
import { type CheckOptions, checkHistory, type History, type Verdict } from "@onelane/history"
import type { Adapter, RaceHttp } from "./Adapter.js"
import type { Bounds, Round } from "./Round.js"
import * as Rounds from "./Round.js"
import * as Scenarios from "./Scenarios.js"

/** The limits of a run. */
export interface RaceLimits {
  /** Calls of the adapter. Default 2,000; at most 100,000. */
  readonly callsMaxCount: number
  /** Length of the run, milliseconds. Default 30,000; at most 600,000. */
  readonly millis: number
  /** Sessions for each scenario. Default 10; at most 1,000. */
  readonly rounds: number
  /** Longest wait for one call of the adapter, milliseconds. Default 10,000; at most 60,000. */
  readonly deadlineMillis: number
  /** Pause before the last read of a session, milliseconds. Default 20; at most 10,000. */
  readonly settleMillis: number
}

/** Each limit: its default and its maximum. */
export const limits: { readonly [Name in keyof RaceLimits]: { readonly fallback: number; readonly max: number } } = {
  callsMaxCount: { fallback: 2_000, max: 100_000 },
  millis: { fallback: 30_000, max: 600_000 },
  rounds: { fallback: 10, max: 1_000 },
  deadlineMillis: { fallback: 10_000, max: 60_000 },
  settleMillis: { fallback: 20, max: 10_000 }
}

/** A run. */
export interface RaceOptions extends Partial<RaceLimits> {
  readonly adapter: Adapter
  /** The transport; an adapter that sends no requests (a checkout in this process) needs none. */
  readonly http?: RaceHttp | undefined
  /** The seed of all random choices: paths and delays. Default 1. */
  readonly seed?: number | undefined
  /** A text that no earlier run against the same checkout used: carts and keys begin with it. */
  readonly run: string
}

/** The result of one scenario. */
export interface ScenarioOutcome {
  readonly name: string
  /** Why it was skipped; null if it was raced. */
  readonly skipped: string | null
  readonly rounds: number
  /** How often changing calls overlapped and one of them was accepted. */
  readonly races: number
  readonly accepted: number
  readonly refused: number
  readonly unknown: number
  readonly violation: Verdict.Violation | null
  /** Calls of the run when the violation was found. */
  readonly foundAfter: number | null
}

/** The result of a run. */
export interface RaceOutcome {
  readonly verdict: "correct" | "wrong" | "not judged"
  readonly scenarios: ReadonlyArray<ScenarioOutcome>
  readonly calls: number
  readonly millis: number
  /** Why it is not judged. */
  readonly reasons: ReadonlyArray<string>
  /** Problems during the run, and how often each occurred. */
  readonly troubles: ReadonlyMap<string, number>
  readonly history: History.History
}

type Counted = { -readonly [Name in keyof ScenarioOutcome]: ScenarioOutcome[Name] }

const troublesMaxCount = 20
const troubleMaxLength = 200
/** Consecutive sessions that cannot be created before a run gives up. */
const voidRoundsMaxCount = 5

const noHttp: RaceHttp = () => Promise.reject(new Error("this run sends no requests"))

const checkOf = ({ check, initial, transitions }: Adapter): CheckOptions => {
  const states = new Set([...Object.keys(transitions), ...Object.values(transitions).flat()])
  return {
    initial,
    finals: [...states].filter((state) => (transitions[state] ?? []).length === 0),
    taskData: false,
    ...check
  }
}

/**
 * Merges accepted answers under one key if the checkout does not say which is a replay, and they are equal. The first
 * call represents all of them.
 */
const marked = (operations: History.History): History.History => {
  const first = new Map<string, History.Operation>()
  const told = ({ observed, requestId }: History.Operation): string => JSON.stringify([observed, requestId])
  return [...operations]
    .sort((a, b) => a.invoked - b.invoked)
    .map((each) => {
      if (each.key === undefined || each.outcome !== "ok" || each.replayed !== undefined) return each
      const earlier = first.get(each.key)
      if (earlier === undefined) first.set(each.key, each)
      return { ...each, replayed: earlier !== undefined && told(earlier) === told(each) }
    })
}

const finished = (limit: RaceLimits, begun: number) => {
  let calls = 0
  return {
    calls: () => calls,
    take: (): boolean => {
      if (calls >= limit.callsMaxCount || performance.now() - begun >= limit.millis) return false
      calls++
      return true
    }
  }
}

const boundsOf = ({ adapter, http = noHttp, run }: RaceOptions, limit: RaceLimits, take: Bounds["take"]) => {
  const troubles = new Map<string, number>()
  const trouble = (sentence: string): void => {
    const short = sentence.slice(0, troubleMaxLength)
    if (troubles.has(short) || troubles.size < troublesMaxCount) troubles.set(short, (troubles.get(short) ?? 0) + 1)
  }
  const bounds: Bounds = { adapter, http, run, take, deadlineMillis: limit.deadlineMillis, trouble }
  return { bounds, troubles }
}

const count = (into: Counted, round: Round): History.History => {
  const operations = marked(round.operations())
  into.rounds++
  into.races += round.races()
  for (const { outcome } of operations)
    into[outcome === "ok" ? "accepted" : outcome === "fail" ? "refused" : "unknown"]++
  return operations
}

/**
 * Runs a scenario on a session of its own; null if none could be opened. `whole` is false if the run reached a limit.
 */
const raced = async (
  bounds: Bounds,
  scenario: Scenarios.Scenario,
  name: string,
  seed: number,
  settleMillis: number
) => {
  let round: Round | null = null
  try {
    round = await Rounds.open(bounds, name, seed)
    if (round === null) return { round, whole: true }
    await scenario.run(round)
    await Scenarios.finish(round, settleMillis)
    return { round, whole: true }
  } catch (thrown) {
    if (!(thrown instanceof Rounds.RoundOver)) throw thrown
    return { round, whole: false }
  }
}

/** Races a checkout within the limits. Rejects only for a bug of its own. */
export const run = async (options: RaceOptions): Promise<RaceOutcome> => {
  const limit = limitsOf(options)
  const begun = performance.now()
  const budget = finished(limit, begun)
  const { bounds, troubles } = boundsOf(options, limit, budget.take)
  const check = checkOf(options.adapter)
  const history: Array<History.Operation> = []
  const undecided: Array<string> = []
  const outcomes = Scenarios.all.map((scenario): Counted => {
    const nothing = { rounds: 0, races: 0, accepted: 0, refused: 0, unknown: 0, violation: null, foundAfter: null }
    return { name: scenario.name, skipped: scenario.lacks(options.adapter), ...nothing }
  })
  let voidRounds = 0
  let isOver = false
  for (let index = 0; index < limit.rounds && !isOver; index++) {
    for (const [place, scenario] of Scenarios.all.entries()) {
      const outcome = outcomes[place]!
      if (isOver || outcome.skipped !== null || outcome.violation !== null) continue
      const name = `${options.run}-${index}-${place}`
      const { round, whole } = await raced(bounds, scenario, name, seedOf(options, index, place), limit.settleMillis)
      isOver = !whole || (round === null && ++voidRounds === voidRoundsMaxCount)
      if (round === null) continue
      voidRounds = 0
      const operations = count(outcome, round)
      if (round.races() === 0)
        for (const { error } of operations) if (error !== undefined) bounds.trouble(`refused: ${error}`)
      history.push(...operations)
      const verdict = checkHistory(operations, check)
      undecided.push(...verdict.undecided)
      outcome.violation = verdict.violations[0] ?? null
      if (outcome.violation !== null) outcome.foundAfter = budget.calls()
    }
    if (outcomes.every(({ skipped, violation }) => skipped !== null || violation !== null)) break
  }
  const reasons = reasonsOf(outcomes, undecided.length, troubles)
  const isWrong = outcomes.some(({ violation }) => violation !== null)
  return {
    verdict: isWrong ? "wrong" : reasons.length > 0 ? "not judged" : "correct",
    scenarios: outcomes,
    calls: budget.calls(),
    millis: Math.round(performance.now() - begun),
    reasons: isWrong ? [] : reasons,
    troubles,
    history
  }
}

const seedOf = ({ seed = 1 }: RaceOptions, round: number, place: number): number =>
  (Math.imul(seed, 0x9e3779b1) + Math.imul(round, 0x85ebca6b) + Math.imul(place + 1, 0xc2b2ae35)) >>> 0

/** The limits of a run. Throws a `RangeError` for a value out of range. */
const limitsOf = (options: RaceOptions): RaceLimits =>
  Object.fromEntries(
    Object.entries(limits).map(([name, { fallback, max }]) => {
      const given = options[name as keyof RaceLimits] ?? fallback
      if (!Number.isSafeInteger(given) || given < 0 || given > max || (given === 0 && name !== "settleMillis"))
        throw new RangeError(`${name} is a whole number up to ${max}`)
      return [name, given]
    })
  ) as unknown as RaceLimits

/** Why a run without a violation proves nothing; empty if it is valid. */
const reasonsOf = (
  outcomes: ReadonlyArray<ScenarioOutcome>,
  undecided: number,
  troubles: ReadonlyMap<string, number>
): ReadonlyArray<string> => {
  const raced = outcomes.filter(({ skipped }) => skipped === null)
  if (raced.length === 0) return ["no scenario fits this checkout"]
  if (raced.every(({ rounds }) => rounds === 0)) {
    const [why = "the bounds leave no room for one"] = troubles.keys()
    return [`no session could be opened: ${why}`]
  }
  const lacking = raced
    .filter(({ races }) => races === 0)
    .map(({ name, rounds }) =>
      rounds === 0
        ? `${name}: the bounds left no room for it`
        : `${name}: no race took place: no two calls that change a session overlapped, one of them accepted`
    )
  const sum = (field: "accepted" | "refused" | "unknown"): number => raced.reduce((all, each) => all + each[field], 0)
  const [unknown, known] = [sum("unknown"), sum("accepted") + sum("refused")]
  return [
    ...lacking,
    ...(unknown > known
      ? [`${unknown} of ${unknown + known} calls got no answer that says whether they were done`]
      : []),
    ...(undecided > 0
      ? [`${undecided} sessions could not be decided: too many calls without an answer, or no versions`]
      : [])
  ]
}
