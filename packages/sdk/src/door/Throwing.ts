/**
 * Throwing: derives the `…OrThrow` calls from those that return their error. `Embedded` and `Remote` use it.
 */
import { type CallError, OnelaneError, type Result } from "./Result.js"

type Method = (input: any, options?: any) => Promise<Result<any, CallError>>

/** The calls that return their error. */
export type Calls = Readonly<
  Record<
    | "open"
    | "update"
    | "get"
    | "find"
    | "cancel"
    | "history"
    | "completeTask"
    | "failTask"
    | "releaseClaim"
    | "move"
    | "sessions"
    | "claims",
    Method
  >
>

const orThrow = <A>(result: Result<A, CallError>): A => {
  if (result.ok) return result.value
  throw new OnelaneError(result.error)
}

const throwing =
  (method: Method) =>
  (input: unknown, options?: unknown): Promise<any> =>
    method(input, options).then(orThrow)

/** Adds an `…OrThrow` to each call. */
export const add = <C extends Calls>(calls: C) => ({
  ...calls,
  openOrThrow: throwing(calls.open),
  updateOrThrow: throwing(calls.update),
  getOrThrow: throwing(calls.get),
  findOrThrow: throwing(calls.find),
  cancelOrThrow: throwing(calls.cancel),
  historyOrThrow: throwing(calls.history),
  completeTaskOrThrow: throwing(calls.completeTask),
  failTaskOrThrow: throwing(calls.failTask),
  releaseClaimOrThrow: throwing(calls.releaseClaim),
  moveOrThrow: throwing(calls.move),
  sessionsOrThrow: throwing(calls.sessions),
  claimsOrThrow: throwing(calls.claims)
})
