/**
 * Outcome: the decision after failed attempts, from `@onelane/client/outcome`, extended to an engine in this process.
 * Such an engine is not restarted after it drains, and a fenced store stays fenced until it is reopened.
 */

import type { CheckoutError, StorageUnavailable } from "@onelane/checkout/CheckoutError"
import * as Outcome from "@onelane/client/outcome"

export { type Call, isUndecided, settles } from "@onelane/client/outcome"

/** How often a call is retried, and with which pauses. */
export interface Policy extends Outcome.Policy {
  /**
   * Whether the service is restarted after it drains or its store is fenced: true for a server, false in this process.
   */
  readonly restarts: boolean
}

/** What to do next. */
export type Next<E> = Outcome.Next<E | StorageUnavailable>

// Whether only reopening the checkout can help.
const isOver = ({ restarts }: Policy, error: CheckoutError): boolean =>
  !restarts && Outcome.isUndecided(error) && (error.reason === "DRAINING" || error.reason === "FENCED")

const seen = <E extends CheckoutError>(policy: Policy, error: E): E =>
  error._tag === "StorageUnavailable" && isOver(policy, error)
    ? { ...error, retryable: false, retryAfterMillis: 0 }
    : error

/** Whether a subscription may be opened again after this answer. */
export const mayResume = (policy: Policy, error: CheckoutError): boolean =>
  !isOver(policy, error) && Outcome.mayResume(error)

/** Decides by all errors so far, oldest first; there is at least one. */
export const next = <E extends CheckoutError>(
  call: Outcome.Call,
  policy: Policy,
  errors: ReadonlyArray<E>
): Next<E> => {
  const last = seen(policy, errors[errors.length - 1]!)
  const limit = isOver(policy, last) ? 0 : policy.limit
  return Outcome.next(call, { ...policy, limit }, [...errors.slice(0, -1), last])
}
