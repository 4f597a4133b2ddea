/**
 * PortFailure: the error of a port whose query failed. A fenced file has its own reason, because a retry cannot help before it
 * is opened again.
 */
import type { SqlError } from "@effect/sql/SqlError"
import type { Access } from "@onelane/checkout"
import * as SqliteFailure from "../sqlite/SqliteFailure.js"

/** Creates the errors of one port. */
export const of =
  (port: string) =>
  (cause: SqlError): Access.PortUnavailable =>
    cause.cause === SqliteFailure.fenced
      ? { _tag: "PortUnavailable", port, cause, reason: "FENCED" }
      : { _tag: "PortUnavailable", port, cause }
