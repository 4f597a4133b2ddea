/**
 * CompleteTask: the task of the current state succeeded; the session moves to the state that the accepted update named,
 * or the one that the result chose. Source: CONTRACT §2.
 */

import * as Exit from "effect/Exit"
import type { InvalidCheckoutSessionId, InvalidInput, InvalidState, OperationError } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import type { DataFault } from "../flow/DataSchema.js"
import { allows, type Flow } from "../flow/Flow.js"
import { badResult, wordMaxLength } from "../flow/TaskResult.js"
import { ownerNow } from "../ports/Guard.js"
import type { CompleteTaskInput } from "../service/CheckoutSessions.js"
import { type CheckoutSession, copyOf, type TaskCause } from "../session/CheckoutSession.js"
import { stateMaxLength } from "../session/CheckoutState.js"
import { isSame, JsonFault, type JsonObject } from "../session/Json.js"
import type { Arriving, SessionEvent } from "../session/SessionEvent.js"
import type { SessionState } from "../session/SessionState.js"
import * as CloseOperation from "./CloseOperation.js"
import * as Input from "./Input.js"
import * as Proceeding from "./Proceeding.js"
import { accept, type CommandOf, type Decide, type Decided, digestsWith, type SessionTurn } from "./SessionCommand.js"

/** The fields of the input. */
export const fields = CloseOperation.fieldsWith({
  orderId: Input.optionalTextUpTo(wordMaxLength),
  next: Input.optionalTextUpTo(stateMaxLength),
  data: Input.optionalPatch
})

/** Copies the input. */
export const take = (input: CompleteTaskInput): CompleteTaskInput => Input.takeWithPatch(input, fields)

const checkFields = CloseOperation.checkWith(fields)

/** Steps 2-4. */
export const check = (
  flow: Flow,
  input: CompleteTaskInput
): InvalidInput | InvalidCheckoutSessionId | InvalidState | null => {
  const invalid = checkFields(input) ?? Input.refusesPatch(flow, input.data)
  if (invalid !== null) return invalid
  const { states } = flow
  const { next } = input
  return isGiven(next) && !states.has(next) ? Refusal.unknownState(["next"], states) : null
}

const isGiven = (next: string | null | undefined): next is string => next !== undefined && next !== null

// A task of this process returned data that its flow refuses.
const invalidData = "INVALID_DATA"

const cartChanged = Object.freeze({ code: "CART_CHANGED", message: "The cart changed while the task ran." })

/**
 * Moves the session, once, to the state that the result chose, or else to the one it was claimed for. The session goes
 * to `Error` if the task refuses a cart that has changed since the claim, chose a state that may not follow, or
 * returned data that the flow refuses (step 13a). If a host reports such a state or such data, the call is refused and
 * the claim stays. A late success is kept, because a payment may have been made; its data is not.
 */
export const decide: Decide<"CompleteTask"> = (flow, state, command, turn) => {
  const found = CloseOperation.claimOf(state, command, turn)
  if ("_tag" in found) return found
  if ("answered" in found) return found.answered
  if ("over" in found) return tooLate(found.over, command, turn)
  const { session } = found
  const { state: from } = session
  const { caller, next = null, operationId, use = null } = command
  const isAstray = next !== null && !allows(flow, from, next)
  if (isAstray && caller !== null) return Exit.fail(Refusal.transitionNotAllowed(session, followersOf(flow, from)))
  const dataFault = dataFaultOf(flow, session, command)
  if (dataFault !== null && caller !== null) return Exit.fail(Refusal.invalidData(dataFault, session))
  const cause = failureOf(flow, found, command, isAstray) ?? causeOf(dataFault)
  const event =
    cause === null
      ? completion(found, command, goOn(flow, state, found, next ?? found.nextState, turn), turn)
      : failed(found, command, cause, turn)
  return accept(event, session.lastRequestId ?? "", digestsWith(use, operationId))
}

const failed = (
  claim: CloseOperation.Claim,
  { caller, operationId, orderId, use = null }: CommandOf<"CompleteTask">,
  cause: TaskCause,
  { facts: { cart }, nowMillis: at }: SessionTurn
): SessionEvent => {
  const { session, workKey } = claim
  const by = caller === null ? null : caller.userId
  const closing = { at, from: session.state, by, operationId, workKey, orderId, owner: ownerNow(session, cart), use }
  return { type: "TaskFailed", cause, applied: "unknown", ...closing, ...CloseOperation.noted(claim) }
}

// A literal: most results bring no more, and a spread costs more than the rest.
const completion = (
  claim: CloseOperation.Claim,
  { caller, data, operationId, orderId, use = null }: CommandOf<"CompleteTask">,
  { archives, proceeded, to }: Arriving,
  { facts: { cart }, nowMillis: at }: SessionTurn
): SessionEvent => {
  const { cartChanged, session, workKey } = claim
  const event = {
    type: "TaskCompleted",
    to,
    archives,
    at,
    from: session.state,
    by: caller === null ? null : caller.userId,
    operationId,
    workKey,
    orderId,
    owner: ownerNow(session, cart),
    use
  } as const
  if (proceeded === undefined && data === undefined && !cartChanged) return event
  const steps = proceeded === undefined ? {} : { proceeded }
  const patch = data === undefined ? {} : { data: data as JsonObject }
  return { ...event, ...steps, ...CloseOperation.noted(claim), ...patch }
}

