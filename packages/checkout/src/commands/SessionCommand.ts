/**
 * SessionCommand: the messages a session's mailbox takes, and the one shape of their replies. Inputs are validated before
 * a command is made; the command files hold the rules.
 */
import type { Behavior } from "@onelane/engine"
import type { CheckoutError } from "../errors/CheckoutError.js"
import type { Flow, Transition } from "../flow/Flow.js"
import type { Caller } from "../ports/Caller.js"
import type { Facts } from "../ports/Guard.js"
import type { UpdateInput } from "../service/CheckoutSessions.js"
import { type CheckoutSession, type ClosedBy, copyOf, type TaskCause } from "../session/CheckoutSession.js"
import type { IdsShape } from "../session/Ids.js"
import type { SessionEvent, SessionState } from "../session/SessionState.js"

/** A message to one session. `caller` is null where the engine itself speaks (a task result, a clock). */
export type SessionCommand =
  | {
      readonly tag: "Open"
      readonly caller: Caller
      readonly requestId: string
      readonly session: Pick<CheckoutSession, "id" | "cartId" | "storeId" | "accountId" | "ownerId" | "state">
      /** The opener said whose the cart is: a live session says so, too, from now on. */
      readonly assigns?: boolean | undefined
      /** Its life, counted from the turn; null when it never expires. */
      readonly lifeMillis: number | null
    }
  | {
      readonly tag: "Update"
      readonly caller: Caller
      readonly transition: Transition
      readonly expectedVersion: UpdateInput["expectedVersion"]
      readonly idempotencyKey: UpdateInput["idempotencyKey"]
      /** Names the update, if it is accepted: most updates of a crowded session are refused and need no id. */
      readonly ids: IdsShape
    }
  | { readonly tag: "Read"; readonly caller: Caller }
  | {
      readonly tag: "Cancel"
      readonly caller: Caller
      readonly requestId: string
      /** The cart whose session is meant, null when the session was named itself. */
      readonly cartId: string | null
      readonly expectedVersion: number | null
    }
  | {
      readonly tag: "CompleteTask"
      readonly caller: Caller | null
      readonly operationId: string
      readonly orderId: string | null
    }
  | {
      readonly tag: "FailTask"
      readonly caller: Caller | null
      readonly operationId: string
      readonly cause: TaskCause
      /** Whether the failed work may have had an effect all the same. */
      readonly applied: "no" | "unknown"
    }
  | { readonly tag: "ReleaseClaim"; readonly caller: Caller; readonly operationId: string; readonly reason: string }
  | { readonly tag: "Expire" }

/** One command by its tag. */
export type CommandOf<Tag extends SessionCommand["tag"]> = Extract<SessionCommand, { readonly tag: Tag }>

/** What every accepted message is answered with; the session is a copy. `replayed`: it had been accepted (or the session opened) before. */
export interface SessionReply {
  readonly requestId: string
  readonly replayed: boolean
  readonly session: CheckoutSession
  /** The answer is this refusal, although the turn committed something: a late success was kept. */
  readonly refused?: CheckoutError | undefined
}

/** What a turn knows. */
export type SessionTurn = Behavior.Turn<Facts, SessionState, SessionEvent>

/** The verdict on one command. */
export type Decided = Behavior.Verdict<SessionState, SessionEvent, SessionReply, CheckoutError>

/** The rule of one command. */
export type Decide<Tag extends SessionCommand["tag"]> = (
  flow: Flow,
  state: SessionState,
  command: CommandOf<Tag>,
  turn: SessionTurn
) => Decided

/** Accepts with one event, and records these digests; the reply shows the session after it. */
export const accept = (event: SessionEvent, requestId: string, digests?: ReadonlyArray<string>): Decided => ({
  events: [event],
  digests,
  reply: (after) => ({ requestId, replayed: false, session: copyOf(after.session as CheckoutSession) })
})

/** Answers without changing anything. */
export const show = (session: CheckoutSession, requestId: string): Decided => ({
  events: [],
  reply: () => ({ requestId, replayed: true, session: copyOf(session) })
})

/** Step 9 of CONTRACT §3: why a session takes no more updates, or null. A running task ends before an expiry counts. */
export const closedReason = (state: SessionState, turn: Pick<SessionTurn, "nowMillis">): ClosedBy | null => {
  const { session } = state
  if (session === null) return null
  if (session.closedBy !== null) return session.closedBy
  const past = session.expiresAt !== null && turn.nowMillis >= session.expiresAt
  return past && !session.isProcessing ? "EXPIRED" : null
}
