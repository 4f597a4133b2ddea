/**
 * TurnInput: what a turn knows besides state and command. One object per system, refilled for every decision: decisions are
 * pure and never overlap. The clock is read on access only, because it costs as much as a refusal, which rarely needs it.
 */
import type { Recorded, Turn } from "../Behavior.js"
import { noRecords } from "./Records.js"

/** The input of the current turn. */
export class TurnInput implements Turn<unknown> {
  sequence = 0
  facts: unknown = undefined
  records: ReadonlyArray<Recorded<unknown, unknown>> = noRecords
  private isRead = false
  private readMillis = 0
  constructor(private readonly clock: () => number) {}

  /** Refills it for the next decision. */
  of(sequence: number, facts: unknown, records: ReadonlyArray<Recorded<unknown, unknown>>): Turn<unknown> {
    this.sequence = sequence
    this.facts = facts
    this.records = records
    this.isRead = false
    return this
  }

  /** The time of the turn, epoch milliseconds. */
  get nowMillis(): number {
    if (!this.isRead) {
      this.isRead = true
      this.readMillis = this.clock()
    }
    return this.readMillis
  }
}
