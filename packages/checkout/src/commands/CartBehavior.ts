/**
 * CartBehavior: the actor of one cart. It keeps the cart's session id (so two tabs that open at once get the same
 * session), the idempotency keys of calls about the cart, and, without a cart port, the owner of the cart. It does not
 * know the session's state: the next opener finds that the session is closed, and replaces it.
 */
import { Behavior } from "@onelane/engine"
import * as Exit from "effect/Exit"
import type { IdempotencyConflict, Overloaded, StorageUnavailable } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import type { CheckoutSession } from "../session/CheckoutSession.js"
import type { KeyUse } from "../session/IdempotencyKey.js"
import * as StoreFormat from "../session/StoreFormat.js"

/** Owner, account and store of a cart, as assigned by an opener; null: not given. */
export interface Assigned {
  readonly ownerId: string
  readonly accountId: string | null
  readonly storeId: string | null
}

/** The completed session of a cart. */
export interface Completed {
  readonly checkoutSessionId: string
  readonly orderId: string | null
}

/** Makes `sessionId` the cart's session, if it has none or `replacing`. */
export interface Reserve {
  readonly tag: "Reserve"
  readonly sessionId: string
  readonly replacing: string | null
  /** Whether the opener wants a second order from a completed cart. */
  readonly again: boolean
  /** The completed session that is replaced, to be kept; null if it was cancelled or expired. */
  readonly completed: Completed | null
  /** The owner the opener found, and the new one; null if a port keeps the cart. */
  readonly assign: { readonly from: Assigned | null; readonly to: Assigned } | null
  /** Recorded in the same commit, if the session is reserved. */
  readonly use: KeyUse | null
  readonly requestId: string
}

/** The use of a key: its session, and the session as it was shown if the key did not create it. */
export interface Use {
  readonly requestId: string
  readonly sessionId: string
  readonly shown: CheckoutSession | null
}

/** Reads the cart's session and the use of a key. */
export interface Recall {
  readonly tag: "Recall"
  readonly use: KeyUse | null
}

/** Records the use of a key, unless it was used before. */
export interface Remember extends Use {
  readonly tag: "Remember"
  readonly use: KeyUse
}

/**
 * A task's success that arrived after its session was archived. An archived session never changes, so its cart keeps
 * it.
 */
export interface LateSuccess {
  readonly checkoutSessionId: string
  readonly operationId: string
  readonly orderId: string | null
  readonly by: string | null
}

/** Keeps a late success. */
export interface Keep {
  readonly tag: "Keep"
  readonly late: LateSuccess
}

/** Makes the cart forget its session, which was removed. `completed`: the completed session to remember. */
export interface Prune {
  readonly tag: "Prune"
  readonly sessionId: string
  readonly completed: Completed | null
}

/** Commands to a cart's actor. */
export type CartCommand = Reserve | Recall | Remember | Keep | Prune

/** Late successes kept per cart; the oldest are dropped. */
export const lateCapacity = 16

/**
 * The state of a cart's actor. `sessionId`: null before the first session and after it was pruned. `completed`: the
 * session that completed the cart, while `sessionId` does not name it. `assigned`: null if no opener assigned an owner.
 */
export interface CartState {
  readonly format: number
  readonly sessionId: string | null
  readonly completed: Completed | null
  readonly assigned: Assigned | null
  readonly late: ReadonlyArray<LateSuccess & { readonly at: number }>
}

/** The cart got another session, or another owner. */
export interface Reserved {
  readonly type: "Reserved"
  readonly sessionId: string
  readonly completed: Completed | null
  readonly assigned: Assigned | null
  /** The key of the open that created this session; null without key, or if the session stayed. */
  readonly use: KeyUse | null
  readonly requestId: string
}

/** A key was used for a session the cart had. */
export interface Remembered extends Use {
  readonly type: "Remembered"
  readonly use: KeyUse
}

/** The cart's session was removed. `completed`: the completed session that is still remembered. */
export interface Pruned {
  readonly type: "Pruned"
  readonly completed: Completed | null
}

/** A late success is kept. */
export interface Kept {
  readonly type: "LateResult"
  readonly at: number
  readonly late: LateSuccess
}

/** What happened to a cart. */
export type CartEvent = Reserved | Remembered | Pruned | Kept

/**
 * The cart's session, its completed session, and the earlier use of the command's key (null: none). A completed cart
 * without a session is not opened again unless requested. All null: the cart has no session, or its owner has changed
 * meanwhile; nothing was reserved, so read the cart again.
 */
export interface CartReply {
  readonly sessionId: string | null
  readonly completed: Completed | null
  readonly used: Use | null
}

/** Errors of a cart's actor. */
export type CartError = IdempotencyConflict | StorageUnavailable | Overloaded

