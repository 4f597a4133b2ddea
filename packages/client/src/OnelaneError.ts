/**
 * OnelaneError: a typed error as an exception, for iterations of changes, which can fail only by throwing.
 */
import type { CallError } from "./CheckoutError.js"

/** The members of every typed error. */
interface Told {
  readonly _tag: string
  readonly message: string
}

/** An `Error` with the typed error. */
export class OnelaneError<E extends Told = CallError> extends Error {
  override readonly name = "OnelaneError"
  /** The typed error itself. */
  readonly error: E
  constructor(error: E) {
    super(`${error._tag}: ${error.message}`)
    this.error = error
  }
}
