/**
 * UpdateCheckoutSession: the heart. Move a session from the state the caller believes it is in to the next one; of all
 * updates sent for one visit of a state at most one succeeds.
 *
 * Owns: the input's form and steps 5-13 of SEMANTICS §3, in that order. Does not own: turn-taking and durability.
 * Source: the action page; SEMANTICS §2-§4.
 */
import * as Either from "effect/Either"
import type { Caller } from "./Caller.js"
import { isUpdatable } from "./Carts.js"
import type { InvalidCheckoutSessionId, InvalidInput, InvalidState } from "./CheckoutError.js"
import type { CheckoutSession } from "./CheckoutSession.js"
import type { UpdateInput } from "./CheckoutSessions.js"
import { errorState } from "./CheckoutState.js"
import { type Flow, isFinal } from "./Flow.js"
import { authorise } from "./Guard.js"
import { type IdsShape, isSessionId } from "./Ids.js"
import * as Input from "./Input.js"
import * as Refusal from "./Refusal.js"
import {
  type CommandOf,
  closedReason,
  type Decide,
  type Decided,
  type SessionReply,
  type SessionTurn,
  show
} from "./SessionCommand.js"
import { acceptedMillis, type KeyUse, type SessionEvent, type SessionState, sessionAt } from "./SessionState.js"
import { defaultDeadlineMillis } from "./Task.js"

/** Longest idempotency key, characters. */
export const keyMaxLength = 255

const fields = {
  checkoutSessionId: Input.syntax,
  expCurrentState: Input.text,
  nextState: Input.text,
  expectedVersion: Input.optionalWhole(1, Number.MAX_SAFE_INTEGER),
  idempotencyKey: Input.optionalTextUpTo(keyMaxLength)
}

/** Steps 2-4: null when the input can be asked of a session. Looks at no session. `isKnown`: an id that passed before. */
export const check = (
  flow: Flow,
  input: UpdateInput,
  isKnown: (id: string) => boolean = () => false
): InvalidInput | InvalidCheckoutSessionId | InvalidState | null => {
  const invalid = isPlain(input) ? null : Input.accept(input, fields)
  if (invalid !== null) return invalid
  if (!isKnown(input.checkoutSessionId) && !isSessionId(input.checkoutSessionId))
    return Refusal.invalidCheckoutSessionId
  const { expCurrentState, nextState } = input
  const expectable = flow.states.has(expCurrentState) || expCurrentState === errorState
  const reachable = flow.states.has(nextState)
  if (!expectable || !reachable) return unknownStates(expectable, reachable)
  if (expCurrentState === nextState && (input.expectedVersion ?? null) === null)
    return Refusal.invalidState(["nextState"], "The next state must differ from the expected current state.")
  return null
}

// The usual form, seen at a glance; any other is looked at field by field, and explained.
const isPlain = (input: UpdateInput): boolean => {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return false
  for (const name in input) if (!isField(name)) return false
  const { checkoutSessionId, expCurrentState, nextState, expectedVersion, idempotencyKey } = input
  return (
    typeof checkoutSessionId === "string" &&
    typeof expCurrentState === "string" &&
    expCurrentState.length >= 1 &&
    typeof nextState === "string" &&
    nextState.length >= 1 &&
    (expectedVersion === undefined || fields.expectedVersion.check(expectedVersion)) &&
    (idempotencyKey === undefined || fields.idempotencyKey.check(idempotencyKey))
  )
}

const isField = (name: string): boolean =>
  name === "checkoutSessionId" ||
  name === "expCurrentState" ||
  name === "nextState" ||
  name === "expectedVersion" ||
  name === "idempotencyKey"

/** The command. The input is copied: it is the caller's, and a turn may begin later. */
export const make = (
  caller: Caller,
  { checkoutSessionId, expCurrentState, nextState, expectedVersion, idempotencyKey }: UpdateInput,
  ids: IdsShape
): CommandOf<"Update"> =>
  new UpdateCommand(caller, { checkoutSessionId, expCurrentState, nextState, expectedVersion, idempotencyKey }, ids)

// Most updates of a crowded session are refused and need no id.
class UpdateCommand {
  readonly tag = "Update"
  private requestId: string | null = null
  constructor(
    readonly caller: Caller,
    readonly input: UpdateInput,
    private readonly ids: IdsShape
  ) {}
  requestIdAt(nowMillis: number): string {
    this.requestId ??= this.ids.next("req", nowMillis)
    return this.requestId
  }
}

