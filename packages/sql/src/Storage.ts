/**
 * Storage: what the text of a storage names: memory, an SQLite file, or a database on a PostgreSQL server. Pure; loads no driver.
 */

/** Where a storage is. */
export type Kind = "memory" | "file" | "postgres"

/** The storage that is memory. */
export const memory = ":memory:"

/** What a storage may be, after "storage". */
export const is = `must be "${memory}", the path of a file, or postgres://user:password@host:port/database`

const postgres = /^postgres(ql)?:\/\//i

/** What a well-formed storage names. */
export const kindOf = (storage: string): Kind =>
  storage === memory ? "memory" : postgres.test(storage) ? "postgres" : "file"

/** Whether a storage is a database server, which other processes may write to; else one process owns the file. */
export const isServer = (storage: string): boolean => kindOf(storage) === "postgres"

// A single letter is the drive of a path on Windows.
const scheme = /^([a-z][a-z0-9+.-]+):/i

/**
 * Why a text names no storage, to be read after "storage"; null if it names one. Shows no part of it but its scheme: the rest may
 * hold a password.
 */
export const faultOf = (storage: unknown): string | null => {
  if (typeof storage !== "string" || storage === "") return is
  if (storage.startsWith(":") && storage !== memory) return `${is}; a name that starts with ":" is none of them`
  if (storage.includes("\0")) return `${is}; it has a NUL character`
  const [, named] = scheme.exec(storage) ?? []
  if (named === undefined) return null
  const name = named.toLowerCase()
  if (name === "file" || postgres.test(storage)) return null
  if (name === "postgres" || name === "postgresql") return `${is}; "${name}:" lacks its "//"`
  if (name === "sqlite" || name === "sqlite3") return `${is}; write the path alone, without "${name}:"`
  if (!storage.startsWith(`${named}://`)) return null
  return name === "http" || name === "https"
    ? `${is}; the url of a server is for Onelane.connect`
    : `${is}; there is no driver for "${name}:"`
}
