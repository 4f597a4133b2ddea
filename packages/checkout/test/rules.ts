/** The rules called directly: a session folded from events, and the verdict on one command. */
import { Either } from "effect"
import type { Facts } from "../src/Guard.js"
import type { Access, Caller } from "../src/index.js"
import type { CommandOf, Decided, SessionTurn } from "../src/SessionCommand.js"
import { evolve, initial, type SessionEvent, type SessionState } from "../src/SessionState.js"
import { buyer } from "./fixture.js"

export const granted: Access.Rights = { mayInvoke: true, maySee: true, accountAccessible: true, storeMember: true }

export const facts: Facts = { rights: granted, cartStatus: "Active" }

export const turnAt = (nowMillis: number, more: Partial<Facts> = {}): SessionTurn => ({
  nowMillis,
  sequence: 0,
  facts: { ...facts, ...more }
})

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

export const claim = (to: string, operationId = "op_1"): SessionEvent => ({
  type: "Claimed",
  at: 1,
  by: "buyer",
  requestId: "req_1",
  from: "Start",
  to,
  use: null,
  operationId,
  deadlineAt: 60_001
})

export const update = (
  expCurrentState: string,
  nextState: string,
  more: Partial<CommandOf<"Update">["input"]> = {},
  caller: Caller.Caller = buyer
): CommandOf<"Update"> => ({
  tag: "Update",
  caller,
  requestIdAt: () => "req_new",
  input: { checkoutSessionId: "cs_1", expCurrentState, nextState, ...more }
})

/** The refusal, as `_tag/reason`, or what happened. */
export const verdictOf = (decided: Decided): string =>
  Either.match(decided, {
    onLeft: ({ _tag, reason }) => `${_tag}/${reason}`,
    onRight: ({ events }) => events.map((event) => event.type).join() || "shown"
  })

/** The session after an accepted command. */
export const resultOf = (state: SessionState, decided: Decided) =>
  Either.match(decided, {
    onLeft: (error) => {
      throw new Error(`refused: ${error._tag}`)
    },
    onRight: ({ events, reply }) => {
      const next = events.reduce(evolve, state)
      return { state: next, events, reply: reply(next, 0) }
    }
  })
