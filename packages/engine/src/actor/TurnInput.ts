/**
 * TurnInput: what a turn knows besides state and command. One object a system, filled anew for every decision: a decision is
 * pure and over before the next begins. Most refusals never ask for the time, and a clock costs as much as the rest of them.
 */
import type { Recorded, Turn } from "../Behavior.js"
import { noRecords } from "./Records.js"

/** What the turn under way knows. */
export class TurnInput implements Turn<unknown> {
  sequence = 0
  facts: unknown = undefined
  records: ReadonlyArray<Recorded<unknown, unknown>> = noRecords
  private isRead = false
  private readMillis = 0
  constructor(private readonly clock: () => number) {}

  /** Filled for the next decision. */
  of(sequence: number, facts: unknown, records: ReadonlyArray<Recorded<unknown, unknown>>): Turn<unknown> {
    this.sequence = sequence
    this.facts = facts
    this.records = records
    this.isRead = false
    return this
  }

  /** The instant of the turn. */
  get nowMillis(): number {
    if (!this.isRead) {
      this.isRead = true
      this.readMillis = this.clock()
    }
    return this.readMillis
  }
}
