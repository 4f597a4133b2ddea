/**
 * Log: every call and answer of a round, in preallocated flat arrays. Recording is therefore cheap, retains no answer,
 * and costs every subject the same. After the measurement the log becomes a history and is checked.
 *
 * Owns the recording; does not own the check (testkit's Linearizable).
 */
import { checkHistory, type History, TimeLine } from "@onelane/history"

/** The content of an answer, read into one reused object. `version` -1: the answer had none. */
export interface Seen {
  outcome: "ok" | "fail" | "info"
  version: number
  state: string
}

/** The verdict on a run. `fault` is null if the history is correct. */
export interface Check {
  /** Calls whose acceptances were counted: each made a version of its own, without a gap. */
  readonly counted: number
  /** Calls checked as a history. */
  readonly judged: number
  readonly fault: string | null
}

/** The state and version of a session when a round began, as its callers knew it. */
export interface Standing {
  readonly version: number
  readonly state: string
}

const outcomes = ["info", "ok", "fail"] as const

/** A round being recorded. */
export class Log {
  private size = 0
  private instant = 1
  private readonly invoked: Float64Array
  private readonly returned: Float64Array
  private readonly process: Int32Array
  private readonly session: Int32Array
  private readonly version: Int32Array
  private readonly outcome: Uint8Array
  private readonly expected: Array<string>
  private readonly next: Array<string>
  private readonly state: Array<string>

  /** `capacity`: calls of a round. */
  constructor(capacity: number) {
    this.invoked = new Float64Array(capacity)
    this.returned = new Float64Array(capacity)
    this.process = new Int32Array(capacity)
    this.session = new Int32Array(capacity)
    this.version = new Int32Array(capacity)
    this.outcome = new Uint8Array(capacity)
    this.expected = Array.from({ length: capacity }, () => "")
    this.next = Array.from({ length: capacity }, () => "")
    this.state = Array.from({ length: capacity }, () => "")
  }

  /** Calls recorded. */
  get length(): number {
    return this.size
  }

  /** Records a call; pass the returned number to `answer`. */
  invoke(process: number, session: number, expected: string, next: string): number {
    const at = this.size++
    this.invoked[at] = this.instant++
    this.process[at] = process
    this.session[at] = session
    this.expected[at] = expected
    this.next[at] = next
    this.outcome[at] = 0
    this.version[at] = -1
    return at
  }

  /** Records its answer. */
  answer(at: number, seen: Seen): void {
    this.returned[at] = this.instant++
    this.version[at] = seen.version
    this.state[at] = seen.state
    this.outcome[at] = seen.outcome === "ok" ? 1 : seen.outcome === "fail" ? 2 : 0
  }

  /** Counts the round: every accepted call made a version of its own, and the versions have no gap. */
  tally(ids: ReadonlyArray<string>, before: ReadonlyArray<Standing>): string | null {
    const made = new Set<number>()
    let unknown = 0
    for (let at = 0; at < this.size; at++) {
      if (this.outcome[at] === 0) unknown += 1
      if (this.outcome[at] !== 1) continue
      const session = this.session[at]!
      const place = session * 2 ** 31 + this.version[at]!
      if (made.has(place)) return `double win: version ${this.version[at]} of ${ids[session]} was made twice`
      made.add(place)
    }
    const after = this.standing(before)
    const grown = after.reduce((sum, { version }, session) => sum + version - before[session]!.version, 0)
    if (grown > made.size + unknown) return `${grown} versions came into being, ${made.size} updates were accepted`
    return grown < made.size ? `${made.size} updates were accepted, ${grown} versions are there: some were lost` : null
  }

  /**
   * Checks the round; null if it is correct. Assumes the known start states, and that only these calls changed the
   * sessions.
   */
  judge(ids: ReadonlyArray<string>, standing: ReadonlyArray<Standing>): string | null {
    const touched = new Set(this.session.subarray(0, this.size))
    const began = [...touched].map((session): History.Operation => {
      const observed = { ...standing[session]!, next: null, archived: false }
      return { process: -1, session: ids[session]!, action: "read", outcome: "ok", invoked: 0, returned: 0.5, observed }
    })
    const verdict = checkHistory([...began, ...this.history(ids)], { finals: [] })
    const [violation] = verdict.violations
    const [undecided] = verdict.undecided
    if (violation !== undefined) return TimeLine.toText(violation)
    return undecided === undefined ? null : `no verdict on ${undecided}`
  }

  /** The state of a session after the round: that of the highest version any caller was given. */
  standing(before: ReadonlyArray<Standing>): Array<Standing> {
    const after = [...before]
    for (let at = 0; at < this.size; at++) {
      const session = this.session[at]!
      const version = this.version[at]!
      if (version > after[session]!.version) after[session] = { version, state: this.state[at]! }
    }
    return after
  }

  private history(ids: ReadonlyArray<string>): History.History {
    return Array.from({ length: this.size }, (_, at): History.Operation => {
      const outcome = outcomes[this.outcome[at]!]!
      const version = this.version[at]!
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
        observed: version < 0 ? undefined : { version, state: this.state[at]!, next: null, archived: false }
      }
    })
  }
}
