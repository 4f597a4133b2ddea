/**
 * UpdateCheckoutSession: the update command: input, rules, decision. Moves a session from the state that the caller
 * expects to the next one; each time a session enters a state, at most one update out of it succeeds.
 *
 * Owns: the input and steps 4-13a of CONTRACT §3, in that order. Does not own: turns and durability.
 * Source: the action page; CONTRACT §2-§4.
 */

import * as Exit from "effect/Exit"
import type { InvalidCheckoutSessionId, InvalidInput, InvalidState, UpdateError } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import { type Flow, hasState, type Transition, transitionOf } from "../flow/Flow.js"
import { defaultDeadlineMillis } from "../flow/Task.js"
import type { Caller } from "../ports/Caller.js"
import { isUpdatable } from "../ports/Carts.js"
import { authorise, ownerNow } from "../ports/Guard.js"
import type { UpdateInput } from "../service/CheckoutSessions.js"
import { type CheckoutSession, copyOf } from "../session/CheckoutSession.js"
import { errorState, stateFault } from "../session/CheckoutState.js"
import * as IdempotencyKey from "../session/IdempotencyKey.js"
import { type IdsShape, isSessionId } from "../session/Ids.js"
import type { JsonObject } from "../session/Json.js"
import * as MergePatch from "../session/MergePatch.js"
import * as OperationId from "../session/OperationId.js"
import type { SessionEvent } from "../session/SessionEvent.js"
import { closedReason, type SessionState } from "../session/SessionState.js"
import * as Input from "./Input.js"
import { isRetired } from "./MigrateSession.js"
import * as Proceeding from "./Proceeding.js"
import {
  answeredBefore,
  type CommandOf,
  type Decide,
  type Decided,
  type SessionReply,
  type SessionTurn
} from "./SessionCommand.js"

const fields = {
  checkoutSessionId: Input.syntax,
  expCurrentState: Input.text,
  nextState: Input.text,
  expectedVersion: Input.optionalWhole(1, Number.MAX_SAFE_INTEGER),
  idempotencyKey: Input.optionalPlainUpTo(IdempotencyKey.keyMaxLength),
  data: Input.optionalPatch
}

// An input that was copied: these six fields and no others.
class TakenUpdate implements UpdateInput {
  constructor(
    readonly checkoutSessionId: string,
    readonly expCurrentState: string,
    readonly nextState: string,
    readonly expectedVersion: UpdateInput["expectedVersion"],
    readonly idempotencyKey: UpdateInput["idempotencyKey"],
    readonly data: UpdateInput["data"]
  ) {}
}

/**
 * Copies the input: each field is read once, and later changes by its owner have no effect. Unknown fields keep their
 * name, for the refusal.
 */
export const take = (input: UpdateInput): UpdateInput => {
  if (input instanceof TakenUpdate) return input
  if (typeof input !== "object" || input === null || Array.isArray(input)) return input
  const { checkoutSessionId, expCurrentState, nextState, expectedVersion, idempotencyKey, data: given } = input
  const data = given === undefined ? undefined : (MergePatch.take(given) as UpdateInput["data"])
  const values = new TakenUpdate(checkoutSessionId, expCurrentState, nextState, expectedVersion, idempotencyKey, data)
  let surplus = -3
  for (const _ in input) surplus += 1
  if (expectedVersion !== undefined) surplus -= 1
  if (idempotencyKey !== undefined) surplus -= 1
  if (data !== undefined) surplus -= 1
  return surplus === 0 ? values : Input.nameUnknown({ ...values }, input)
}

/**
 * Steps 2-4: returns the command, or why the input is invalid. Reads no session. `isKnown`: the id is that of an active
 * session, so its syntax need not be checked. The input must be a copy (`take`).
 */
