/**
 * Verdict: the result of checking a history.
 */
import type { Operation } from "./History.js"

/** The kind of violation. */
export type Fault =
  /** Two updates out of a state were accepted although the session entered it once. */
  | "double win"
  /** An answer shows a version that was already replaced, or lost, when the call was made. */
  | "stale answer"
  /** The versions of two accepted calls contradict their order in time. */
  | "out of order"
  /** Two answers about one version differ: an update was lost, or accepted from a state the session was not in. */
  | "conflicting answers"
  /** A call that was answered as certainly not done took effect. */
  | "resurrected write"
  /** The session changed, and no call on record can have done it. */
  | "unexplained change"
  /** An accepted call left the session in a state it cannot lead to. */
  | "wrong effect"
  /** A refusal contradicts what it shows. */
  | "wrong refusal"
  /** One idempotency key was accepted twice, or answered in two ways. */
  | "repeated key"
  /** No order of the calls explains the answers. */
  | "no order"

/** A fault and the operations that show it. */
export interface Finding {
  readonly rule: Fault
  readonly operations: ReadonlyArray<Operation>
}

/** A fault of one session, with the smallest part of its history that shows it. */
export interface Violation extends Finding {
  readonly session: string
}

/** The verdict. `undecided`: sessions for which the budget of tries was used up; nothing is known about them. */
export interface Verdict {
  readonly valid: boolean
  readonly sessions: number
  readonly operations: number
  readonly violations: ReadonlyArray<Violation>
  readonly undecided: ReadonlyArray<string>
}
