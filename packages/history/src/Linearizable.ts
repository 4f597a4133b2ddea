/**
 * Linearizable: checks that a history keeps the guarantee. Each session is checked separately: linearizability is a
 * local property.
 *
 * Owns the choice of checker (Chain if answers carry versions, else Search) and the reduction of a bad history to its
 * smallest bad part. Does not own the model (Register) nor how a finding is shown (TimeLine). Source: M. P. Herlihy, J.
 * M. Wing, "Linearizability: A Correctness Condition for Concurrent Objects", 1990.
 */
import * as Chain from "./Chain.js"
import { bySession, deadline, type History, isChange, type Operation } from "./History.js"
import { settle } from "./Keys.js"
import { defaultModel, type Model } from "./Register.js"
import { search } from "./Search.js"
import type { Finding, Verdict, Violation } from "./Verdict.js"

/** Options of a check. */
export interface CheckOptions {
  /**
   * Changes that sessions make without a call: `"task"` if the engine runs tasks, `"expiry"`, `"halt"` if a cart may
   * keep a session in a state that proceeds. Default: none.
   */
  readonly spontaneous?: Model["spontaneous"] | undefined
  /** States that may end a session when it reaches them. Default: `Complete`. */
  readonly finals?: Model["finals"] | undefined
  /** State to the state it proceeds to, as in the flow. Default: none proceeds. */
  readonly proceed?: { readonly [State in string]?: string | undefined } | undefined
  /** State to the states that the result of its work may choose (`next`). Default: results choose nothing. */
  readonly choices?: { readonly [State in string]?: ReadonlyArray<string> | undefined } | undefined
  /** State to its new name in a later version of the flow, if one was deployed during the run. Default: none. */
  readonly migrate?: { readonly [State in string]?: string | undefined } | undefined
  /** Whether the engine's own tasks may write data. If so, the answers after a task define the data. Default true. */
  readonly taskData?: boolean | undefined
  /** State of a newly opened session if the record does not show it. Default: `Start`. */
  readonly initial?: string | undefined
  /** Configurations tried per session before it counts as undecided. Default 1,000,000. */
  readonly budget?: number | undefined
}

const defaultBudget = 1_000_000

/**
 * Checks a history: is there, for every session, one order of its calls that respects time and explains every answer?
 * The history must hold every call that can have changed these sessions. Takes a few seconds for about a million
 * operations if answers carry versions; otherwise the time grows with concurrency and with doubtful calls.
 */
export const checkHistory = (history: History, options: CheckOptions = {}): Verdict => {
  const model: Model = {
    spontaneous: options.spontaneous ?? defaultModel.spontaneous,
    finals: options.finals ?? defaultModel.finals,
    initial: options.initial ?? defaultModel.initial,
    proceed: mapOf(options.proceed),
    choices: mapOf(options.choices),
    migrate: mapOf(options.migrate),
    data: options.taskData === false ? "calls" : "calls and tasks"
  }
  const sessions = bySession(history)
  const violations: Array<Violation> = []
  const undecided: Array<string> = []
  for (const [session, operations] of sessions) {
    const finding = judge(operations, model, options.budget ?? defaultBudget)
    if (finding === "undecided") undecided.push(session)
    else if (finding !== null) violations.push({ session, ...finding })
  }
  return {
    valid: violations.length === 0 && undecided.length === 0,
    sessions: sessions.size,
    operations: history.length,
    violations,
    undecided
  }
}

const hasData = ({ observed, patch }: Operation): boolean =>
  patch !== undefined || (observed?.data !== undefined && observed.data !== null)

const mapOf = <A>(written: { readonly [State in string]?: A | undefined } = {}): ReadonlyMap<string, A> =>
  new Map(Object.entries(written).filter((entry): entry is [string, A] => entry[1] !== undefined))

const judge = (recorded: ReadonlyArray<Operation>, given: Model, budget: number): Finding | null | "undecided" => {
  const model: Model = recorded.some(hasData) ? given : { ...given, data: "none" }
  const { operations, findings } = settle(recorded)
  if (findings.length > 0) return findings[0]!
  if (Chain.applies(operations)) return Chain.check(operations, model, budget)
  const ordered = search(operations, model, budget)
  if (ordered !== false) return ordered === true ? null : "undecided"
  return { rule: "no order", operations: shrink(operations, (part) => search(part, model, budget) === false) }
}

/**
 * Returns the shortest prefix that is still bad, without the reads and refusals that it does not need to be bad. Both
 * steps only remove knowledge, so the rest is bad for the same reason as the whole.
 */
export const shrink = (
  operations: ReadonlyArray<Operation>,
  isBad: (part: ReadonlyArray<Operation>) => boolean
): ReadonlyArray<Operation> => {
  const instants = [...new Set(operations.map(deadline).filter(Number.isFinite))].sort((a, b) => a - b)
  let low = 0
  let high = instants.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (isBad(until(operations, instants[middle]!))) high = middle
    else low = middle + 1
  }
  let part = until(operations, instants[low] ?? 0)
  for (let size = part.length; size >= 1; size = size >> 1) {
    for (let from = 0; from < part.length; ) {
      const without = part.filter(
        (each, index) => index < from || index >= from + size || each.outcome === "info" || isChange(each)
      )
      if (without.length < part.length && isBad(without)) part = without
      else from += size
    }
  }
  return part
}

/** A history as of an instant: calls without an answer by then are doubtful. */
const until = (operations: ReadonlyArray<Operation>, instant: number): ReadonlyArray<Operation> =>
  operations
    .filter((each) => each.invoked <= instant && (deadline(each) <= instant || each.action !== "read"))
    .map((each) => (deadline(each) <= instant ? each : { ...each, outcome: "info", observed: undefined }))