export const make = (
  flow: Flow,
  caller: Caller,
  given: UpdateInput,
  ids: IdsShape,
  isKnown: boolean
): CommandOf<"Update"> | InvalidInput | InvalidCheckoutSessionId | InvalidState => {
  const input = given?.data === undefined ? given : take(given)
  const invalid = isPlain(input) ? null : (Input.accept(input, fields) ?? Input.refusesPatch(flow, input.data))
  if (invalid !== null) return invalid
  const { checkoutSessionId, expCurrentState, nextState, expectedVersion, idempotencyKey, data = null } = input
  if (!isKnown && !isSessionId(checkoutSessionId)) return Refusal.invalidCheckoutSessionId
  const transition = transitionOf(flow, expCurrentState, nextState)
  const refused = transition.isAllowed ? null : unknownStates(flow, transition)
  if (refused !== null && !mayBeFormer(flow, transition, input)) return refused
  if (expCurrentState === nextState && (expectedVersion ?? null) === null)
    return Refusal.sameState(expCurrentState, flow.edges.get(expCurrentState) ?? [])
  const use = typeof idempotencyKey === "string" ? keyUse(caller, idempotencyKey, input) : null
  const command: CommandOf<"Update"> = { tag: "Update", caller, transition, expectedVersion, data, use, ids }
  return refused === null ? command : { ...command, unknown: refused }
}

// A fast check of the usual form; any other input is checked field by field and explained. The three required fields
// are present, there is no data, and the number of names shows that there is no unknown one.
const isPlain = (input: UpdateInput): boolean => {
  if (!(input instanceof TakenUpdate) && !isWithoutSurplus(input)) return false
  const { checkoutSessionId, expCurrentState, nextState, expectedVersion, idempotencyKey } = input
  return (
    input.data === undefined &&
    typeof checkoutSessionId === "string" &&
    typeof expCurrentState === "string" &&
    expCurrentState.length >= 1 &&
    typeof nextState === "string" &&
    nextState.length >= 1 &&
    (expectedVersion === undefined || fields.expectedVersion.check(expectedVersion)) &&
    (idempotencyKey === undefined || fields.idempotencyKey.check(idempotencyKey))
  )
}

const isWithoutSurplus = (input: UpdateInput): boolean => {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return false
  let surplus = -3
  for (const _ in input) surplus += 1
  if (input.expectedVersion !== undefined) surplus -= 1
  if (input.idempotencyKey !== undefined) surplus -= 1
  return surplus === 0
}

// Null for two known states without an edge: step 13 refuses that, after the checks of the caller's rights. Former
// names that the flow maps (`migrate`) are known states.
const unknownStates = ({ migrate, states }: Flow, { from, to }: Transition): InvalidState | null => {
  const names: Array<string> = []
  if (!states.has(from) && from !== errorState && !migrate.has(from)) names.push("expCurrentState")
  if (!states.has(to) && !migrate.has(to)) names.push("nextState")
  if (names.length === 0) return null
  return Refusal.unknownState(names, names.includes("nextState") ? states : [...states, errorState])
}

// Only the session knows its former states, and which update was accepted under a key before a state was removed.
const mayBeFormer = (flow: Flow, { from, to }: Transition, input: UpdateInput): boolean => {
  if (stateFault(from) !== null || stateFault(to) !== null || to === errorState) return false
  if (typeof input.idempotencyKey === "string") return true
  const isEdit = from === to && typeof input.expectedVersion === "number"
  return !hasState(flow, from) && (flow.states.has(to) || flow.migrate.has(to) || isEdit)
}

// Step 4 for a state that the flow does not have: valid if it is or was the session's state, or if this update was
// accepted before. For a caller who may not see the session, the state is invalid, as for a session that does not
// exist.
const isKnown = (state: SessionState, command: CommandOf<"Update">, turn: SessionTurn): boolean => {
  const { session } = state
  if (session === null || authorise(session, turn.facts.rights) !== null) return false
  const { from, to } = command.transition
  const isFormer = from === session.state || state.formerStates?.includes(from) === true
  if (isFormer && (to === from || command.unknown?.fields.includes("nextState") === false)) return true
  const answered = command.use === null ? null : answeredBefore(turn, command.use)
  return answered !== null && "events" in answered
}

