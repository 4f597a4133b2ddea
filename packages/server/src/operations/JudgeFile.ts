/**
 * JudgeFile: reads a recorded history from a file or from standard input, within the limits of `HistoryLines`, and
 * formats the verdict.
 */
import { createReadStream } from "node:fs"
import type { CheckOptions, History, Verdict } from "@onelane/history"
import { checkHistory, HistoryLines, TimeLine } from "@onelane/history"
import * as Effect from "effect/Effect"
import * as Ending from "../serve/Ending.js"

/** Violations whose time lines are shown to people; with `--json` all are listed. */
const shownViolations = 20

const reasonOf = (thrown: unknown): string => {
  const { code } = thrown as NodeJS.ErrnoException
  if (code === "ENOENT") return "there is no such file"
  return code === "EISDIR" ? "it is a folder" : Ending.sentenceOf(thrown as object)
}

const readAll = async (path: string): Promise<HistoryLines.Reading> => {
  const reading = HistoryLines.reader()
  const bytes: AsyncIterable<Uint8Array> = path === "-" ? process.stdin : createReadStream(path)
  for await (const piece of bytes) if (reading.push(piece) !== null) break
  return reading.end()
}

/** The history in a file; `-` is standard input. Fails with one sentence, which names the line. */
export const read = (path: string): Effect.Effect<History.History, string> => {
  const name = path === "-" ? "standard input" : path
  return Effect.flatMap(
    Effect.tryPromise({ try: () => readAll(path), catch: (thrown) => `cannot read ${name}: ${reasonOf(thrown)}` }),
    (reading) => {
      if (reading.ok) return Effect.succeed(reading.value)
      const { line, message } = reading.error
      return Effect.fail(`${name}, line ${line}: ${message}`)
    }
  )
}

/** The result: the history is correct, wrong, or cannot be judged. */
export type Sentence =
  | { readonly kind: "kept" | "broken"; readonly verdict: Verdict.Verdict; readonly text: string }
  | { readonly kind: "not judged"; readonly verdict: Verdict.Verdict; readonly why: string }

const counted = (count: number, noun: string): string =>
  `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`

/** Judges a history. One without a successful change proves nothing and is not judged. */
export const judge = (history: History.History, options: CheckOptions): Sentence => {
  const verdict = checkHistory(history, options)
  const { sessions, undecided, violations } = verdict
  const all = `${counted(history.length, "call")} on ${counted(sessions, "session")}`
  if (violations.length > 0) {
    const shown = violations.slice(0, shownViolations).map(TimeLine.toText)
    const more = violations.length > shown.length ? [`and ${violations.length - shown.length} more`] : []
    const broken = `${all}: ${violations.length === 1 ? "1 session breaks" : `${violations.length} sessions break`} the promise`
    return { kind: "broken", verdict, text: [broken, ...shown, ...more].join("\n\n") }
  }
  if (undecided.length > 0) {
    const why = `${counted(undecided.length, "session")} could not be decided within the budget: record versions, or raise --budget`
    return { kind: "not judged", verdict, why }
  }
  if (!history.some(({ action, outcome }) => outcome === "ok" && action !== "read")) {
    return { kind: "not judged", verdict, why: `${all}: none was accepted, so there is nothing to judge` }
  }
  return { kind: "kept", verdict, text: `${all}: linearizable, one order of the calls explains every answer` }
}

/** Whether two calls on one session overlapped. */
export const isConcurrent = (history: History.History): boolean => {
  const ends = new Map<string, number>()
  return [...history]
    .sort((a, b) => a.invoked - b.invoked)
    .some(({ invoked, returned, session }) => {
      const end = ends.get(session) ?? Number.NEGATIVE_INFINITY
      ends.set(session, Math.max(end, returned))
      return end >= invoked
    })
}
