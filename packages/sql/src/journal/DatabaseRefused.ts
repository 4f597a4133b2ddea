/**
 * DatabaseRefused: why a database was not opened. Nothing in it was changed: a store is never repaired or reset
 * silently.
 */
import * as Data from "effect/Data"
import * as Redacted from "./Redacted.js"

/**
 * - `NO_DRIVER`: this Node has no SQLite and the one in the registry package could not be loaded
 * - `CANNOT_OPEN`: no such folder, no permission, not a file; the message says which
 * - `IN_USE`: another process, or another connection of this one, owns the file
 * - `READONLY`: the file, or where it lies, cannot be written
 * - `NOT_A_DATABASE`, `CORRUPT`: the file is something else, or damaged
 * - `INCOMPLETE`: the file was cut short, or copied without its log, or another file's log lies beside it
 * - `FOREIGN`: a sound database that belongs to another application
 * - `NEWER`: written by a newer release than this one
 * - `NOT_DURABLE`: the database refuses a setting that is required for durability
 * - `DISK_FULL`, `IO`: the disk refused
 * - `MIGRATION`: the tables could not be brought up to date
 */
export type Reason =
  | "NO_DRIVER"
  | "CANNOT_OPEN"
  | "IN_USE"
  | "READONLY"
  | "NOT_A_DATABASE"
  | "CORRUPT"
  | "INCOMPLETE"
  | "FOREIGN"
  | "NEWER"
  | "NOT_DURABLE"
  | "DISK_FULL"
  | "IO"
  | "MIGRATION"

/** The database was not opened. `message` is one sentence for the operator, and shows no password. */
export class DatabaseRefused extends Data.TaggedError("DatabaseRefused")<{
  readonly reason: Reason
  readonly message: string
  readonly cause?: unknown
}> {
  constructor(refused: { readonly reason: Reason; readonly message: string; readonly cause?: unknown }) {
    super({ ...refused, message: Redacted.text(refused.message), cause: Redacted.cause(refused.cause) })
  }
}