const unknownStates = (expectable: boolean, reachable: boolean): InvalidState => {
  const names = [...(expectable ? [] : ["expCurrentState"]), ...(reachable ? [] : ["nextState"])]
  return Refusal.invalidState(names, `Not a state of the flow that may be asked for: ${names.join(", ")}.`)
}

/** Steps 5-13, pure. An accepted update moves the session, or claims it when its current state has a task. */
export const decide: Decide<"Update"> = (flow, state, command, turn) => {
  const { session } = state
  const denied = authorise(session, turn.facts.rights)
  if (denied !== null || session === null) return Either.left(denied ?? Refusal.sessionInaccessible)
  const use = keyUse(command)
  const answered = use === null ? null : answeredBefore(state, session, use, turn.nowMillis)
  if (answered !== null) return answered
  const closed = closedReason(state, turn)
  if (closed !== null) return Either.left(Refusal.sessionClosed(session, closed))
  const { cartStatus } = turn.facts
  if (cartStatus === null || !isUpdatable(cartStatus)) return Either.left(Refusal.cartNotUpdatable(cartStatus, session))
  return decideMove(flow, state, session, command, use, turn)
}

// Steps 11-13. While a task runs, waiting helps a caller who expects where the session is or where it goes.
const decideMove = (
  flow: Flow,
  state: SessionState,
  session: CheckoutSession,
  command: CommandOf<"Update">,
  use: KeyUse | null,
  turn: SessionTurn
): Decided => {
  const { expCurrentState: from, nextState: to, expectedVersion } = command.input
  if (from !== session.state && from !== session.nextState) return mismatch(session)
  if (typeof expectedVersion === "number" && expectedVersion !== session.version)
    return Either.left(Refusal.versionMismatch(session))
  if (session.isProcessing) return Either.left(Refusal.sessionProcessing(session, waitMillis(state, turn.nowMillis)))
  const step = flow.steps.get(from)
  // From a state to itself only with a version (step 4): the version then decides which of two callers is first.
  const archives = from === to ? isFinal(flow, to) : step?.followers.get(to)
  if (archives === undefined)
    return Either.left(Refusal.transitionNotAllowed(session, [...(step?.followers.keys() ?? [])]))
  const at = turn.nowMillis
  const requestId = command.requestIdAt(at)
  const by = command.caller.userId
  const task = step === undefined ? null : step.task
  if (task === null) return move({ type: "Updated", archives, at, by, requestId, from, to, use })
  const deadlineAt = at + (task.deadlineMillis ?? defaultDeadlineMillis)
  return move({ type: "Claimed", operationId: `op_${requestId}`, deadlineAt, at, by, requestId, from, to, use })
}

// Racers are refused alike: all who find the session as it is now are told with one object.
let mismatched: { readonly session: CheckoutSession; readonly refused: Decided } | null = null
const mismatch = (session: CheckoutSession): Decided => {
  if (mismatched === null || mismatched.session !== session)
    mismatched = { session, refused: Either.left(Refusal.stateMismatch(session)) }
  return mismatched.refused
}

// Every event is a literal with all its fields and the reply is one function: an accepted update makes what it leaves, no more.
const move = (event: SessionEvent): Decided => Either.right({ events: [event], reply: replyAfter })

const replyAfter = ({ session }: SessionState): SessionReply => ({
  requestId: session!.lastRequestId!,
  replayed: false,
  session: session!
})

// Step 8. Records hold accepted updates only, so nothing transient is ever replayed; the key is no lock, the mailbox is.
const answeredBefore = (
  state: SessionState,
  session: CheckoutSession,
  use: KeyUse,
  nowMillis: number
): Decided | null => {
  const record = state.accepted.findLast((old) => old.key === use.key && old.by === use.by)
  if (record === undefined || nowMillis - record.at >= acceptedMillis) return null
  if (record.input !== use.input) return Either.left(Refusal.idempotencyConflict(record.requestId))
  return show(sessionAt(session, record), record.requestId)
}

const keyUse = ({ caller, input }: CommandOf<"Update">): KeyUse | null => {
  const { idempotencyKey, expCurrentState, nextState, expectedVersion } = input
  if (typeof idempotencyKey !== "string") return null
  const inputs =
    expectedVersion === undefined ? [expCurrentState, nextState] : [expCurrentState, nextState, expectedVersion]
  return { key: idempotencyKey, by: caller.userId, input: JSON.stringify(inputs) }
}

/** Between a tenth of a second and a second: a short task is soon done, a long one worth asking for again. */
const waitMillis = (state: SessionState, nowMillis: number): number =>
  Math.max(100, Math.min(1_000, (state.deadlineAt ?? nowMillis) - nowMillis))
