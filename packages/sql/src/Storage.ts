/**
 * Storage: parses the storage setting: memory, an SQLite file, or a database on a PostgreSQL server. Pure; loads no
 * driver.
 */

/** The kind of a storage. */
export type Kind = "memory" | "file" | "postgres"

/** The setting for storage in memory. */
export const memory = ":memory:"

/** What a storage may be, to be read after "storage" in an error. */
export const is = `must be "${memory}", the path of a file, or postgres://user:password@host:port/database`

const postgres = /^postgres(ql)?:\/\//i

/** The kind of a well-formed storage setting. */
export const kindOf = (storage: string): Kind =>
  storage === memory ? "memory" : postgres.test(storage) ? "postgres" : "file"

/**
 * Whether a storage is a database server, which other processes may write to. Otherwise this process is the only
 * writer.
 */
export const isServer = (storage: string): boolean => kindOf(storage) === "postgres"

// A single letter is a drive on Windows, not a scheme.
const scheme = /^([a-z][a-z0-9+.-]+):/i

/**
 * The fault of a storage setting, to be read after "storage"; null if it is valid. Shows only the scheme, because the
 * rest may contain a password.
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
