/**
 * Race: accepted changes and refused attempts of a session, put together on one time line. Pure.
 *
 * Each loser is shown with the change that it lost to: the one that moved the session out of the state the loser
 * expected. A refusal for another reason (a missing right, a transition that is not in the flow) is shown alone, at its
 * time.
 */
import type { HistoryEntry } from "@onelane/client"
import type { Attempt, Ring } from "./Contract.js"
import { span } from "./Durations.js"

/** A refused attempt, and how long after its winner it came; null where it has none. */
export interface Loser {
  readonly attempt: Attempt
  readonly at: number
  readonly behindMillis: number | null
}

/** What the time line shows: a change with those who lost to it, or an attempt by itself. */
export type Moment =
  | {
      readonly kind: "change"
      readonly at: number
      readonly entry: HistoryEntry
      readonly losers: ReadonlyArray<Loser>
    }
  | { readonly kind: "attempt"; readonly at: number; readonly loser: Loser }

/** Errors that are caused by the state of the session, not by the caller or the input. */
const lostToChange = new Set([
  "ExpectedStateMismatch",
  "SessionProcessing",
  "SessionClosed",
  "OperationNotCurrent",
  "StateRetired"
])

const isMove = ({ from, to, type }: HistoryEntry): boolean => type !== "Opened" && from !== to

/**
 * The change that a refused attempt lost to; null if none did. Found by the expected version, operation or state, in
 * this order; otherwise it is the change to the version that the refusal saw.
 */
export const winnerOf = (attempt: Attempt, history: ReadonlyArray<HistoryEntry>): HistoryEntry | null => {
  const { current, expected, tag } = attempt
  if (current === null || !lostToChange.has(tag)) return null
  const before = history.filter(({ type, version }) => version <= current.version && type !== "LateResult")
  const found =
    (expected.version === null
      ? undefined
      : before.find(({ version }) => version === (expected.version as number) + 1)) ??
    (expected.operationId === null
      ? undefined
      : before.findLast((entry) => entry.operationId === expected.operationId && entry.type !== "Claimed")) ??
    (expected.state === null || tag === "SessionProcessing" || tag === "SessionClosed"
      ? undefined
      : before.findLast((entry) => entry.from === expected.state && isMove(entry))) ??
    before.findLast(({ version }) => version === current.version)
  return found ?? null
}

/** Everything of the session, the newest first. */
export const moments = (history: ReadonlyArray<HistoryEntry>, rings: ReadonlyArray<Ring>): ReadonlyArray<Moment> => {
  const losers = new Map<HistoryEntry, Array<Loser>>()
  const alone: Array<Moment> = []
  for (const attempt of rings.flatMap(({ attempts }) => attempts)) {
    const at = Date.parse(attempt.at)
    const winner = winnerOf(attempt, history)
    const loser: Loser = { attempt, at, behindMillis: winner === null ? null : at - winner.at }
    if (winner === null) alone.push({ kind: "attempt", at, loser })
    else losers.set(winner, [...(losers.get(winner) ?? []), loser])
  }
  const changes = history.map(
    (entry): Moment => ({
      kind: "change",
      at: entry.at,
      entry,
      losers: (losers.get(entry) ?? []).sort((a, b) => a.at - b.at)
    })
  )
  // Stable, so that changes of one millisecond keep the order of their versions.
  return [...alone, ...changes].sort((a, b) => a.at - b.at).reverse()
}

const actions: Readonly<Record<string, string>> = {
  open: "open",
  update: "update",
  cancel: "cancel",
  completeTask: "complete the task",
  failTask: "fail the task",
  releaseClaim: "release the claim",
  move: "move",
  read: "read"
}

/** What an attempt wanted: `update to Inventory`. */
export const wanted = ({ action, next }: Attempt): string =>
  `${actions[action] ?? action}${next === null ? "" : ` to ${next}`}`

/** What an attempt expected: `Start`, `version 4`; null where it said nothing. */
export const expectation = ({ expected: { operationId, state, version } }: Attempt): string | null => {
  const parts = [
    ...(state === null ? [] : [state]),
    ...(version === null ? [] : [`version ${version}`]),
    ...(operationId === null ? [] : [`operation ${operationId}`])
  ]
  return parts.length === 0 ? null : parts.join(", ")
}

/** What was true instead: `Inventory, version 2`; null where the refusal tells nothing of the session. */
export const truth = ({ current }: Attempt): string | null =>
  current === null
    ? null
    : `${current.state}, version ${current.version}${
        current.isProcessing ? `, a task runs${current.nextState === null ? "" : ` to ${current.nextState}`}` : ""
      }`

/** The author of a change, if the server knows it. */
export const who = (by: string | null): string => by ?? "the engine"

/** Why an attempt lost, in one sentence. */
export const why = ({ attempt, behindMillis }: Loser, winner: HistoryEntry | null): string => {
  if (winner === null || behindMillis === null) return attempt.message
  const late = behindMillis < 1 ? "at the same moment" : `${span(behindMillis)} later`
  const first = `${who(winner.by)} was first`
  switch (attempt.tag) {
    case "SessionProcessing":
      return `It came ${late}, while the work that ${who(winner.by)} began was running.`
    case "SessionClosed":
      return `It came ${late}: the session was closed by then.`
    default:
      return `${first}; this came ${late}.`
  }
}

/** A race in one sentence, for screen readers. */
export const summary = (entry: HistoryEntry, losers: ReadonlyArray<Loser>): string => {
  const others = losers.map(
    ({ attempt, behindMillis }) => `${who(attempt.by)} lost ${span(Math.max(0, behindMillis ?? 0))} later`
  )
  return `Race for version ${entry.version}: ${who(entry.by)} won, ${others.join(", ")}.`
}

/** Where the members of a race stand on a line, 0 to 1, by their times. */
export const positions = (
  entry: HistoryEntry,
  losers: ReadonlyArray<Loser>
): { readonly winner: number; readonly losers: ReadonlyArray<number>; readonly millis: number } => {
  const times = [entry.at, ...losers.map(({ at }) => at)]
  const first = Math.min(...times)
  const millis = Math.max(...times) - first
  const place = (at: number): number => (millis === 0 ? 0 : (at - first) / millis)
  return { winner: place(entry.at), losers: losers.map(({ at }) => place(at)), millis }
}