// A chain keeps the cart revision of its beginning, so its last step detects a change since the first one.
const goOn = (
  flow: Flow,
  state: SessionState,
  { cartChanged, session: { operationId, state: from, version } }: CloseOperation.Claim,
  to: string,
  { facts: { cart, cartStatus }, nowMillis: at }: SessionTurn
): Arriving =>
  Proceeding.arrive(flow, to, () => ({
    at,
    version: version + 1,
    origin: operationId ?? "",
    cart: { cartStatus, revision: state.cartRevision ?? cart?.revision ?? null },
    cartChanged,
    kept: { workKeys: state.workKeys.filter((one) => one.state !== from), followUps: state.followUps ?? 0 }
  }))

// Why a success counts as a failure; null if it does not.
const failureOf = (
  flow: Flow,
  { cartChanged: isChanged, session }: CloseOperation.Claim,
  { fault }: CommandOf<"CompleteTask">,
  isAstray: boolean
): TaskCause | null => {
  const { state: from } = session
  if (isChanged && flow.tasks.get(from)?.whenCartChanged === "refuse") return cartChanged
  if (fault !== undefined) return { code: badResult, message: fault }
  if (!isAstray) return null
  const allowed = followersOf(flow, from).slice(0, Refusal.namedStates).join(", ")
  return { code: badResult, message: `The task chose a state that does not follow ${from}; these do: ${allowed}.` }
}

const followersOf = ({ edges }: Flow, state: string): ReadonlyArray<string> => [...(edges.get(state) ?? [])]

const dataFaultOf = (flow: Flow, session: CheckoutSession, { data }: CommandOf<"CompleteTask">): DataFault | null => {
  if (data === undefined) return null
  const merged = flow.data === null ? noData : flow.data.merge(session.data, data)
  return "reason" in merged ? merged : null
}

const noData: DataFault = Object.freeze({ reason: "DATA_MISMATCH", paths: [] })

const causeOf = (fault: DataFault | null): TaskCause | null => {
  if (fault === null) return null
  const message =
    fault === noData ? "The flow declares no data, and the task brought some." : Refusal.dataSentence(fault)
  return { code: invalidData, message }
}

// On a live session a late success is an event that leaves the state unchanged. An archived session never changes, so
// the cart's actor keeps it (LateResults).
const tooLate = (
  over: CloseOperation.Over,
  command: CommandOf<"CompleteTask">,
  turn: SessionTurn
): Decided<OperationError> => {
  const { closed, late, reason, session } = over
  if (closed === null) return CloseOperation.refuse(over)
  const { operationId, orderId } = command
  const { event } = closed
  if ("orderId" in event && event.orderId === orderId && !isCorrected(event, command))
    return isRepeated(event, command) ? CloseOperation.repeat(closed) : CloseOperation.refuse(over, true)
  if (late.some((one) => one.orderId === orderId)) return CloseOperation.refuse(over, true)
  if (session.isArchived || late.length >= CloseOperation.lateCapacity) return CloseOperation.refuse(over)
  const by = command.caller === null ? null : command.caller.userId
  const workKey = event.workKey ?? ""
  const kept = {
    type: "LateResult",
    at: turn.nowMillis,
    from: session.state,
    by,
    operationId,
    workKey,
    orderId,
    owner: ownerNow(session, turn.facts.cart)
  } as const
  return {
    events: [kept],
    digests: [CloseOperation.lateDigest(operationId, late.length)],
    reply: (after) => {
      const changed = after.session as CheckoutSession
      const refused = Refusal.operationNotCurrent(changed, reason, true)
      return { requestId: "", replayed: false, session: copyOf(changed), refused }
    }
  }
}

// True if the engine's own task returned an invalid result: a host's report after that is a different, late result.
const isCorrected = (event: CloseOperation.ClosingEvent, { caller }: CommandOf<"CompleteTask">): boolean =>
  caller !== null && event.type === "TaskFailed" && [badResult, invalidData].includes(event.cause.code)

// False if a result with the same order chooses another state or has other data: it contradicts the first one. Its
// order is in the history already.
const isRepeated = (event: CloseOperation.ClosingEvent, command: CommandOf<"CompleteTask">): boolean => {
  if (event.type !== "TaskCompleted") return true
  const { data, next = null } = command
  if (next !== null && next !== (event.proceeded?.through[0] ?? event.to)) return false
  if (data === undefined || event.data === undefined) return data === event.data
  return !(data instanceof JsonFault) && isSame(data, event.data)
}