/** The actor of one cart. */
export type CartBehavior = Behavior.Behavior<CartState, CartCommand, CartEvent, CartReply, CartError, void>

/** The behavior of a cart. */
export const cartBehavior: CartBehavior = {
  kind: "cart",
  initial: { format: StoreFormat.current, sessionId: null, completed: null, assigned: null, late: [] },
  prepare: () => Exit.void,
  digestsOf: (_, command) =>
    command.tag === "Keep" || command.tag === "Prune" || command.use === null
      ? Behavior.noDigests
      : [command.use.digest],
  decide: (state, command, turn) => {
    if (command.tag === "Keep") return keep(state, command, turn.nowMillis)
    if (command.tag === "Prune") return prune(state, command)
    const used = command.use === null ? null : usedFor(command.use, turn.records[0]?.event)
    if (used !== null && "_tag" in used) return used
    if (used !== null || command.tag === "Recall")
      return { events: [], reply: ({ completed, sessionId }) => ({ sessionId, completed, used }) }
    return command.tag === "Remember" ? remember(command) : reserve(state, command)
  },
  evolve: (state, event) => {
    const { assigned, completed, late, sessionId } = state
    const format = StoreFormat.current
    switch (event.type) {
      case "Reserved":
        return { format, sessionId: event.sessionId, completed: event.completed, assigned: event.assigned, late }
      case "Remembered":
        return state
      case "Pruned":
        return { format, sessionId: null, completed: event.completed, assigned, late }
      case "LateResult": {
        const kept = [...late, { ...event.late, at: event.at }].slice(-lateCapacity)
        return { format, sessionId, completed, assigned, late: kept }
      }
    }
  },
  decode: (stored) => {
    StoreFormat.check(stored)
    const { assigned = null, completed = null, format, late, sessionId } = stored as CartState
    const isCart = (typeof sessionId === "string" || sessionId === null) && Array.isArray(late)
    if (!isCart || (assigned !== null && typeof assigned.ownerId !== "string"))
      throw new Error("stored value is not the state of a cart")
    return { format, sessionId, completed, assigned, late }
  },
  alarm: () => null
}

type Decision = Behavior.Decision<CartState, CartEvent, CartReply>

const nothing: CartReply = { sessionId: null, completed: null, used: null }
const sessionOf = ({ completed, sessionId }: CartState): CartReply => ({ sessionId, completed, used: null })
const digestsWith = (use: KeyUse | null) => (use === null ? Behavior.noDigests : [use.digest])

const reserve = (state: CartState, command: Reserve): Decision => {
  const { again, assign, replacing, requestId, sessionId: wanted, use } = command
  if (assign !== null && !isSame(state.assigned, assign.from)) return { events: [], reply: () => nothing }
  if (state.sessionId === null && state.completed !== null && !again) return { events: [], reply: sessionOf }
  const isFree = state.sessionId === null || state.sessionId === replacing
  const sessionId = isFree ? wanted : (state.sessionId as string)
  const completed = isFree && state.sessionId !== null ? command.completed : state.completed
  const assigned = assign === null ? state.assigned : assign.to
  if (sessionId === state.sessionId && isSame(assigned, state.assigned)) return { events: [], reply: sessionOf }
  const keyed = isFree ? use : null
  const event = { type: "Reserved", sessionId, completed, assigned, use: keyed, requestId } as const
  return { events: [event], reply: sessionOf, digests: digestsWith(keyed) }
}

const remember = ({ requestId, sessionId, shown, use }: Remember): Decision => ({
  events: [{ type: "Remembered", use, requestId, sessionId, shown }],
  reply: sessionOf,
  digests: digestsWith(use)
})

const keep = (state: CartState, { late }: Keep, at: number): Decision => {
  const isKept = state.late.some((one) => one.operationId === late.operationId && one.orderId === late.orderId)
  return { events: isKept ? [] : [{ type: "LateResult", at, late }], reply: sessionOf }
}

const prune = (state: CartState, { completed, sessionId }: Prune): Decision => ({
  events: state.sessionId === sessionId ? [{ type: "Pruned", completed: completed ?? state.completed }] : [],
  reply: sessionOf
})

const usedFor = (use: KeyUse, event: CartEvent | undefined): Use | Exit.Exit<never, IdempotencyConflict> | null => {
  if (event === undefined || event.type === "LateResult" || event.type === "Pruned") return null
  const { requestId, sessionId } = event
  if (event.use?.input !== use.input) return Exit.fail(Refusal.idempotencyConflict(requestId))
  return { requestId, sessionId, shown: event.type === "Remembered" ? event.shown : null }
}

const isSame = (one: Assigned | null, other: Assigned | null): boolean =>
  one === other ||
  (one !== null &&
    other !== null &&
    one.ownerId === other.ownerId &&
    one.accountId === other.accountId &&
    one.storeId === other.storeId)
