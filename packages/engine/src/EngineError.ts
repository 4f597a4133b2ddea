/**
 * EngineError: errors of the engine, where no decision was made. Refusals of a behavior are decisions and not listed
 * here. Plain tagged objects without a stack: of 64 concurrent callers, 63 get an error, and a stack costs more than
 * the whole turn.
 */
import type { Address } from "./Address.js"

/**
 * The mailbox of this address (`scope: "address"`) or of the whole system (`"system"`) is full. Certainly not applied.
 */
export interface MailboxFull {
  readonly _tag: "MailboxFull"
  readonly address: Address
  readonly scope: "address" | "system"
  readonly applied: "no"
}

/** The journal failed. `applied: "unknown"` means that the command may have been committed. */
export interface JournalUnavailable {
  readonly _tag: "JournalUnavailable"
  readonly address: Address
  readonly reason: string
  readonly applied: "no" | "unknown"
  readonly cause?: unknown
}

/** The system is draining or closed and accepts no new work. Certainly not applied. */
export interface SystemDraining {
  readonly _tag: "SystemDraining"
  readonly address: Address
  readonly applied: "no"
}

/**
 * Thrown by a behavior's `decode` for a state that a newer release stored. Callers get
 * `JournalUnavailable`, reason `FORMAT`, and nothing is written.
 */
export class UnknownFormat extends Error {
  constructor(
    readonly found: number,
    readonly known: number
  ) {
    super(`stored in format ${found}, this release knows ${known}`)
  }
}

/**
 * Thrown by a behavior's `migrate` for a state that a newer configuration wrote, for example another server during a
 * rolling deployment. Callers get `JournalUnavailable` with this reason, and nothing is written. It does not count as a
 * defect.
 */
export class NewerState extends Error {
  constructor(readonly reason: string) {
    super(`a newer configuration wrote this state (${reason})`)
  }
}

/** All errors of the engine. */
export type EngineError = MailboxFull | JournalUnavailable | SystemDraining

/** Makes a `MailboxFull`. */
export const mailboxFull = (address: Address, scope: "address" | "system"): MailboxFull => ({
  _tag: "MailboxFull",
  address,
  scope,
  applied: "no"
})

/** Makes a `JournalUnavailable`. */
export const journalUnavailable = (
  address: Address,
  reason: string,
  applied: "no" | "unknown",
  cause?: unknown
): JournalUnavailable => ({ _tag: "JournalUnavailable", address, reason, applied, cause })

/** Makes a `SystemDraining`. */
export const systemDraining = (address: Address): SystemDraining => ({ _tag: "SystemDraining", address, applied: "no" })
