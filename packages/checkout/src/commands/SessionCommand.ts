/**
 * SessionCommand: the messages a session's mailbox takes, and the one shape of their replies. Inputs are validated before
 * a command is made; the command files hold the rules.
 */
import type { Behavior } from "@onelane/engine"
import * as Exit from "effect/Exit"
import type {
  AccessError,
  CancelError,
  CheckoutError,
  IdempotencyConflict,
  OpenError,
  OperationError,
  OperationNotCurrent,
  UpdateError
} from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import type { Flow, Transition } from "../flow/Flow.js"
import type { Caller } from "../ports/Caller.js"
import type { Facts } from "../ports/Guard.js"
import type { UpdateInput } from "../service/CheckoutSessions.js"
import { type CheckoutSession, copyOf, type TaskCause } from "../session/CheckoutSession.js"
import type { KeyUse } from "../session/IdempotencyKey.js"
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
      readonly use?: KeyUse | null | undefined
      /** The cart's lane recorded that this key asked for this very session: what became of it since does not count. */
      readonly isKnown?: boolean | undefined
    }
  | {
      readonly tag: "Update"
      readonly caller: Caller
      readonly transition: Transition
      readonly expectedVersion: UpdateInput["expectedVersion"]
      readonly use: KeyUse | null
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
      readonly use?: KeyUse | null | undefined
    }
  | {
      readonly tag: "CompleteTask"
      readonly caller: Caller | null
      readonly operationId: string
      readonly orderId: string | null
      readonly use?: KeyUse | null | undefined
    }
  | {
      readonly tag: "FailTask"
      readonly caller: Caller | null
      readonly operationId: string
      readonly cause: TaskCause
      /** Whether the failed work may have had an effect all the same. */
      readonly applied: "no" | "unknown"
      readonly use?: KeyUse | null | undefined
    }
  | {
      readonly tag: "ReleaseClaim"
      readonly caller: Caller
      readonly operationId: string
      readonly reason: string
      readonly use?: KeyUse | null | undefined
    }
  | { readonly tag: "Expire" }

/** One command by its tag. */
export type CommandOf<Tag extends SessionCommand["tag"]> = Extract<SessionCommand, { readonly tag: Tag }>

/** What every accepted message is answered with; the session is a copy. `replayed`: it had been accepted before. `created`: an open's only. */
export interface SessionReply {
  readonly requestId: string
  readonly replayed: boolean
  readonly created?: boolean | undefined
  readonly session: CheckoutSession
  /** The answer is this refusal, although the turn committed something: a late success was kept. */
  readonly refused?: OperationNotCurrent | undefined
}

/** What each command may be refused with: its rule is checked against this, and so is the method that sends it. */
export interface CommandErrors {
  readonly Open: OpenError
  readonly Update: UpdateError
  readonly Read: AccessError
  readonly Cancel: CancelError
  readonly CompleteTask: OperationError
  readonly FailTask: OperationError
  readonly ReleaseClaim: OperationError
  readonly Expire: AccessError
}

/** What a command with this tag may be refused with. */
export type ErrorOf<Tag extends SessionCommand["tag"]> = CommandErrors[Tag]

/** What a turn knows. */
export type SessionTurn = Behavior.Turn<Facts, SessionState, SessionEvent>

/** The verdict on one command, which is refused with nothing but `E`. */
export type Decided<E extends CheckoutError = CheckoutError> = Behavior.Verdict<
  SessionState,
  SessionEvent,
  SessionReply,
  E
>

/** The rule of one command. */
export type Decide<Tag extends SessionCommand["tag"]> = (
  flow: Flow,
  state: SessionState,
  command: CommandOf<Tag>,
  turn: SessionTurn
) => Decided<ErrorOf<Tag>>

/** Accepts with one event, and records these digests; the reply shows the session after it. */
export const accept = (event: SessionEvent, requestId: string, digests?: ReadonlyArray<string>): Decided<never> => ({
  events: [event],
  digests,
  reply: (after) => ({ requestId, replayed: false, session: copyOf(after.session as CheckoutSession) })
})

/** Answers without changing anything. */
export const show = (session: CheckoutSession, requestId: string): Decided<never> => ({
  events: [],
  reply: () => ({ requestId, replayed: false, session: copyOf(session) })
})

/** Answers with what was accepted before, as it was then. */
export const replay = (session: CheckoutSession, requestId: string, created = false): Decided<never> => ({
  events: [],
  reply: () => {
    const answer = { requestId, replayed: true, session: copyOf(session) }
    return created ? { ...answer, created } : answer
  }
})

/** The digest of a key, where one was given, and more. */
export const digestsWith = (use: KeyUse | null | undefined, ...more: ReadonlyArray<string>): ReadonlyArray<string> =>
  use === null || use === undefined ? more : [use.digest, ...more]

/**
 * Step 8 of CONTRACT §3: the answer this key was given before, as it was; a refusal where the input was another one; null
 * for a key that nothing was accepted under. Only accepted commands are recorded, so nothing transient is ever replayed.
 */
export const answeredBefore = (turn: SessionTurn, use: KeyUse): Decided<IdempotencyConflict> | null => {
  const record = turn.records.find(({ digest }) => digest === use.digest)
  if (record === undefined) return null
  const { event, state } = record
  const session = state.session as CheckoutSession
  const requestId = "requestId" in event ? event.requestId : (session.lastRequestId ?? "")
  if (!("use" in event) || event.use?.input !== use.input) return Exit.fail(Refusal.idempotencyConflict(requestId))
  return replay(session, requestId, event.type === "Opened")
}
