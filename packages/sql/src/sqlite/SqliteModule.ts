/**
 * SqliteModule: the `node:sqlite` API, and how a thread loads it. Plain, without Effect and without run-time imports:
 * it is part of the texts that run in threads (ThreadTexts), where imports by name do not work.
 */

/** A row, by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>

/** A prepared statement. */
export interface Statement {
  readonly all: (...parameters: ReadonlyArray<any>) => ReadonlyArray<Row>
}

/** An open connection; everything on it is synchronous. */
export interface Connection {
  readonly exec: (text: string) => void
  readonly prepare: (text: string) => Statement
  readonly function: (name: string, body: (value: unknown) => null) => void
  readonly close: () => void
  readonly isOpen: boolean
  /** Whether a transaction is open; absent in early versions of the API. */
  readonly isTransaction?: boolean
}

/** What a module with this API exports, as far as it is used here. */
export interface SqliteModule {
  readonly DatabaseSync: new (filename: string) => Connection
}

/** Where the API comes from: the file of a package, or null for Node itself. */
export type Origin = string | null

/** Opens a file, a `file:` url, or `":memory:"`. Throws what SQLite says. */
export type Open = (filename: string) => Connection

/** Gets a module that is part of the runtime; undefined if it has none of that name. */
export const builtin = (name: string): unknown => process.getBuiltinModule(name)

// Node 22 says on standard error that its SQLite is experimental; the programs that embed us did not ask for it by
// name.
/** The API of Node itself; undefined where it has none. */
export const ofNode = (): SqliteModule | undefined => {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return builtin("node:sqlite") as SqliteModule | undefined
  } finally {
    process.emitWarning = emitWarning
  }
}

/** Opens connections with a module. */
export const openWith =
  ({ DatabaseSync }: SqliteModule): Open =>
  (filename) =>
    new DatabaseSync(filename)

/** Loads the API again in a thread, from where it came in the thread that started it. */
export const openFrom = (origin: Origin): Open => {
  if (origin === null) return openWith(ofNode()!)
  const { createRequire } = builtin("node:module") as typeof import("node:module")
  return openWith(createRequire(origin)(origin))
}
