/**
 * Callers: the callers of a run. Each has the SDK's own client (keys, retries) over the simulated network, and every
 * try is recorded. It also checks that no update is accepted whose caller's right was revoked, or whose cart was
 * closed, before the call.
 */
import type { Caller, CheckoutError, CheckoutSession, CheckoutSessions } from "@onelane/checkout"
import * as Changes from "@onelane/checkout/Changes"
import type { Recorder } from "@onelane/history"
import { type Behind, Checkout, Retry } from "@onelane/sdk/testing"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import type { SimulatedCaller } from "./Plan.js"

/** What callers need. */
export interface Parts {
  readonly network: CheckoutSessions.SessionCalls
  readonly recorder: Recorder.Recorder
  /** The clock, the scheduler and the randomness of the run. */
  readonly layer: Layer.Layer<never>
  readonly taken: Taken
  readonly note: (line: string) => void
  readonly onProblem: (problem: string) => void
}

/** Revoked users and closed carts, with the instant, on a counter that also advances with every call. */
export interface Taken {
  readonly users: Map<string, number>
  readonly carts: Map<string, number>
  readonly instant: () => number
}

/** Makes a caller of a run, with its own name and process number. */
export type MakeCaller = (name: string, process: number, caller: Caller.Caller) => SimulatedCaller<any>

/** Creates the factory of callers. */
export const make = async (parts: Parts): Promise<MakeCaller> => {
  const managed = ManagedRuntime.make(parts.layer)
  const runtime = await managed.runtime()
  return (name, process, caller) => {
    const recorded = parts.recorder.client(process, Changes.withStreams(noted(parts, name)))
    const calls = managed.runSync(Retry.make(recorded, {}, true, true))
    const close = async (): Promise<void> => {}
    const behind: Behind = { calls, runtime, close, onClose: () => () => {}, closed: () => false }
    const { close: _, [Symbol.asyncDispose]: __, ...door } = Checkout.make<any>(behind, caller)
    return { ...door, name, service: calls }
  }
}

type Call<I, W, A, E> = (caller: Caller.Caller, input: I, wait?: W) => Effect.Effect<A, E>

const noted = (parts: Parts, name: string): CheckoutSessions.SessionCalls => {
  const { network, note } = parts
  const through =
    <I, W, A, E>(action: string, call: Call<I, W, A, E>): Call<I, W, A, E> =>
    (caller, input, wait) =>
      Effect.suspend(() => {
        const began = parts.taken.instant()
        note(`${name}: ${action} ${askedIn(input)}`)
        return Effect.onExit(call(caller, input, wait), (exit) =>
          Effect.sync(() => {
            note(`${name}: ${action} is answered ${answeredBy(exit)}`)
            if (action === "update" && Exit.isSuccess(exit)) watch(parts, name, caller, exit.value as never, began)
          })
        )
      })
  return {
    ...network,
    open: through("open", network.open),
    update: through("update", network.update),
    get: through("get", network.get),
    find: through("find", network.find),
    cancel: through("cancel", network.cancel),
    completeTask: through("completeTask", network.completeTask),
    failTask: through("failTask", network.failTask),
    releaseClaim: through("releaseClaim", network.releaseClaim),
    move: through("move", network.move)
  }
}

/** Reports an accepted update whose caller's right was revoked, or whose cart was closed, before the call. */
const watch = (
  { onProblem, taken }: Parts,
  name: string,
  { roles, userId }: Caller.Caller,
  { replayed, session }: CheckoutSessions.Updated,
  began: number
): void => {
  if (replayed || roles.includes("modify-all-data")) return
  const wasTaken = (at: number | undefined): boolean => at !== undefined && at < began
  if (wasTaken(taken.users.get(userId)))
    onProblem(`${name}: an update was accepted that was sent after the right of ${userId} was revoked`)
  if (wasTaken(taken.carts.get(session.cartId)))
    onProblem(`${name}: an update was accepted that was sent after the cart ${session.cartId} was closed`)
}

const shownFields = ["cartId", "checkoutSessionId", "expCurrentState", "nextState", "operationId", "idempotencyKey"]

const askedIn = (input: unknown): string => {
  const given = Object(input) as { readonly [name: string]: unknown }
  return shownFields.flatMap((name) => (given[name] === undefined ? [] : [String(given[name])])).join(", ")
}

const answeredBy = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) {
    const { session = exit.value } = Object(exit.value) as { readonly session?: unknown }
    const { state, version } = Object(session) as Partial<CheckoutSession.CheckoutSession>
    return state === undefined ? "nothing" : `${state}, version ${version}`
  }
  if (exit.cause._tag !== "Fail") return "by nobody"
  const { _tag, applied } = exit.cause.error as CheckoutError.CheckoutError
  return applied === "unknown" ? `${_tag}, nobody knows whether it was applied` : _tag
}
