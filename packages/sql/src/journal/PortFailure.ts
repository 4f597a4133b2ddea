/**
 * PortFailure: what a port says when the database refused its query. A fenced file is named: asking again cannot help before
 * it is opened anew.
 */
import type { SqlError } from "@effect/sql/SqlError"
import type { Access } from "@onelane/checkout"
import * as SqliteFailure from "../sqlite/SqliteFailure.js"

/** Makes the failures of one port. */
export const of =
  (port: string) =>
  (cause: SqlError): Access.PortUnavailable =>
    cause.cause === SqliteFailure.fenced
      ? { _tag: "PortUnavailable", port, cause, reason: "FENCED" }
      : { _tag: "PortUnavailable", port, cause }
