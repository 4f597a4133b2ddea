/**
 * PostgresFailure: classifies errors of PostgreSQL and of the connection to it. Pure.
 *
 * The server answers `ERROR` only after it has rolled the statement back: nothing was written. It answers `FATAL` or
 * `PANIC` when the session or the server ends; then, as after a lost or silent connection, it is unknown whether the
 * commit happened. A statement that got no connection was never sent.
 */

/** The outcome of a failed statement. `ends`: its connection must not be used again. */
export interface PostgresFailure {
  readonly reason: string
  readonly applied: "no" | "unknown"
  readonly ends: boolean
}

/** The cause of a statement that got no connection. */
export interface NotSent {
  readonly code: "ONELANE_NOT_SENT"
  readonly cause: unknown
}

/** Creates a `NotSent`. */
export const notSent = (cause: unknown): NotSent => ({ code: "ONELANE_NOT_SENT", cause })

/** The cause of a statement that was not sent because the server is not durable. */
export const notDurable = { code: "ONELANE_NOT_DURABLE" } as const

/** The error message: what happened, in one sentence. */
export const sentenceOf = (cause: unknown): string => {
  const { applied, reason } = classify(cause)
  if (reason === "NOT_DURABLE") return "PostgreSQL would answer before a commit is on its disk; nothing was sent"
  if (reason !== "DISCONNECTED") return "PostgreSQL refused a statement"
  return applied === "no"
    ? "PostgreSQL could not be reached; nothing was sent"
    : "PostgreSQL gave no answer to a statement"
}

/**
 * Reasons by SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html; by class if the whole class
 * means the same.
 */
const words: ReadonlyMap<string, string> = new Map([
  ["22", "INVALID_TEXT"],
  ["23", "CONSTRAINT"],
  ["25006", "READONLY"],
  ["40", "BUSY"],
  ["53100", "DISK_FULL"],
  ["53", "NO_RESOURCES"],
  ["55P03", "BUSY"],
  ["57014", "TIMEOUT"],
  ["57", "DISCONNECTED"],
  ["58", "IO"],
  ["XX001", "CORRUPT"],
  ["XX002", "CORRUPT"]
])

const sqlState = /^[0-9A-Z]{5}$/

/** A prepared statement is stale (a table changed) or missing. */
const stale = /^(0A000|26...)$/

// A new connection to a server that is not durable is refused by us, not by the server.
const isRefusedHere = (cause: unknown): boolean => Object(cause).reason === "NOT_DURABLE"

const whyNotSent = ({ cause }: NotSent): string => (isRefusedHere(cause) ? "NOT_DURABLE" : "DISCONNECTED")

/** Classifies what the driver threw. */
export const classify = (cause: unknown): PostgresFailure => {
  const { code, severity } = Object(cause) as { readonly code?: unknown; readonly severity?: unknown }
  if (code === "ONELANE_NOT_SENT") return { reason: whyNotSent(cause as NotSent), applied: "no", ends: false }
  if (code === notDurable.code || isRefusedHere(cause)) return { reason: "NOT_DURABLE", applied: "no", ends: false }
  if (typeof code !== "string" || !sqlState.test(code))
    return { reason: "DISCONNECTED", applied: "unknown", ends: true }
  const reason = words.get(code) ?? words.get(code.slice(0, 2)) ?? "SQL"
  if (severity !== "ERROR") return { reason, applied: "unknown", ends: true }
  return { reason, applied: "no", ends: stale.test(code) }
}

/** Why a server cannot be used, by what the driver threw: a code of the system, or an SQLSTATE. */
const refusals: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "nothing listens there"],
  ["ENOTFOUND", "its host is not known"],
  ["EAI_AGAIN", "its host is not known at the moment"],
  ["ENOENT", "there is no such socket"],
  ["ETIMEDOUT", "it gave no answer"],
  ["28000", "it lets no such user in from here"],
  ["28P01", "it does not accept this user and password"],
  ["3D000", "it has no such database"],
  ["3F000", "it has no such schema"],
  ["42501", "this user may not do that"],
  ["53300", "it has no connection left"],
  ["57P03", "it is starting or stopping"],
  ["ERR_INVALID_URL", "this is not the url of a PostgreSQL database: postgres://user:password@host:port/database"]
])

/** The sentence for an operator when a server was not opened. */
export const refusalOf = (cause: unknown): string => {
  const { code, errors } = Object(cause) as { readonly code?: unknown; readonly errors?: ReadonlyArray<unknown> }
  const found = refusals.get(String(code ?? Object(errors?.[0]).code))
  return `The PostgreSQL server could not be opened${found === undefined ? "" : `: ${found}`}`
}