/** Steps 5-13a, pure. An accepted update moves the session, or claims it when its current state has a task. */
export const decide: Decide<"Update"> = (flow, state, command, turn) => {
  const { session } = state
  if (!command.transition.isAllowed && command.unknown !== undefined && !isKnown(state, command, turn))
    return Exit.fail(command.unknown)
  const denied = authorise(session, turn.facts.rights)
  if (denied !== null || session === null) return Exit.fail(denied ?? Refusal.sessionInaccessible)
  const { use } = command
  const answered = use === null ? null : answeredBefore(turn, use)
  if (answered !== null) return answered
  const closed = closedReason(state, turn)
  if (closed !== null) return Exit.fail(Refusal.sessionClosed(session, closed))
  const { cartStatus } = turn.facts
  if (cartStatus === null || !isUpdatable(cartStatus)) return Exit.fail(Refusal.cartNotUpdatable(cartStatus, session))
  return decideMove(flow, state, session, command, turn)
}

// Steps 10a-13a. While a task runs, a caller who expects the current or the next state gets `SessionProcessing`.
const decideMove = (
  flow: Flow,
  state: SessionState,
  session: CheckoutSession,
  command: CommandOf<"Update">,
  turn: SessionTurn
): Decided<UpdateError> => {
  const { transition, expectedVersion, use } = command
  const { from, to, archives, task } = transition
  if ((from !== session.state || !transition.isAllowed) && isRetired(flow, session))
    return Exit.fail(Refusal.stateRetired(session))
  if (from !== session.state && (session.nextState === null || from !== session.nextState))
    return Exit.fail(Refusal.stateMismatch(session))
  if (typeof expectedVersion === "number" && expectedVersion !== session.version)
    return Exit.fail(Refusal.versionMismatch(session))
  if (session.isProcessing) return Exit.fail(Refusal.sessionProcessing(session, waitMillis(state, turn.nowMillis)))
  if (!transition.isAllowed) return Exit.fail(Refusal.transitionNotAllowed(session, [...(flow.edges.get(from) ?? [])]))
  const { data = null } = command
  const merged = data === null ? null : (flow.data?.merge(session.data, data) ?? null)
  if (merged !== null && "reason" in merged) return Exit.fail(Refusal.invalidData(merged, session))
  const at = turn.nowMillis
  const requestId = command.ids.next("req", at)
  const by = command.caller.userId
  const owner = ownerNow(session, turn.facts.cart)
  if (transition.proceeds && task === null) {
    const arriving = Proceeding.arriveByCall(flow, state, session, to, turn, requestId)
    return move({ type: "Updated", ...arriving, at, by, requestId, from, use, owner }, data)
  }
  if (task === null) return move({ type: "Updated", archives, at, by, requestId, from, to, use, owner }, data)
  const deadlineAt = at + (task.deadlineMillis ?? defaultDeadlineMillis)
  const operationId = OperationId.ofRequest(requestId)
  const workKey = state.workKeys.find((one) => one.state === from)?.key ?? OperationId.workKeyOf(operationId)
  const cartRevision = turn.facts.cart?.revision ?? null
  return move(
    { type: "Claimed", operationId, workKey, deadlineAt, cartRevision, at, by, requestId, from, to, use, owner },
    data
  )
}

// Events are literals with all their fields, and the reply is a shared function: this runs in every accepted update.
const move = (
  event: Extract<SessionEvent, { readonly type: "Updated" | "Claimed" }>,
  data: MergePatch.Taken | null
): Decided<never> => ({
  events: [data === null ? event : { ...event, data: data as JsonObject }],
  reply: replyAfter,
  digests: event.use === null ? undefined : [event.use.digest]
})

const replyAfter = ({ session }: SessionState): SessionReply => ({
  requestId: session!.lastRequestId!,
  replayed: false,
  session: copyOf(session!)
})

const keyUse = (caller: Caller, key: string, { expCurrentState, nextState, expectedVersion, data }: UpdateInput) => {
  const states =
    expectedVersion === undefined ? [expCurrentState, nextState] : [expCurrentState, nextState, expectedVersion]
  const inputs = data === undefined || data === null ? states : [...states, { data: IdempotencyKey.dataDigest(data) }]
  return IdempotencyKey.useOf("update", caller.userId, key, inputs)
}

/** The time until the deadline, but at least 100 ms and at most 1 s. */
export const waitMillis = (state: SessionState, nowMillis: number): number =>
  Math.max(100, Math.min(1_000, (state.deadlineAt ?? nowMillis) - nowMillis))
