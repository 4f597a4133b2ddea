/**
 * Cancelling: the way of a cancel, by session or by cart. A cart may have another session by the time a cancel is sent again:
 * the first use of a key is recorded at the cart, with the session it meant, before that session is cancelled.
 */
import * as Effect from "effect/Effect"
import type { SessionCommand } from "../commands/SessionCommand.js"
import type { CancelError } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import type { Caller } from "../ports/Caller.js"
import { authorise, bounded, subjectOf } from "../ports/Guard.js"
import * as IdempotencyKey from "../session/IdempotencyKey.js"
import type { Parts } from "./CheckoutService.js"
import type * as S from "./CheckoutSessions.js"

/** Cancels a session, or that of a cart. */
export const cancel = (parts: Parts, caller: Caller, input: S.CancelInput): Effect.Effect<S.Cancelled, CancelError> =>
  Effect.gen(function* () {
    const use = IdempotencyKey.useOf("cancel", caller.userId, input.idempotencyKey, IdempotencyKey.inputOf(input))
    const requestId = parts.ids.next("req")
    const { cartId = null, checkoutSessionId, expectedVersion = null } = input
    const id = checkoutSessionId ?? (yield* sessionOf(parts, caller, cartId as string, requestId, use))
    if (id === null) return yield* Effect.fail(Refusal.sessionInaccessible)
    const command: SessionCommand = { tag: "Cancel", caller, requestId, cartId, expectedVersion, use }
    const { replayed, requestId: named, session } = yield* parts.sessions.ask(id, command)
    return { requestId: named, replayed, session }
  }) as Effect.Effect<S.Cancelled, CancelError>

const sessionOf = (
  { carts, ports }: Parts,
  caller: Caller,
  cartId: string,
  requestId: string,
  use: IdempotencyKey.KeyUse | null
) =>
  Effect.gen(function* () {
    const cart = use === null ? null : yield* bounded(ports, "carts", ports.carts.find(cartId))
    if (use === null || cart === null) return (yield* carts.ask(cartId, { tag: "Recall", use: null })).sessionId
    const asked = ports.access.rights(caller, "cancel", subjectOf(cartId, cart))
    const denied = authorise(cart, yield* bounded(ports, "access", asked))
    if (denied !== null) return yield* Effect.fail(denied)
    const { sessionId, used } = yield* carts.ask(cartId, { tag: "Recall", use })
    if (used !== null || sessionId === null) return used?.sessionId ?? null
    const first = yield* carts.ask(cartId, { tag: "Remember", use, requestId, sessionId, shown: null })
    return first.used?.sessionId ?? sessionId
  })
