/** The rules called directly: a session folded from events, and the verdict on one command. */
import { Cause, Exit, Option } from "effect"
import type { CommandOf, Decided, SessionTurn } from "../src/commands/SessionCommand.js"
import type { CheckoutError } from "../src/errors/CheckoutError.js"
import * as Flow from "../src/flow/Flow.js"
import type { Access, Caller } from "../src/index.js"
import type { Facts } from "../src/ports/Guard.js"
import type { UpdateInput } from "../src/service/CheckoutSessions.js"
import * as IdempotencyKey from "../src/session/IdempotencyKey.js"
import type { SessionEvent } from "../src/session/SessionEvent.js"
import { evolve, initial, type SessionState } from "../src/session/SessionState.js"
import { buyer } from "./fixture.js"

export const granted: Access.Rights = { mayInvoke: true, maySee: true, accountAccessible: true, storeMember: true }

export const facts: Facts = { rights: granted, cartStatus: "Active", cart: null }

export const turnAt = (
  nowMillis: number,
  more: Partial<Facts> = {},
  records: SessionTurn["records"] = []
): SessionTurn => ({ nowMillis, sequence: 0, facts: { ...facts, ...more }, records })

export const open: Extract<SessionEvent, { readonly type: "Opened" }> = {
  type: "Opened",
  at: 0,
  by: "buyer",
  requestId: "req_0",
  id: "cs_1",
  cartId: "cart-1",
  storeId: "store",
  accountId: "account",
  ownerId: "buyer",
  state: "Start",
  expiresAt: null
}

/** The state after these events. */
export const after = (...events: ReadonlyArray<SessionEvent>): SessionState => events.reduce(evolve, initial)

/** A cancel of a session in which no task runs. */
export const cancelled: Extract<SessionEvent, { readonly type: "Cancelled" }> = {
  type: "Cancelled",
  at: 1,
  from: "Start",
  by: "buyer",
  requestId: "req_1",
  operationId: null,
  workKey: null
}

export const claim = (to: string, operationId = "op_1"): SessionEvent => ({
  type: "Claimed",
  at: 1,
  by: "buyer",
  requestId: "req_1",
  from: "Start",
  to,
  use: null,
  operationId,
  workKey: "work_1",
  deadlineAt: 60_001
})

/** The preset with one task. */
export const inventoryWorks = Flow.withTasks(Flow.b2b, { Inventory: {} })

export const update = (
  expCurrentState: string,
  nextState: string,
  { expectedVersion, idempotencyKey }: Partial<Pick<UpdateInput, "expectedVersion" | "idempotencyKey">> = {},
  caller: Caller.Caller = buyer,
  flow: Flow.Flow = inventoryWorks
): CommandOf<"Update"> => ({
  tag: "Update",
  caller,
  transition: Flow.transitionOf(flow, expCurrentState, nextState),
  expectedVersion,
  use: IdempotencyKey.useOf("update", caller.userId, idempotencyKey, { expCurrentState, nextState, expectedVersion }),
  ids: { next: () => "req_new" }
})

/** The refusal; null when the command was accepted. */
export const refusalOf = (decided: Decided, state = initial): CheckoutError | null =>
  "events" in decided
    ? (decided.reply(decided.events.reduce(evolve, state), 0).refused ?? null)
    : Option.getOrThrow(Option.flatMap(Exit.causeOption(decided), Cause.failureOption))

/** The refusal, as `_tag/reason`, or what happened. */
export const verdictOf = (decided: Decided): string => {
  if ("events" in decided) return decided.events.map((event) => event.type).join() || "shown"
  const { _tag, reason } = refusalOf(decided)!
  return `${_tag}/${reason}`
}

/** The session after an accepted command. */
export const resultOf = (state: SessionState, decided: Decided) => {
  if (!("events" in decided)) throw new Error(`refused: ${verdictOf(decided)}`)
  const { events, reply } = decided
  const next = events.reduce(evolve, state)
  const records = (decided.digests ?? []).map((digest) => {
    return { digest, sequence: next.session!.version, event: events.at(-1)!, state: next }
  })
  return { state: next, events, reply: reply(next, 0), records }
}
