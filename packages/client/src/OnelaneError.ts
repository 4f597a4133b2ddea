/**
 * OnelaneError: a typed error as an exception, for iterations of changes, which have no other way to fail.
 */
import type { CallError } from "./CheckoutError.js"

/** The typed error in an `Error`. */
export class OnelaneError<E extends CallError = CallError> extends Error {
  override readonly name = "OnelaneError"
  /** The typed error itself. */
  readonly error: E
  constructor(error: E) {
    super(`${error._tag}: ${error.message}`)
    this.error = error
  }
}
