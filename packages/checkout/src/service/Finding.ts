/**
 * Finding: returns the live session of a cart, or how its last one ended. Reads the cart, the caller's rights, the
 * cart's actor and then the session; writes nothing and creates nothing.
 *
 * A cart that is gone is still found through its session: the session's last known owner, account and store then decide
 * the rights, as for a `get`.
 */
import { Answer, EffectRunner } from "@onelane/engine"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { CartState, Completed } from "../commands/CartBehavior.js"
import type { AccessError } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import type { Caller } from "../ports/Caller.js"
import { authorise, bounded, subjectOf } from "../ports/Guard.js"
import type { CheckoutSession } from "../session/CheckoutSession.js"
import { closedReason, initial } from "../session/SessionState.js"
import type { Sessions } from "../work/Sessions.js"
import type { Parts } from "./CheckoutService.js"
import type * as S from "./CheckoutSessions.js"
import { cartFor } from "./Opening.js"

type Finding = Effect.Effect<S.Found, AccessError>

/** Finds the session of a cart for a caller who may invoke the action. */
export const find = (parts: Parts, caller: Caller, { cartId }: S.FindInput): Finding => {
  const { ports } = parts
  return EffectRunner.flatMapNow(bounded(ports, "carts", cartFor(ports, caller, cartId)), (cart): Finding => {
    if (cart === null)
      return EffectRunner.flatMapNow(stateOf(parts, cartId), (state) => orphan(parts, caller, cartId, state))
    const asked = ports.access.rights(caller, "read", subjectOf(cartId, cart))
    return EffectRunner.flatMapNow(bounded(ports, "access", asked), (rights): Finding => {
      const denied = authorise(cart, rights)
      if (denied !== null) return Exit.fail(denied)
      return EffectRunner.flatMapNow(stateOf(parts, cartId), (state) => named(parts, caller, cartId, state))
    })
  })
}

const stateOf = ({ carts }: Parts, cartId: string): Effect.Effect<CartState, AccessError> =>
  EffectRunner.mapNow(carts.read(cartId), ({ state }) => state)

const nothing = (completed: Completed | null): S.Found => ({
  session: null,
  closed: completed === null ? null : { ...completed, closedBy: "COMPLETED", closedAt: null }
})

const readSession = (parts: Parts, caller: Caller, id: string): Effect.Effect<CheckoutSession, AccessError> =>
  EffectRunner.mapNow(Answer.toEffect(parts.sessions.send(id, { tag: "Read", caller })), ({ session }) => session)

// The cart is gone: its session decides the rights.
const orphan = (parts: Parts, caller: Caller, cartId: string, { sessionId }: CartState): Finding => {
  if (sessionId === null) return Exit.fail(Refusal.sessionInaccessible)
  return EffectRunner.flatMapNow(readSession(parts, caller, sessionId), (session) =>
    session.cartId === cartId ? Exit.succeed(shown(parts, session)) : Exit.fail(Refusal.sessionInaccessible)
  )
}

const named = (parts: Parts, caller: Caller, cartId: string, { completed, sessionId }: CartState): Finding => {
  if (sessionId === null) return Exit.succeed(nothing(completed))
  return EffectRunner.flatMapNow(belongsTo(parts.sessions, sessionId, cartId), (isOwn): Finding => {
    if (!isOwn) return Exit.succeed(nothing(completed))
    return EffectRunner.mapNow(readSession(parts, caller, sessionId), (session) => shown(parts, session))
  })
}

/** Whether a session belongs to a cart. The cart's actor may name one that was not opened yet, or that of another cart. */
export const belongsTo = (
  sessions: Pick<Sessions, "read">,
  sessionId: string,
  cartId: string
): Effect.Effect<boolean, AccessError> =>
  EffectRunner.mapNow(sessions.read(sessionId), ({ state: { session } }) => session?.cartId === cartId)

// A session past its expiry is closed, even if that is not durable yet.
const shown = ({ nowMillis }: Parts, session: CheckoutSession): S.Found => {
  const closedBy = closedReason({ ...initial, session }, { nowMillis: nowMillis() })
  if (closedBy === null) return { session, closed: null }
  const { expiresAt, id: checkoutSessionId, isArchived, orderId, updatedAt } = session
  return {
    session: null,
    closed: { checkoutSessionId, closedBy, orderId, closedAt: isArchived ? updatedAt : expiresAt }
  }
}
