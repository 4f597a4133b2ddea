/**
 * StoreFormat: the number every stored state carries, and what is done with one of another format. It grows when a release
 * stores what the release before could not read; a store as a whole has the highest of its states (a database says so).
 */
import { EngineError } from "@onelane/engine"

/** The format this release writes. It reads this one and those before it. */
export const current = 1

/** Throws `EngineError.UnknownFormat` for the state of a newer release, and an `Error` for what has no format at all. */
export const check = (stored: unknown): void => {
  const { format } = Object(stored) as { readonly format?: unknown }
  if (!Number.isSafeInteger(format) || (format as number) < 1) throw new Error("a stored state names no format")
  if ((format as number) > current) throw new EngineError.UnknownFormat(format as number, current)
}
