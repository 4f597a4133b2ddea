/**
 * CloseOperation: shared by CompleteTask, FailTask and ReleaseClaim: the caller's rights (the engine itself needs
 * none), the fence (only the running operation can be closed), and the status of an operation that is not running.
 * Every event that closes a claim records the operation id, so a later result is recognised as repeated, late or
 * unknown.
 */
import * as Exit from "effect/Exit"
import type { InvalidCheckoutSessionId, InvalidInput, OperationError } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import { wordMaxLength } from "../flow/TaskResult.js"
import { authorise } from "../ports/Guard.js"
import type { CheckoutSession } from "../session/CheckoutSession.js"
import { keyMaxLength } from "../session/IdempotencyKey.js"
import { isSessionId } from "../session/Ids.js"
import type { SessionEvent } from "../session/SessionEvent.js"
import { closedReason, type SessionState } from "../session/SessionState.js"
import * as Input from "./Input.js"
import { answeredBefore, type CommandOf, type Decided, replay, type SessionTurn } from "./SessionCommand.js"

/** The fields of the input: session, operation, version, and those of the command. */
export const fieldsWith = <F extends Input.Fields>(more: F) => ({
  checkoutSessionId: Input.syntax,
  operationId: Input.textUpTo(wordMaxLength),
  expectedVersion: Input.optionalWhole(1, Number.MAX_SAFE_INTEGER),
  idempotencyKey: Input.optionalPlainUpTo(keyMaxLength),
  ...more
})

/** Steps 2-3 for an operation with these fields. */
export const checkWith =
  (fields: Input.Fields) =>
  (input: { readonly checkoutSessionId: string }): InvalidInput | InvalidCheckoutSessionId | null =>
    Input.accept(input, fields) ?? (isSessionId(input.checkoutSessionId) ? null : Refusal.invalidCheckoutSessionId)

/** The claim that the command closes. */
export interface Claim {
  readonly session: CheckoutSession
  readonly nextState: string
  readonly workKey: string
  /** The cart has another revision than when the task was claimed, or is gone. */
  readonly cartChanged: boolean
}

/** How an operation was closed: the event, and the session right after it. */
export interface Closed {
  readonly event: ClosingEvent
  readonly session: CheckoutSession
}

/** An event that closes an operation. */
export type ClosingEvent = Extract<
  SessionEvent,
  { readonly type: "TaskCompleted" | "TaskFailed" | "ClaimReleased" | "Cancelled" | "Migrated" }
>

/** The status of an operation that is not running. `closed` is null if it never ran in this session. */
export interface Over {
  readonly session: CheckoutSession
  readonly reason: Refusal.OperationReason
  readonly closed: Closed | null
  /** Late successes recorded for it so far. */
  readonly late: ReadonlyArray<Extract<SessionEvent, { readonly type: "LateResult" }>>
}

type Closing = CommandOf<"CompleteTask" | "FailTask" | "ReleaseClaim">

/**
 * Returns the claim that a command closes, the replayed answer of its key, the status of its operation, or a refusal:
 * the caller has no right to know, or the session is at another version than the caller expects.
 */
export const claimOf = (
  state: SessionState,
  command: Closing,
  turn: SessionTurn
):
  | Claim
  | { readonly answered: Decided<OperationError> }
  | { readonly over: Over }
  | Exit.Exit<never, OperationError> => {
  const { session } = state
  if (session === null) return Exit.fail(Refusal.sessionInaccessible)
  const denied = command.caller === null ? null : authorise(session, turn.facts.rights)
  if (denied !== null) return Exit.fail(denied)
  const { use = null } = command
  const answered = use === null ? null : answeredBefore(turn, use)
  if (answered !== null) return { answered }
  const { nextState, operationId, workKey } = session
  if (operationId === command.operationId && nextState !== null && workKey !== null) {
    const { expectedVersion = null } = command
    if (expectedVersion !== null && expectedVersion !== session.version)
      return Exit.fail(Refusal.versionMismatch(session))
    return { session, nextState, workKey, cartChanged: hasChanged(state, turn) }
  }
  const closed = closedBy(turn, command.operationId)
  const reason = reasonOf(state, turn, closed)
  const late = turn.records.map(({ event }) => event).filter((event) => event.type === "LateResult")
  return { over: { session, reason, closed, late } }
}

const hasChanged = ({ cartRevision = null }: SessionState, { facts: { cart } }: SessionTurn): boolean =>
  cartRevision !== null && (cart === null || cart.revision !== cartRevision)

/** The fields of the closing event for a changed cart; none if it did not change. */
export const noted = ({ cartChanged }: Claim): { readonly cartChanged?: true } => (cartChanged ? { cartChanged } : {})

/** Refuses a command that came too late; nothing is recorded. */
export const refuse = ({ reason, session }: Over, recorded = false): Exit.Exit<never, OperationError> =>
  Exit.fail(Refusal.operationNotCurrent(session, reason, recorded))

/** Repeats the first answer for a result that was reported before. */
export const repeat = ({ session }: Closed): Decided<never> => replay(session, session.lastRequestId ?? "")

const closedBy = (turn: SessionTurn, operationId: string): Closed | null => {
  const record = turn.records.find(({ digest }) => digest === operationId)
  if (record === undefined) return null
  const { event, state } = record
  switch (event.type) {
    case "TaskCompleted":
    case "TaskFailed":
    case "ClaimReleased":
    case "Cancelled":
    case "Migrated":
      return { event, session: state.session! }
    default:
      return null
  }
}

const reasonOf = (state: SessionState, turn: SessionTurn, closed: Closed | null): Refusal.OperationReason => {
  if (closed === null) return "OPERATION_UNKNOWN"
  if (closedReason(state, turn) === "EXPIRED") return "OPERATION_EXPIRED"
  if (closed.event.type === "Cancelled") return "OPERATION_CANCELLED"
  return closed.event.type === "ClaimReleased" ? "OPERATION_RELEASED" : "OPERATION_LATE"
}

/** Late successes with different order ids kept per operation. */
export const lateCapacity = 3

/**
 * The records of an operation that does not run: how it was closed, and its late successes. A malformed id has none,
 * and neither has the running operation.
 */
export const digestsOf = (
  { session }: SessionState,
  { operationId }: { readonly operationId: string }
): ReadonlyArray<string> =>
  session?.operationId !== operationId && /^[A-Za-z0-9_-]{1,56}$/.test(operationId)
    ? [operationId, ...Array.from({ length: lateCapacity }, (_, number) => lateDigest(operationId, number))]
    : []

/** The record of an operation's late success, counted from 0. */
export const lateDigest = (operationId: string, number: number): string => `late${number}_${operationId}`
