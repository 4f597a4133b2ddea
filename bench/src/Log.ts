/**
 * Log: every call and answer of a run, in flat arrays, so that writing it costs little and the same for every subject.
 * After the clock has stopped it becomes a history, and the history is judged.
 *
 * Owns the recording; does not own the judgement (testkit's Linearizable).
 */
import type * as History from "@onelane/testkit/History"
import { checkHistory } from "@onelane/testkit/Linearizable"
import * as TimeLine from "@onelane/testkit/TimeLine"

/** What an answer said, read into one reused object. `version` -1: it did not say. */
export interface Seen {
  outcome: "ok" | "fail" | "info"
  version: number
  state: string
  requestId: string | null
}

/** The verdict on a run. `fault` is null when the history keeps the promise. */
export interface Check {
  readonly operations: number
  readonly sessions: number
  readonly fault: string | null
}

const outcomes = ["info", "ok", "fail"] as const

/** A run being recorded. */
export class Log {
  private size = 0
  private instant = 0
  private invoked = new Float64Array(1 << 16)
  private returned = new Float64Array(1 << 16)
  private process = new Int32Array(1 << 16)
  private session = new Int32Array(1 << 16)
  private version = new Int32Array(1 << 16)
  private outcome = new Uint8Array(1 << 16)
  private expected: Array<string> = []
  private next: Array<string> = []
  private state: Array<string> = []
  private requestId: Array<string | null> = []

  /** Notes a call; the number is handed to `answer`. */
  invoke(process: number, session: number, expected: string, next: string): number {
    if (this.size === this.invoked.length) this.grow()
    const at = this.size++
    this.invoked[at] = this.instant++
    this.process[at] = process
    this.session[at] = session
    this.expected.push(expected)
    this.next.push(next)
    this.state.push("")
    this.requestId.push(null)
    return at
  }

  /** Notes its answer. */
  answer(at: number, seen: Seen): void {
    this.returned[at] = this.instant++
    this.version[at] = seen.version
    this.state[at] = seen.state
    this.requestId[at] = seen.requestId
    this.outcome[at] = seen.outcome === "ok" ? 1 : seen.outcome === "fail" ? 2 : 0
  }

  /** Calls noted so far. */
  get length(): number {
    return this.size
  }

  private grow(): void {
    const twice = <A extends Float64Array | Int32Array | Uint8Array>(old: A, grown: A): A => {
      grown.set(old)
      return grown
    }
    const length = this.size * 2
    this.invoked = twice(this.invoked, new Float64Array(length))
    this.returned = twice(this.returned, new Float64Array(length))
    this.process = twice(this.process, new Int32Array(length))
    this.session = twice(this.session, new Int32Array(length))
    this.version = twice(this.version, new Int32Array(length))
    this.outcome = twice(this.outcome, new Uint8Array(length))
  }

  /** The calls as the checker wants them. */
  history(ids: ReadonlyArray<string>): History.History {
    return Array.from({ length: this.size }, (_, at): History.Operation => {
      const outcome = outcomes[this.outcome[at]!]!
      const version = this.version[at]!
      const observed =
        version < 0
          ? undefined
          : { version, state: this.state[at]!, next: null, archived: false, requestId: this.requestId[at] ?? undefined }
      return {
        process: this.process[at]!,
        session: ids[this.session[at]!]!,
        action: "update",
        outcome,
        invoked: this.invoked[at]!,
        returned: outcome === "info" ? Number.POSITIVE_INFINITY : this.returned[at]!,
        expected: this.expected[at]!,
        next: this.next[at]!,
        error: outcome === "fail" ? "ExpectedStateMismatch" : undefined,
        requestId: outcome === "ok" ? (this.requestId[at] ?? undefined) : undefined,
        observed
      }
    })
  }
}

/** Judges a run: sessions begin in `initial` at version 1, and nothing but these calls changed them. */
export const judge = (log: Log, ids: ReadonlyArray<string>, initial: string): Check => {
  const verdict = checkHistory(log.history(ids), { initial, finals: [] })
  const first = verdict.violations[0]
  const undecided = verdict.undecided[0]
  const fault =
    first !== undefined ? TimeLine.toText(first) : undecided !== undefined ? `undecided: ${undecided}` : null
  return { operations: verdict.operations, sessions: verdict.sessions, fault }
}
