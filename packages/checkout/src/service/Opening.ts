/**
 * Opening: the way of an open from its caller to the session's lane: whose the cart is, the caller's rights, the cart's lane,
 * then the session's. The rules of input and session are OpenCheckoutSession's.
 *
 * Two lanes, no transaction over both: the cart's lane names a session, the session's lane opens it. A crash in between
 * leaves a name without a session, which the next opener opens; a name whose session is closed is replaced.
 *
 * A key is recorded in the commit that reserves the session it creates, so it creates one at most, whatever is lost; where it
 * creates none, what was shown is recorded before it is shown.
 */
import * as Effect from "effect/Effect"
import type { Assigned, CartReply, Completed, Reserve, Use } from "../commands/CartBehavior.js"
import { assignedBy } from "../commands/OpenCheckoutSession.js"
import * as Reopening from "../commands/Reopening.js"
import type { SessionReply } from "../commands/SessionCommand.js"
import type { OpenError } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import type { Flow } from "../flow/Flow.js"
import { isPrivileged } from "../ports/Access.js"
import type { Caller } from "../ports/Caller.js"
import { type CartBook, type CartLanes, cartOf, hosts, type Located } from "../ports/CartBook.js"
import { type Cart, type CartOwner, type CartStatus, isUpdatable } from "../ports/Carts.js"
import { authorise, bounded, type Ports, subjectOf } from "../ports/Guard.js"
import { copyOf } from "../session/CheckoutSession.js"
import * as IdempotencyKey from "../session/IdempotencyKey.js"
import type { IdsShape } from "../session/Ids.js"
import type { Sessions } from "../work/Sessions.js"
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

/** One open: who asks for what. */
interface Opener {
  readonly parts: Parts
  readonly caller: Caller
  readonly input: S.OpenInput
  readonly requestId: string
  readonly use: IdempotencyKey.KeyUse | null
}

