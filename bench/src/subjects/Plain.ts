/**
 * Plain: the floors. They use no library and nothing to keep turns apart; they are correct only because nothing in them
 * ever waits.
 */
import { type CheckoutError, CheckoutSession } from "@onelane/checkout"
import * as Load from "../Load.js"
import { ofPromises, type Subject } from "../Runner.js"
import { type Result, seeResult } from "./Onelane.js"
import { decide, idsOf, initial, type Register, see } from "./Register.js"

const registers = () => {
  const sessions = new Map<string, Register>()
  return {
    sessions,
    update: (id: string, expected: string, next: string) => {
      const answer = decide(sessions.get(id)!, expected, next)
      if (answer.ok) sessions.set(id, answer)
      return answer
    },
    open: async (count: number) => {
      const ids = idsOf(count)
      for (const id of ids) sessions.set(id, initial)
      return ids
    },
    close: async () => {}
  }
}

/** A function over a Map. */
export const bare = (): Subject => {
  const { update, open, close } = registers()
  return { open, close, run: async (desk) => Load.runPlain(desk, { update, see }) }
}

/** An `async` function over a Map. */
export const asyncFunction = (): Subject => {
  const { update, open, close } = registers()
  return ofPromises(
    { update: async (id: string, expected: string, next: string) => update(id, expected, next), see },
    { open, close }
  )
}

interface Input {
  readonly checkoutSessionId: string
  readonly expCurrentState: string
  readonly nextState: string
}

/**
 * The same over whole checkout sessions: it takes the input that ours takes and gives the answer that ours gives, object
 * for object; the session is a copy, which its caller may change. No rights, no validation, no history, no turn: the
 * least code that gives this answer.
 */
export const asyncSameAnswer = (): Subject => {
  const sessions = new Map<string, CheckoutSession.CheckoutSession>()
  let requests = 0
  const update = async ({ checkoutSessionId, expCurrentState, nextState }: Input): Promise<Result> => {
    const session = sessions.get(checkoutSessionId)!
    if (session.state !== expCurrentState) return { ok: false, error: mismatch(session) }
    const requestId = `req_${requests++}`
    const moved = move(session, nextState, requestId)
    sessions.set(checkoutSessionId, moved)
    return { ok: true, value: { requestId, replayed: false, session: CheckoutSession.copyOf(moved) } }
  }
  return ofPromises(
    {
      update: (checkoutSessionId: string, expCurrentState: string, nextState: string) =>
        update({ checkoutSessionId, expCurrentState, nextState }),
      see: seeResult
    },
    {
      open: async (count) => {
        const ids = idsOf(count)
        for (const id of ids) sessions.set(id, opened(id))
        return ids
      },
      close: async () => {}
    }
  )
}

// Literals with every field: a spread would cost this floor a multiple of the rest.
const mismatch = (session: CheckoutSession.CheckoutSession): CheckoutError.ExpectedStateMismatch => ({
  _tag: "ExpectedStateMismatch",
  message: "The current state of the session does not match the expected state.",
  reason: "STATE_MISMATCH",
  current: {
    state: session.state,
    version: session.version,
    nextState: session.nextState,
    isProcessing: session.isProcessing,
    isArchived: session.isArchived,
    orderId: session.orderId,
    lastRequestId: session.lastRequestId
  },
  retryable: false,
  applied: "no"
})

const move = (
  session: CheckoutSession.CheckoutSession,
  state: string,
  lastRequestId: string
): CheckoutSession.CheckoutSession => ({
  id: session.id,
  cartId: session.cartId,
  storeId: session.storeId,
  accountId: session.accountId,
  ownerId: session.ownerId,
  state,
  nextState: null,
  isProcessing: false,
  isError: false,
  isArchived: false,
  closedBy: null,
  operationId: null,
  workKey: null,
  orderId: session.orderId,
  version: session.version + 1,
  lastRequestId,
  createdAt: session.createdAt,
  updatedAt: Date.now(),
  expiresAt: session.expiresAt,
  data: session.data
})

const opened = (id: string): CheckoutSession.CheckoutSession => ({
  id,
  cartId: `cart-${id}`,
  storeId: "store",
  accountId: "account",
  ownerId: "host",
  state: initial.state,
  nextState: null,
  isProcessing: false,
  isError: false,
  isArchived: false,
  closedBy: null,
  operationId: null,
  workKey: null,
  orderId: null,
  version: initial.version,
  lastRequestId: null,
  createdAt: Date.now(),
  updatedAt: Date.now(),
  expiresAt: null,
  data: null
})

/** A chain of promises per session: each call waits for the one before. */
export const promiseChain = (): Subject => {
  const { update, open, close } = registers()
  const tails = new Map<string, Promise<unknown>>()
  return ofPromises(
    {
      update: (id: string, expected: string, next: string) => {
        const turn = (tails.get(id) ?? Promise.resolve()).then(() => update(id, expected, next))
        tails.set(id, turn)
        return turn
      },
      see
    },
    { open, close }
  )
}
