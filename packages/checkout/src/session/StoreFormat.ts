/**
 * StoreFormat: the format number in every stored state, and how other formats are handled. A release raises it when it
 * stores something that earlier releases cannot read. A database also records the highest format of its states.
 */
import { EngineError } from "@onelane/engine"

/** The format this release writes. It reads this and earlier ones. */
export const current = 1

/** Throws `EngineError.UnknownFormat` for the state of a newer release, and an `Error` if there is no format. */
export const check = (stored: unknown): void => {
  const { format } = Object(stored) as { readonly format?: unknown }
  if (!Number.isSafeInteger(format) || (format as number) < 1) throw new Error("a stored state names no format")
  if ((format as number) > current) throw new EngineError.UnknownFormat(format as number, current)
}
