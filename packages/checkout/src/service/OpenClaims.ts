/**
 * OpenClaims: pages of the sessions with a running task, for external workers. Reads the journal's alarm index, in
 * which a claimed session is always due, and then each session with the caller's rights.
 */
import type { Journal } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Input from "../commands/Input.js"
import type { AccessError } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import type { AccessShape } from "../ports/Access.js"
import type { Caller } from "../ports/Caller.js"
import type { CheckoutSession } from "../session/CheckoutSession.js"
import { claimedAlarmMillis } from "../session/SessionState.js"
import type { ClaimsInput, ClaimsPage, OpenOperation, SessionCalls } from "./CheckoutSessions.js"

/** Most claimed sessions that one page reads. */
export const claimsMaxEntries = 200

/** The fields of the input. */
export const fields = {
  state: Input.optionalTextUpTo(30),
  after: Input.optionalTextUpTo(64),
  limit: Input.optionalWhole(1, claimsMaxEntries)
}

/** What the listing reads. */
export interface Parts {
  readonly journal: Pick<Journal.JournalShape, "alarms">
  readonly access: Pick<AccessShape, "mayInvoke">
  readonly get: SessionCalls["get"]
}

const isUnseen = ({ _tag }: AccessError): boolean =>
  _tag === "SessionInaccessible" || _tag === "AccountInaccessible" || _tag === "NotStoreMember"

/**
 * Lists claims in the order of their session ids. A caller who may not close claims is refused; sessions it may not see
 * are skipped.
 */
export type ListClaims = (caller: Caller, input: ClaimsInput) => Effect.Effect<ClaimsPage, AccessError>

/** Makes the listing. */
export const make =
  (parts: Parts): ListClaims =>
  (caller, input) =>
    list(parts, caller, input)

const list = (
  { access, get, journal }: Parts,
  caller: Caller,
  input: ClaimsInput
): Effect.Effect<ClaimsPage, AccessError> =>
  Effect.gen(function* () {
    const allowed = yield* Effect.mapError(access.mayInvoke(caller, "complete-task"), Refusal.portUnavailable)
    if (!allowed) return yield* Effect.fail(Refusal.actionNotPermitted)
    const fault = Input.accept(input, fields)
    if (fault !== null) return yield* Effect.fail(fault)
    const { after, limit = 100, state } = input
    const last = after === undefined ? undefined : { id: after, alarmMillis: claimedAlarmMillis }
    const due = yield* Effect.mapError(
      journal.alarms("session", claimedAlarmMillis, limit, last),
      ({ cause, reason }) => Refusal.portUnavailable({ _tag: "PortUnavailable", port: "journal", cause, reason })
    )
    const operations: Array<OpenOperation> = []
    for (const { id } of due) {
      const session = yield* Effect.catchIf(get(caller, { checkoutSessionId: id }), isUnseen, () =>
        Effect.succeed(null)
      )
      if (session?.isProcessing && (state === undefined || session.state === state))
        operations.push(operationOf(session))
    }
    return { operations, next: due.length < limit ? null : due[due.length - 1]!.id }
  })

const operationOf = (session: CheckoutSession): OpenOperation => {
  const { cartId, data, id, nextState, operationId, orderId, state, updatedAt, version, workKey } = session
  const claim = { operationId: operationId!, nextState: nextState!, workKey }
  return { ...claim, checkoutSessionId: id, cartId, state, orderId, version, updatedAt, data }
}
