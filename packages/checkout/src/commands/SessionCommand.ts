/**
 * SessionCommand: the commands to a session, and their common reply. Inputs are validated before a command is created;
 * the command files have the rules.
 */
import type { Behavior } from "@onelane/engine"
import * as Exit from "effect/Exit"
import type {
  AccessError,
  CancelError,
  CheckoutError,
  CompleteError,
  IdempotencyConflict,
  InvalidState,
  MoveError,
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
import type * as MergePatch from "../session/MergePatch.js"
import type { SessionEvent } from "../session/SessionEvent.js"
import type { SessionState } from "../session/SessionState.js"
import type * as Proceeding from "./Proceeding.js"

/** A command to one session. `caller` is null if the engine itself sends it (a task result, a clock). */
export type SessionCommand =
  | {
      readonly tag: "Open"
      readonly caller: Caller
      readonly requestId: string
      readonly session: Pick<CheckoutSession, "id" | "cartId" | "storeId" | "accountId" | "ownerId" | "state">
      /** The merge patch of a new session, copied but not validated. */
      readonly data?: MergePatch.Taken | null | undefined
      /** The opener assigned the cart's owner, which a live session adopts. */
      readonly assigns?: boolean | undefined
      /** The cart as the opener found it. */
      readonly cart: Proceeding.Coming["cart"]
      /** The session's lifetime from this turn on; null: it never expires. */
      readonly lifeMillis: number | null
      readonly use?: KeyUse | null | undefined
      /** The cart's actor reserved this session for this key, so it is shown whatever its state is now. */
      readonly isKnown?: boolean | undefined
    }
  | {
      readonly tag: "Update"
      readonly caller: Caller
      readonly transition: Transition
      readonly expectedVersion: UpdateInput["expectedVersion"]
      /** A merge patch, copied but not validated; null or absent: none. */
      readonly data?: MergePatch.Taken | null | undefined
      readonly use: KeyUse | null
      /**
       * The refusal of step 4 for a state that the flow does not have, unless the session had it; absent: the flow has
       * both.
       */
      readonly unknown?: InvalidState | undefined
      /**
       * Creates the request id if the update is accepted; most updates of a contended session are refused and need
       * none.
       */
      readonly ids: IdsShape
    }
  | { readonly tag: "Read"; readonly caller: Caller }
  | {
      readonly tag: "Cancel"
      readonly caller: Caller
      readonly requestId: string
      /** The cart, if the caller named it; null if the caller named the session. */
      readonly cartId: string | null
      readonly expectedVersion: number | null
      /** Why, for the history; null or absent: no reason given. */
      readonly reason?: string | null | undefined
      readonly use?: KeyUse | null | undefined
    }
  | {
      readonly tag: "CompleteTask"
      readonly caller: Caller | null
      readonly operationId: string
      readonly expectedVersion?: number | null | undefined
      readonly orderId: string | null
      /** The state chosen by the result; null or absent: the one the task was claimed for. */
      readonly next?: string | null | undefined
      /** Why a result of the engine's own task is invalid; its order id is kept all the same. */
      readonly fault?: string | undefined
      /** A merge patch, copied but not validated. */
      readonly data?: MergePatch.Taken | undefined
      readonly use?: KeyUse | null | undefined
    }
  | {
      readonly tag: "FailTask"
      readonly caller: Caller | null
      readonly operationId: string
      readonly expectedVersion?: number | null | undefined
      readonly cause: TaskCause
      /** Whether the failed work may have had an effect. */
      readonly applied: "no" | "unknown"
      readonly use?: KeyUse | null | undefined
    }
  | {
      readonly tag: "ReleaseClaim"
      readonly caller: Caller
      readonly operationId: string
      readonly expectedVersion?: number | null | undefined
      readonly reason: string
      readonly use?: KeyUse | null | undefined
    }
  | {
      readonly tag: "Move"
      readonly caller: Caller
      readonly requestId: string
      readonly state: string
      readonly reason: string
      readonly expectedVersion: number | null
      readonly use: KeyUse | null
    }
  | { readonly tag: "Expire" }

/** One command by its tag. */
export type CommandOf<Tag extends SessionCommand["tag"]> = Extract<SessionCommand, { readonly tag: Tag }>

/**
 * The reply to every accepted command; the session is a copy. `replayed`: it was accepted before. `created`: for an
 * open only.
 */
export interface SessionReply {
  readonly requestId: string
  readonly replayed: boolean
  readonly created?: boolean | undefined
  readonly session: CheckoutSession
  /** The caller gets this refusal although the turn committed an event: a late success was kept. */
  readonly refused?: OperationNotCurrent | undefined
}

/** The errors of each command; the compiler checks its rule and the method that sends it against this table. */
export interface CommandErrors {
  readonly Open: OpenError
  readonly Update: UpdateError
  readonly Read: AccessError
  readonly Cancel: CancelError
  readonly CompleteTask: CompleteError
  readonly FailTask: OperationError
  readonly ReleaseClaim: OperationError
  readonly Move: MoveError
  readonly Expire: AccessError
}

/** The errors of a command with this tag. */
export type ErrorOf<Tag extends SessionCommand["tag"]> = CommandErrors[Tag]

/** The input of a turn. */
export type SessionTurn = Behavior.Turn<Facts, SessionState, SessionEvent>

/** The outcome of one command, whose errors are `E`. */
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

/** Accepts with one event and records these digests; the reply has the session after the event. */
export const accept = (event: SessionEvent, requestId: string, digests?: ReadonlyArray<string>): Decided<never> => ({
  events: [event],
  digests,
  reply: (after) => ({ requestId, replayed: false, session: copyOf(after.session as CheckoutSession) })
})

/** Replies without a change. */
export const show = (session: CheckoutSession, requestId: string): Decided<never> => ({
  events: [],
  reply: () => ({ requestId, replayed: false, session: copyOf(session) })
})

/** Replays an earlier acceptance, with the session as it was then. */
export const replay = (session: CheckoutSession, requestId: string, created = false): Decided<never> => ({
  events: [],
  reply: () => {
    const answer = { requestId, replayed: true, session: copyOf(session) }
    return created ? { ...answer, created } : answer
  }
})

/** The digest of a key, if one was given, and further ones. */
export const digestsWith = (use: KeyUse | null | undefined, ...more: ReadonlyArray<string>): ReadonlyArray<string> =>
  use === null || use === undefined ? more : [use.digest, ...more]

/**
 * Step 8 of CONTRACT §3: returns the earlier answer of this key, a refusal if its input differs, or null if nothing was
 * accepted under it. Only accepted commands are recorded, so no transient error is ever replayed.
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
