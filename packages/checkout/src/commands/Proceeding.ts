/**
 * Proceeding: what an event says beyond its own step when the session comes to a state that proceeds: the states it passed
 * through, and the follow-up claim. All of it is one commit and one version. Pure: ids are derived, nothing is drawn.
 *
 * Owns when the engine goes no further by itself. Does not own which state proceeds where (Arrival).
 * Source: CONTRACT §2, "States that proceed".
 */
import { type Flow, isFinal } from "../flow/Flow.js"
import { defaultDeadlineMillis } from "../flow/Task.js"
import { type CartRevision, isUpdatable } from "../ports/Carts.js"
import type { Facts } from "../ports/Guard.js"
import type { CheckoutSession } from "../session/CheckoutSession.js"
import * as OperationId from "../session/OperationId.js"
import type { Arriving, SessionState } from "../session/SessionState.js"
import type { SessionTurn } from "./SessionCommand.js"

/** Follow-up claims after one call of a client: results that choose may lead back, and for ever. */
export const followUpMax = 100

/** The circumstances in which a session comes to a state. */
export interface Coming {
  readonly at: number
  /** The version that the event makes. */
  readonly version: number
  /** The request or the operation that brings the session there; ids of the follow-up are derived from it. */
  readonly origin: string
  /** The cart in this turn. */
  readonly cart: Pick<Facts, "cartStatus"> & { readonly revision: CartRevision | null }
  /** The cart has changed since the client's call. */
  readonly cartChanged: boolean
  /** What is kept of the session: work keys, and how many follow-ups there were since the client's call. */
  readonly kept: Pick<SessionState, "workKeys"> & { readonly followUps: number }
}

/**
 * Where a session stays that comes to the state `to`, and what the event says of the way. A state that does not proceed is
 * where it stays.
 */
export const arrive = (flow: Flow, to: string, coming: Coming): Arriving => {
  const arrival = flow.arrivals.get(to)
  if (arrival === undefined) return { to, archives: isFinal(flow, to) }
  const { cart, cartChanged, kept } = coming
  if (cart.cartStatus === null || !isUpdatable(cart.cartStatus)) return halted(to, [], "CART_NOT_UPDATABLE")
  const { archives, state, through, work } = arrival
  if (work === null) return { to: state, archives, proceeded: { through, followUp: null, halted: null } }
  const { nextState, task } = work
  if (cartChanged && task.whenCartChanged === "refuse") return halted(state, through, "CART_CHANGED")
  if (kept.followUps >= followUpMax) return halted(state, through, "TOO_MANY_FOLLOW_UPS")
  const operationId = OperationId.following(coming.origin, coming.version)
  const workKey = kept.workKeys.find((one) => one.state === state)?.key ?? OperationId.workKeyOf(operationId)
  const deadlineAt = coming.at + (task.deadlineMillis ?? defaultDeadlineMillis)
  const followUp = { operationId, workKey, deadlineAt, cartRevision: cart.revision, nextState }
  return { to: state, archives, proceeded: { through, followUp, halted: null } }
}

/** The same for a client's call, or an operator's, named `requestId`: it comes to `to`, and its follow-ups are counted anew. */
export const arriveByCall = (
  flow: Flow,
  { workKeys }: SessionState,
  { version }: CheckoutSession,
  to: string,
  { facts: { cart, cartStatus }, nowMillis: at }: SessionTurn,
  requestId: string
): Arriving =>
  arrive(flow, to, {
    at,
    version: version + 1,
    origin: requestId,
    cart: { cartStatus, revision: cart?.revision ?? null },
    cartChanged: false,
    kept: { workKeys, followUps: 0 }
  })

const halted = (
  to: string,
  through: ReadonlyArray<string>,
  reason: NonNullable<NonNullable<Arriving["proceeded"]>["halted"]>
): Arriving => ({ to, archives: false, proceeded: { through, followUp: null, halted: reason } })
