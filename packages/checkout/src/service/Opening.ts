/**
 * Opening: the way of an open from its caller to the session's lane: whose the cart is, the caller's rights, the cart's lane,
 * then the session's. The rules of input and session are OpenCheckoutSession's.
 *
 * Two lanes, no transaction over both: the cart's lane names a session, the session's lane opens it. A crash in between
 * leaves a name without a session, which the next opener opens; a name whose session is closed is replaced.
 */
import * as Effect from "effect/Effect"
import type { Assigned, Reserve } from "../commands/CartBehavior.js"
import { assignedBy } from "../commands/OpenCheckoutSession.js"
import type { SessionCommand } from "../commands/SessionCommand.js"
import type { OpenError } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import type { Flow } from "../flow/Flow.js"
import { isPrivileged } from "../ports/Access.js"
import type { Caller } from "../ports/Caller.js"
import { type CartBook, type CartLanes, cartOf, hosts, type Located } from "../ports/CartBook.js"
import { type Cart, type CartOwner, isUpdatable } from "../ports/Carts.js"
import { authorise, bounded, type Ports, subjectOf } from "../ports/Guard.js"
import type { IdsShape } from "../session/Ids.js"
import type { Sessions } from "../work/Alarms.js"
import type * as S from "./CheckoutSessions.js"

/** What an open works with. */
export interface Parts {
  readonly flow: Flow
  readonly ports: Ports
  readonly sessions: Sessions
  readonly carts: CartLanes
  readonly ids: IdsShape
  readonly expiresInMillis: number | null
}

/** Steps an open takes back before it gives up: the cart changed hands, or its session was closed, between two of them. */
const openTries = 8

/** What is opened: the cart as it will be, and what its lane is told of that. */
interface Wanted {
  readonly cart: Cart
  readonly assign: Reserve["assign"]
  readonly assigns: boolean
}

/** Gets the live session of a cart, or creates one. */
export const open = (parts: Parts, caller: Caller, input: S.OpenInput): Effect.Effect<S.Opened, OpenError> =>
  Effect.gen(function* () {
    const requestId = parts.ids.next("req")
    let replacing: string | null = null
    for (let tries = 0; tries < openTries; tries++) {
      const wanted: Wanted = yield* want(parts.ports, caller, input)
      const sessionId = input.checkoutSessionId ?? parts.ids.next("cs")
      const reserve: Reserve = { tag: "Reserve", sessionId, replacing, assign: wanted.assign }
      const id: string | null = yield* parts.carts.ask(input.cartId, reserve)
      if (id === null) continue
      const answered = yield* Effect.either(
        parts.sessions.ask(id, commandOf(parts, caller, input, requestId, id, wanted))
      )
      if (answered._tag === "Right") {
        const { session, replayed } = answered.right
        return { requestId, created: !replayed, session }
      }
      const closed = answered.left._tag === "SessionClosed" || answered.left._tag === "SessionInaccessible"
      if (!closed) return yield* Effect.fail(answered.left)
      if (id === input.checkoutSessionId)
        return yield* Effect.fail(Refusal.invalidInput(["checkoutSessionId"], "This session id is taken."))
      replacing = id
    }
    return yield* Effect.fail(
      Refusal.fromEngine({
        _tag: "MailboxFull",
        address: { kind: "cart", id: input.cartId },
        scope: "address",
        applied: "no"
      })
    )
  }) as Effect.Effect<S.Opened, any>

const commandOf = (
  { expiresInMillis, flow }: Parts,
  caller: Caller,
  input: S.OpenInput,
  requestId: string,
  id: string,
  { assigns, cart }: Wanted
): SessionCommand => {
  const { accountId, ownerId, storeId } = cart
  const state = input.initialState ?? flow.initial
  const session = { id, cartId: input.cartId, storeId, accountId, ownerId, state }
  return { tag: "Open", caller, requestId, session, assigns, lifeMillis: input.expiresInMillis ?? expiresInMillis }
}

/** Steps 5-7 and 10, for the cart as it will be: who says whose it is need not be who it was. */
const want = (ports: Ports, caller: Caller, input: S.OpenInput): Effect.Effect<Wanted, OpenError> =>
  Effect.gen(function* () {
    const located = yield* bounded(ports, "carts", ports.carts.locate(input.cartId))
    const said = assignedBy(input)
    const assign = located.isBooked ? assignment(ports.carts, caller, located, said) : null
    const cart = assign === null ? merged(located.cart, said) : cartOf(input.cartId, assign.to)
    if (cart === null) return yield* Effect.fail(Refusal.sessionInaccessible)
    const asked = ports.access.rights(caller, "open", subjectOf(input.cartId, cart))
    const denied = authorise(cart, yield* bounded(ports, "access", asked))
    if (denied !== null) return yield* Effect.fail(denied)
    if (!isUpdatable(cart.status)) return yield* Effect.fail(Refusal.cartNotUpdatable(cart.status, null))
    yield* handOver(ports, located, cart, said)
    return { cart, assign, assigns: said !== null }
  })

const merged = (cart: Cart | null, said: Partial<CartOwner> | null): Cart | null =>
  cart === null || said === null ? cart : { ...cart, ...said }

/** What a cart's lane is told: nothing of a cart that only a directory could know; the opener's, when nobody has it. */
const assignment = (
  { isComplete }: CartBook,
  caller: Caller,
  { assigned: from, cart }: Located,
  said: Partial<CartOwner> | null
): Reserve["assign"] => {
  if (!isComplete && from === null && said?.ownerId === undefined) return null
  const before = from ?? (cart !== null || isPrivileged(caller) ? hosts : ownedBy(caller))
  return { from, to: said === null ? before : { ...before, ...said } }
}

const ownedBy = ({ actingAccountId, userId }: Caller): Assigned => ({
  ownerId: userId,
  accountId: actingAccountId,
  storeId: null
})

/** Whoever keeps the carts is told whose one is; a host's own carts cannot be given away here. */
const handOver = (
  ports: Ports,
  { cart: before, isBooked }: Located,
  cart: Cart,
  said: Partial<CartOwner> | null
): Effect.Effect<void, OpenError> => {
  if (isBooked || said === null || before === null) return Effect.void
  const { accountId, ownerId, storeId } = cart
  if (ownerId === before.ownerId && accountId === before.accountId && storeId === before.storeId) return Effect.void
  if (ports.carts.assign === undefined)
    return Effect.fail(
      Refusal.invalidInput(Object.keys(said), "The cart port says whose this cart is: change it there first.")
    )
  return bounded(ports, "carts", ports.carts.assign(cart.id, { storeId, accountId, ownerId }))
}
