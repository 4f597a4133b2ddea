/**
 * PortFailure: the error of a port whose query failed. A fenced file and a server that is not durable have reasons of
 * their own: a retry cannot help before the file is reopened, or the server's settings are corrected.
 */
import type { SqlError } from "@effect/sql/SqlError"
import type { Access } from "@onelane/checkout"
import * as PostgresFailure from "../postgres/PostgresFailure.js"
import * as SqliteFailure from "../sqlite/SqliteFailure.js"

const reasonOf = (cause: unknown): string | null => {
  if (cause === SqliteFailure.fenced) return "FENCED"
  return PostgresFailure.classify(cause).reason === "NOT_DURABLE" ? "NOT_DURABLE" : null
}

/** Creates the errors of one port. */
export const of =
  (port: string) =>
  (cause: SqlError): Access.PortUnavailable => {
    const reason = reasonOf(cause.cause)
    return { _tag: "PortUnavailable", port, cause, ...(reason === null ? {} : { reason }) }
  }
