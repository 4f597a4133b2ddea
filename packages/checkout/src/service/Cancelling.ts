/**
 * Cancelling: cancels by session or by cart. A cart may have another session when a cancel is retried, so the first use
 * of a key is recorded at the cart, with its session, before that session is cancelled.
 */
import * as Effect from "effect/Effect"
import type { CommandOf } from "../commands/SessionCommand.js"
import type { CancelError } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import type { Caller } from "../ports/Caller.js"
import { authorise, bounded, subjectOf } from "../ports/Guard.js"
import * as IdempotencyKey from "../session/IdempotencyKey.js"
import type { Parts } from "./CheckoutService.js"
import type * as S from "./CheckoutSessions.js"
import { belongsTo } from "./Finding.js"
import { cartFor } from "./Opening.js"

/** Cancels a session, or the session of a cart. */
export const cancel = (parts: Parts, caller: Caller, input: S.CancelInput): Effect.Effect<S.Cancelled, CancelError> =>
  Effect.gen(function* () {
    const use = IdempotencyKey.useOf("cancel", caller.userId, input.idempotencyKey, IdempotencyKey.inputOf(input))
    const requestId = parts.ids.next("req")
    const { cartId = null, checkoutSessionId, expectedVersion = null, reason = null } = input
    const id = checkoutSessionId ?? (yield* sessionOf(parts, caller, cartId as string, requestId, use))
    if (id === null) return { requestId, replayed: false, session: null }
    const command: CommandOf<"Cancel"> = { tag: "Cancel", caller, requestId, cartId, expectedVersion, reason, use }
    const asked = parts.sessions
      .ask(id, command)
      .pipe(Effect.map(({ replayed, requestId, session }): S.Cancelled => ({ requestId, replayed, session })))
    if (cartId === null) return yield* asked
    // Another caller has cancelled it, so there is nothing to cancel.
    return yield* Effect.catchIf(asked, isCancelled, () =>
      Effect.succeed({ requestId, replayed: false, session: null })
    )
  })

const isCancelled = (error: CancelError): boolean => error._tag === "SessionClosed" && error.reason === "CANCELLED"

// Null if the cart has no session to cancel.
const sessionOf = (
  parts: Parts,
  caller: Caller,
  cartId: string,
  requestId: string,
  use: IdempotencyKey.KeyUse | null
) =>
  Effect.gen(function* () {
    const { carts, ports } = parts
    const cart = yield* bounded(ports, "carts", cartFor(ports, caller, cartId))
    if (cart === null) return yield* Effect.fail(Refusal.sessionInaccessible)
    const asked = ports.access.rights(caller, "cancel", subjectOf(cartId, cart))
    const denied = authorise(cart, yield* bounded(ports, "access", asked))
    if (denied !== null) return yield* Effect.fail(denied)
    const { completed, sessionId, used } = yield* carts.ask(cartId, { tag: "Recall", use })
    if (used !== null) return used.sessionId
    if (sessionId === null || !(yield* belongsTo(parts.sessions, sessionId, cartId)))
      return completed === null ? null : yield* Effect.fail(Refusal.cartCompleted(completed))
    if (use === null) return sessionId
    const first = yield* carts.ask(cartId, { tag: "Remember", use, requestId, sessionId, shown: null })
    return first.used?.sessionId ?? sessionId
  })
