/**
 * Proceeding: the part of an event that records automatic steps. When a session comes to a state that proceeds, the
 * event records the states passed through and the follow-up claim. All of it is one commit and one version. Pure: ids
 * are derived, not random.
 *
 * Owns when the automatic steps stop. Does not own which state proceeds where (Arrival). Source: CONTRACT §2, "States
 * that proceed".
 */
import { type Flow, isFinal } from "../flow/Flow.js"
import { defaultDeadlineMillis } from "../flow/Task.js"
import { type CartRevision, isUpdatable } from "../ports/Carts.js"
import type { Facts } from "../ports/Guard.js"
import type { CheckoutSession } from "../session/CheckoutSession.js"
import * as OperationId from "../session/OperationId.js"
import type { Arriving } from "../session/SessionEvent.js"
import type { SessionState } from "../session/SessionState.js"
import type { SessionTurn } from "./SessionCommand.js"

/**
 * Most follow-up claims after one call of a client. Results that choose a state may lead back, so a session could loop
 * for ever.
 */
export const followUpMax = 100

/** The context in which a session comes to a state. */
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
  /** The session's work keys, and the number of follow-up claims since the client's call. */
  readonly kept: Pick<SessionState, "workKeys"> & { readonly followUps: number }
}

/**
 * Returns where a session that comes to the state `to` finally stays, and the automatic steps for the event. A state
 * that does not proceed is final here, and needs no `comingOf`.
 */
export const arrive = (flow: Flow, to: string, comingOf: () => Coming): Arriving => {
  const arrival = flow.arrivals.get(to)
  if (arrival === undefined) return { to, archives: isFinal(flow, to) }
  const coming = comingOf()
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

/** `arrive` for a call of a client or an operator, named `requestId`; follow-up claims are counted from 0. */
export const arriveByCall = (
  flow: Flow,
  { workKeys }: SessionState,
  { version }: CheckoutSession,
  to: string,
  { facts: { cart, cartStatus }, nowMillis: at }: SessionTurn,
  requestId: string
): Arriving =>
  arrive(flow, to, () => ({
    at,
    version: version + 1,
    origin: requestId,
    cart: { cartStatus, revision: cart?.revision ?? null },
    cartChanged: false,
    kept: { workKeys, followUps: 0 }
  }))

const halted = (
  to: string,
  through: ReadonlyArray<string>,
  reason: NonNullable<NonNullable<Arriving["proceeded"]>["halted"]>
): Arriving => ({ to, archives: false, proceeded: { through, followUp: null, halted: reason } })
