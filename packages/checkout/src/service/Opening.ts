/**
 * Opening: the steps of an open: the cart, the caller's rights, the cart's actor, then the session's actor. OpenCheckoutSession
 * has the rules of input and session.
 *
 * There is no transaction over both actors: the cart's actor names a session, the session's actor opens it. After a crash in
 * between the named session does not exist, and the next opener opens it; a name whose session is closed is replaced.
 *
 * A key is recorded in the commit that reserves the session, so it creates at most one. If it creates none, the shown session
 * is recorded before it is returned.
 */
import * as Effect from "effect/Effect"
import type { Assigned, CartReply, Completed, Reserve, Use } from "../commands/CartBehavior.js"
import * as OpenCheckoutSession from "../commands/OpenCheckoutSession.js"
import * as Reopening from "../commands/Reopening.js"
import type { SessionReply } from "../commands/SessionCommand.js"
import type { OpenError } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import type { Flow } from "../flow/Flow.js"
import { isPrivileged } from "../ports/Access.js"
import type { Caller } from "../ports/Caller.js"
import { type CartActors, type CartBook, cartOf, hosts, type Located } from "../ports/CartBook.js"
import { type Cart, type CartOwner, type CartStatus, isUpdatable } from "../ports/Carts.js"
import { authorise, bounded, type Ports, subjectOf } from "../ports/Guard.js"
import { copyOf } from "../session/CheckoutSession.js"
import * as IdempotencyKey from "../session/IdempotencyKey.js"
import type { IdsShape } from "../session/Ids.js"
import type * as MergePatch from "../session/MergePatch.js"
import type { Sessions } from "../work/Sessions.js"
import type * as S from "./CheckoutSessions.js"

/** What an open works with. */
export interface Parts {
  readonly flow: Flow
  readonly ports: Ports
  readonly sessions: Sessions
  readonly carts: CartActors
  readonly ids: IdsShape
  readonly expiresInMillis: number | null
}

/** Retries of an open if the cart's owner or session changed meanwhile. */
const openTries = 8

/** What is opened: the cart as it will be, and the assignment for its actor. */
interface Wanted {
  readonly cart: Cart
  readonly assign: Reserve["assign"]
  readonly assigns: boolean
}

/** One open. */
interface Opener {
  readonly parts: Parts
  readonly caller: Caller
  readonly input: S.OpenInput
  readonly requestId: string
  readonly use: IdempotencyKey.KeyUse | null
  readonly data: MergePatch.Taken | null | undefined
}

/** Gets the live session of a cart, or creates one. */
export const open = (parts: Parts, caller: Caller, input: S.OpenInput): Effect.Effect<S.Opened, OpenError> =>
  Effect.gen(function* () {
    const use = IdempotencyKey.useOf("open", caller.userId, input.idempotencyKey, IdempotencyKey.inputOf(input))
    const data = input.data as Opener["data"]
    const opener: Opener = { parts, caller, input, requestId: parts.ids.next("req"), use, data }
    let replacing: string | null = null
    let completed: Completed | null = null
    let again = input.again === true
    for (let tries = 0; tries < openTries; tries++) {
      const found: Found = yield* want(opener, replacing)
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
      // `again` counts once, even if another caller completes the cart meanwhile.
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

// A session id chosen by the host is checked before the cart's actor names it: the cart must not lose its session for an id
// that belongs to another cart.
const mustBeFree = ({ input, parts }: Opener): Effect.Effect<void, any> =>
  Effect.gen(function* () {
    const id = input.checkoutSessionId ?? null
    if (id === null || (yield* parts.sessions.read(id)).state.session === null) return
    const { session } = yield* parts.sessions.askInternal(id, { tag: "Expire" })
    if (session.cartId !== input.cartId) return yield* Effect.fail(Reopening.taken)
    if (session.closedBy !== null) return yield* Effect.fail(Refusal.sessionClosed(session, session.closedBy))
  })

const ask = (
  { caller, data, input, parts, requestId, use }: Opener,
  id: string,
  { accountId, ownerId, revision = null, status, storeId }: Cart,
  how: { readonly assigns?: boolean; readonly isKnown?: boolean }
): Effect.Effect<SessionReply, OpenError> => {
  const state = input.initialState ?? parts.flow.initial
  const session = { id, cartId: input.cartId, storeId, accountId, ownerId, state }
  const lifeMillis = input.expiresInMillis ?? parts.expiresInMillis
  const cart = { cartStatus: status, revision }
  return parts.sessions.ask(id, { tag: "Open", caller, requestId, session, data, cart, lifeMillis, use, ...how })
}

const openedBy = ({ created = false, replayed, requestId, session }: SessionReply): S.Opened => ({
  requestId,
  created,
  replayed,
  session
})

// The key was used before: returns the session as shown then, or the reserved one, which is opened now if it was not yet.
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

// Records the session that was found, so that the key finds it again.
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

/** The next step of an open: the earlier use of its key, or what to open. */
type Found = { readonly used: Use; readonly cart: Cart } | { readonly used: null; readonly wanted: Wanted }

/** Steps 5-8 and 10, for the cart as it will be after an assignment. */
const want = (opener: Opener, replacing: string | null): Effect.Effect<Found, OpenError> =>
  Effect.gen(function* () {
    const { caller, data, input, parts, use } = opener
    const { carts, ports } = parts
    const located = yield* bounded(ports, "carts", ports.carts.locate(input.cartId))
    const said = OpenCheckoutSession.assignedBy(input)
    const assign = located.isBooked ? assignment(ports.carts, caller, located, said) : null
    const cart = assign === null ? merged(located.cart, said) : cartOf(input.cartId, assign.to)
    if (cart === null) return yield* Effect.fail(Refusal.sessionInaccessible)
    const asked = ports.access.rights(caller, "open", subjectOf(input.cartId, cart))
    const denied = authorise(cart, yield* bounded(ports, "access", asked))
    if (denied !== null) return yield* Effect.fail(denied)
    const used = use === null ? null : (yield* carts.ask(input.cartId, { tag: "Recall", use })).used
    if (used !== null) return { used, cart }
    if (!isUpdatable(cart.status)) return yield* Effect.fail(yield* notUpdatable(parts, input, cart.status))
    const accepted = OpenCheckoutSession.dataFor(parts.flow, data)
    if ("_tag" in accepted && (yield* wouldCreate(opener, replacing))) return yield* accepted
    yield* handOver(ports, located, cart, said)
    return { used: null, wanted: { cart, assign, assigns: said !== null } }
  })

// Whether an open would create a session now. A live session keeps its data, and a completed cart is refused for that.
const wouldCreate = ({ input, parts }: Opener, replacing: string | null) =>
  Effect.gen(function* () {
    const { completed, sessionId } = (yield* parts.carts.read(input.cartId)).state
    if (sessionId === null) return completed === null || input.again === true
    return sessionId === replacing || (yield* parts.sessions.read(sessionId)).state.session === null
  })

// An ordered cart is usually closed as well: the error names the order rather than the status.
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

/** The cart for an opener that assigns nothing: a cart kept by its actor that was never opened belongs to the opener. */
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

/** The assignment for a cart's actor: none if a port keeps the cart; the opener if the cart has no owner. */
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

/** Passes the assignment to the port that keeps the cart; carts of a host's own port cannot be assigned here. */
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