/** Gets the live session of a cart, or creates one. */
export const open = (parts: Parts, caller: Caller, input: S.OpenInput): Effect.Effect<S.Opened, OpenError> =>
  Effect.gen(function* () {
    const use = IdempotencyKey.useOf("open", caller.userId, input.idempotencyKey, IdempotencyKey.inputOf(input))
    const opener: Opener = { parts, caller, input, requestId: parts.ids.next("req"), use }
    let replacing: string | null = null
    let completed: Completed | null = null
    let again = input.again === true
    for (let tries = 0; tries < openTries; tries++) {
      const found: Found = yield* want(opener)
      if (found.used !== null) return yield* openUsed(opener, found.cart, found.used)
      const { assign, assigns, cart } = found.wanted
      const { requestId } = opener
      const sessionId = idOf(opener)
      const reserve: Reserve = { tag: "Reserve", sessionId, replacing, again, completed, assign, use, requestId }
      const reserved: CartReply = yield* parts.carts.ask(input.cartId, reserve)
      if (reserved.used !== null) return yield* openUsed(opener, cart, reserved.used)
      const id = reserved.sessionId
      if (id === null && reserved.completed !== null)
        return yield* Effect.fail(Refusal.cartCompleted(reserved.completed))
      if (id === null) continue
      const answered = yield* Effect.either(ask(opener, id, cart, { assigns }))
      if (answered._tag === "Right") return yield* answerOf(opener, cart, answered.right)
      const refused = { id, wantedId: input.checkoutSessionId ?? null, again, remembered: reserved.completed }
      const next = Reopening.next(answered.left, refused)
      if (next.step === "give back") return yield* Effect.fail(next.error)
      yield* mustBeFree(opener)
      // A second order is made once, whoever else completes the cart meanwhile.
      if (next.completed !== null) again = false
      completed = next.completed
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
  })

const idOf = ({ input, parts }: Opener): string => input.checkoutSessionId ?? parts.ids.next("cs")

// An id of the host's own is looked at before the cart's lane names it: a cart must not forget its session for one that it
// cannot have.
const mustBeFree = ({ input, parts }: Opener): Effect.Effect<void, any> =>
  Effect.gen(function* () {
    const id = input.checkoutSessionId ?? null
    if (id === null || (yield* parts.sessions.read(id)).state.session === null) return
    const { session } = yield* parts.sessions.askInternal(id, { tag: "Expire" })
    if (session.cartId !== input.cartId) return yield* Effect.fail(Reopening.taken)
    if (session.closedBy !== null) return yield* Effect.fail(Refusal.sessionClosed(session, session.closedBy))
  })

const ask = (
  { caller, input, parts, requestId, use }: Opener,
  id: string,
  { accountId, ownerId, storeId }: Cart,
  how: { readonly assigns?: boolean; readonly isKnown?: boolean }
): Effect.Effect<SessionReply, OpenError> => {
  const state = input.initialState ?? parts.flow.initial
  const session = { id, cartId: input.cartId, storeId, accountId, ownerId, state }
  const lifeMillis = input.expiresInMillis ?? parts.expiresInMillis
  return parts.sessions.ask(id, { tag: "Open", caller, requestId, session, lifeMillis, use, ...how })
}

const openedBy = ({ created = false, replayed, requestId, session }: SessionReply): S.Opened => ({
  requestId,
  created,
  replayed,
  session
})

// The key was used before: what was shown then; or the session it reserved, which is opened now if it never was.
const openUsed = (
  opener: Opener,
  cart: Cart,
  { requestId, sessionId, shown }: Use
): Effect.Effect<S.Opened, OpenError> => {
  if (shown !== null) return Effect.succeed({ requestId, created: false, replayed: true, session: copyOf(shown) })
  return ask({ ...opener, requestId }, sessionId, cart, { isKnown: true }).pipe(
    Effect.map(openedBy),
    Effect.mapError((error) => (error._tag === "SessionInaccessible" ? Reopening.taken : error))
  )
}

// What a key found is remembered, so that it finds the same again.
const answerOf = (opener: Opener, cart: Cart, reply: SessionReply): Effect.Effect<S.Opened, OpenError> => {
  const { input, parts, requestId, use } = opener
  const opened = openedBy(reply)
  if (use === null || opened.created || opened.replayed) return Effect.succeed(opened)
  const { session } = opened
  const remember = { tag: "Remember", use, requestId, sessionId: session.id, shown: copyOf(session) } as const
  return Effect.flatMap(parts.carts.ask(input.cartId, remember), ({ used }) =>
    used === null ? Effect.succeed(opened) : openUsed(opener, cart, used)
  )
}

/** What an open goes on with: what its key was used for before, or what is to be opened. */
type Found = { readonly used: Use; readonly cart: Cart } | { readonly used: null; readonly wanted: Wanted }

/** Steps 5-8 and 10, for the cart as it will be: who says whose it is need not be who it was. */
const want = ({ caller, input, parts, use }: Opener): Effect.Effect<Found, OpenError> =>
  Effect.gen(function* () {
    const { carts, ports } = parts
    const located = yield* bounded(ports, "carts", ports.carts.locate(input.cartId))
    const said = assignedBy(input)
    const assign = located.isBooked ? assignment(ports.carts, caller, located, said) : null
    const cart = assign === null ? merged(located.cart, said) : cartOf(input.cartId, assign.to)
    if (cart === null) return yield* Effect.fail(Refusal.sessionInaccessible)
    const asked = ports.access.rights(caller, "open", subjectOf(input.cartId, cart))
    const denied = authorise(cart, yield* bounded(ports, "access", asked))
    if (denied !== null) return yield* Effect.fail(denied)
    const used = use === null ? null : (yield* carts.ask(input.cartId, { tag: "Recall", use })).used
    if (used !== null) return { used, cart }
    if (!isUpdatable(cart.status)) return yield* Effect.fail(yield* notUpdatable(parts, input, cart.status))
    yield* handOver(ports, located, cart, said)
    return { used: null, wanted: { cart, assign, assigns: said !== null } }
  })

// A cart that was ordered is closed, as a rule: the opener is told of the order rather than of the status.
const notUpdatable = ({ carts, sessions }: Parts, { again, cartId }: S.OpenInput, status: CartStatus) =>
  Effect.gen(function* () {
    const { completed, sessionId } = (yield* carts.read(cartId)).state
    const session = sessionId === null ? null : (yield* sessions.read(sessionId)).state.session
    if (again === true) return Refusal.cartNotUpdatable(status, null)
    if (session !== null && session.cartId === cartId)
      return session.closedBy === "COMPLETED"
        ? Refusal.sessionClosed(session, session.closedBy)
        : Refusal.cartNotUpdatable(status, null)
    return completed === null ? Refusal.cartNotUpdatable(status, null) : Refusal.cartCompleted(completed)
  })

/** The cart as an opener who says nothing of it would find it: in the book of the lanes, one that nobody opened is the opener's. */
export const cartFor = (
  { carts }: Ports,
  caller: Caller,
  cartId: string
): Effect.Effect<Cart | null, Effect.Effect.Error<ReturnType<CartBook["locate"]>>> =>
  Effect.map(carts.locate(cartId), (located) => {
    const assign = located.isBooked ? assignment(carts, caller, located, null) : null
    return assign === null ? located.cart : cartOf(cartId, assign.to)
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
