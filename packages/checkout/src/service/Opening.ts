/**
 * Opening: the steps of an open: the cart, the caller's rights, the cart's actor, then the session's actor.
 * OpenCheckoutSession has the rules of input and session.
 *
 * There is no transaction over both actors: the cart's actor names a session, the session's actor opens it. After a
 * crash in between, the named session does not exist, and the next opener opens it. If the named session is closed, the
 * opener replaces it.
 *
 * A key is recorded in the commit that reserves the session, so it creates at most one. If it creates none, the
 * existing session is recorded before it is returned.
 */
import { Answer, EffectRunner } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Assigned, CartCommand, CartError, CartReply, Completed, Reserve, Use } from "../commands/CartBehavior.js"
import * as OpenCheckoutSession from "../commands/OpenCheckoutSession.js"
import * as Reopening from "../commands/Reopening.js"
import type { CommandOf, SessionReply } from "../commands/SessionCommand.js"
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

const { flatMapNow } = EffectRunner

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

/** What to open: the cart after the assignment, and the assignment for its actor. */
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

/** One try of an open: the closed session that it replaces, and the completed one for the cart to remember. */
interface Try {
  readonly replacing: string | null
  readonly completed: Completed | null
  readonly again: boolean
  readonly left: number
}

type Opening = Effect.Effect<S.Opened, OpenError>

/**
 * Gets the live session of a cart, or creates one. An `Exit` if nothing has to be awaited. Otherwise run the effect at
 * once, and only once: its synchronous steps are done already.
 */
export const open = (parts: Parts, caller: Caller, input: S.OpenInput): Opening => {
  const { idempotencyKey } = input
  const use =
    typeof idempotencyKey === "string"
      ? IdempotencyKey.useOf("open", caller.userId, idempotencyKey, IdempotencyKey.inputOf(input))
      : null
  const data = input.data as Opener["data"]
  const opener: Opener = { parts, caller, input, requestId: parts.ids.next("req"), use, data }
  return attempt(opener, { replacing: null, completed: null, again: input.again === true, left: openTries })
}

const attempt = (opener: Opener, given: Try): Opening => {
  if (given.left === 0) return Exit.fail(contended(opener))
  return flatMapNow(want(opener, given.replacing), (found) =>
    found.used === null ? reserve(opener, given, found.wanted) : openUsed(opener, found.cart, found.used)
  )
}

const contended = ({ input }: Opener): OpenError =>
  Refusal.fromEngine({
    _tag: "MailboxFull",
    address: { kind: "cart", id: input.cartId },
    scope: "address",
    applied: "no"
  })

const reserve = (opener: Opener, given: Try, wanted: Wanted): Opening => {
  const { input, parts, requestId, use } = opener
  const { again, completed, replacing } = given
  const sessionId = input.checkoutSessionId ?? parts.ids.next("cs")
  const { assign } = wanted
  const command: Reserve = { tag: "Reserve", sessionId, replacing, again, completed, assign, use, requestId }
  // An id generated for this try is not stored anywhere yet.
  const made = (input.checkoutSessionId ?? null) === null ? sessionId : null
  return flatMapNow(askCart(opener, command), (reserved) => enter(opener, given, wanted, reserved, made))
}

// Opens the session that the cart's actor named. If it refuses, it may be replaced (`Reopening`).
const enter = (
  opener: Opener,
  given: Try,
  { assigns, cart }: Wanted,
  reserved: CartReply,
  made: string | null
): Opening => {
  const { completed, sessionId: id, used } = reserved
  if (used !== null) return openUsed(opener, cart, used)
  if (id === null)
    return completed === null
      ? attempt(opener, { ...given, left: given.left - 1 })
      : Exit.fail(Refusal.cartCompleted(completed))
  return EffectRunner.matchNow(
    ask(opener, id, cart, { assigns, isMade: id === made }),
    (error) => replace(opener, given, id, completed, error),
    (reply) => answerOf(opener, cart, reply)
  )
}

const replace = (
  opener: Opener,
  { again, left }: Try,
  id: string,
  remembered: Completed | null,
  error: OpenError
): Opening => {
  const next = Reopening.next(error, { id, wantedId: opener.input.checkoutSessionId ?? null, again, remembered })
  if (next.step === "give back") return Exit.fail(next.error as OpenError)
  const { completed } = next
  // `again` applies once, even if another caller completes the cart meanwhile.
  const following: Try = { replacing: id, completed, again: again && completed === null, left: left - 1 }
  return flatMapNow(mustBeFree(opener), () => attempt(opener, following))
}

// A session id chosen by the host is checked before the cart's actor names it: an id of another cart must not replace
// the cart's session.
const mustBeFree = ({ input, parts }: Opener): Effect.Effect<void, any> => {
  const id = input.checkoutSessionId ?? null
  if (id === null) return Exit.void
  return Effect.gen(function* () {
    if ((yield* parts.sessions.read(id)).state.session === null) return
    const { session } = yield* parts.sessions.askInternal(id, { tag: "Expire" })
    if (session.cartId !== input.cartId) return yield* Effect.fail(Reopening.taken)
    if (session.closedBy !== null) return yield* Effect.fail(Refusal.sessionClosed(session, session.closedBy))
  })
}

const askCart = ({ input, parts }: Opener, command: CartCommand): Effect.Effect<CartReply, CartError> =>
  Answer.toEffect(parts.carts.send(input.cartId, command))

/**
 * How a session is opened: whether the opener assigns the cart's owner, this key reserved the id, or the id was just
 * generated.
 */
interface How {
  readonly assigns?: boolean
  readonly isKnown?: boolean
  readonly isMade?: boolean
}

const ask = (
  { caller, data, input, parts, requestId, use }: Opener,
  id: string,
  { accountId, ownerId, revision = null, status, storeId }: Cart,
  { assigns, isKnown, isMade = false }: How
): Effect.Effect<SessionReply, OpenError> => {
  const state = input.initialState ?? parts.flow.initial
  const session = { id, cartId: input.cartId, storeId, accountId, ownerId, state }
  const lifeMillis = input.expiresInMillis ?? parts.expiresInMillis
  const cart = { cartStatus: status, revision }
  const command: CommandOf<"Open"> = {
    tag: "Open",
    caller,
    requestId,
    session,
    data,
    cart,
    lifeMillis,
    use,
    assigns,
    isKnown
  }
  return Answer.toEffect(parts.sessions.send(id, command, isMade ? parts.sessions.made(id) : undefined))
}

const openedBy = ({ created = false, replayed, requestId, session }: SessionReply): S.Opened => ({
  requestId,
  created,
  replayed,
  session
})

// The key was used before: returns the session as shown then, or the reserved one, which is opened now if it was not
// yet.
const openUsed = (opener: Opener, cart: Cart, { requestId, sessionId, shown }: Use): Opening =>
  shown !== null
    ? Exit.succeed({ requestId, created: false, replayed: true, session: copyOf(shown) })
    : EffectRunner.matchNow(
        ask({ ...opener, requestId }, sessionId, cart, { isKnown: true }),
        (error) => Exit.fail(error._tag === "SessionInaccessible" ? Reopening.taken : error),
        (reply) => Exit.succeed(openedBy(reply))
      )

// Records an existing session, so that the same key returns it again.
const answerOf = (opener: Opener, cart: Cart, reply: SessionReply): Opening => {
  const { requestId, use } = opener
  const opened = openedBy(reply)
  if (use === null || opened.created || opened.replayed) return Exit.succeed(opened)
  const { session } = opened
  const remember = { tag: "Remember", use, requestId, sessionId: session.id, shown: copyOf(session) } as const
  return flatMapNow(askCart(opener, remember), ({ used }) =>
    used === null ? Exit.succeed(opened) : openUsed(opener, cart, used)
  )
}

/** The next step of an open: the earlier use of its key, or what to open. */
type Found = { readonly used: Use; readonly cart: Cart } | { readonly used: null; readonly wanted: Wanted }

/** Steps 5-8 and 10, for the cart as it will be after an assignment. */
const want = (opener: Opener, replacing: string | null): Effect.Effect<Found, OpenError> => {
  const { input, parts } = opener
  const { ports } = parts
  return flatMapNow(bounded(ports, "carts", ports.carts.locate(input.cartId)), (located) =>
    permit(opener, replacing, located)
  )
}

const permit = (opener: Opener, replacing: string | null, located: Located): Effect.Effect<Found, OpenError> => {
  const { caller, input, parts, use } = opener
  const { ports } = parts
  const said = OpenCheckoutSession.assignedBy(input)
  const assign = located.isBooked ? assignment(ports.carts, caller, located, said) : null
  const cart = assign === null ? merged(located.cart, said) : cartOf(input.cartId, assign.to)
  if (cart === null) return Exit.fail(Refusal.sessionInaccessible)
  const asked = ports.access.rights(caller, "open", subjectOf(input.cartId, cart))
  return flatMapNow(bounded(ports, "access", asked), (rights): Effect.Effect<Found, OpenError> => {
    const denied = authorise(cart, rights)
    if (denied !== null) return Exit.fail(denied)
    const wanted: Wanted = { cart, assign, assigns: said !== null }
    if (use === null) return admit(opener, replacing, located, wanted, said)
    return flatMapNow(askCart(opener, { tag: "Recall", use }), ({ used }) =>
      used === null ? admit(opener, replacing, located, wanted, said) : Exit.succeed({ used, cart })
    )
  })
}

// The status of the cart, the data of a new session, and the assignment of a port's cart.
const admit = (
  opener: Opener,
  replacing: string | null,
  located: Located,
  wanted: Wanted,
  said: Partial<CartOwner> | null
): Effect.Effect<Found, OpenError> => {
  const { data, input, parts } = opener
  const { cart } = wanted
  if (!isUpdatable(cart.status)) return Effect.flatMap(notUpdatable(parts, input, cart.status), Effect.fail)
  const handed = (): Effect.Effect<Found, OpenError> =>
    EffectRunner.mapNow(handOver(parts.ports, located, cart, said), () => ({ used: null, wanted }))
  const accepted = OpenCheckoutSession.dataFor(parts.flow, data)
  if (!("_tag" in accepted)) return handed()
  return Effect.flatMap(wouldCreate(opener, replacing), (creates) => (creates ? accepted : handed()))
}

// Whether an open would create a session now. If not, invalid data does not matter: a live session keeps its data, and
// a completed cart is refused as such.
const wouldCreate = ({ input, parts }: Opener, replacing: string | null) =>
  Effect.gen(function* () {
    const { completed, sessionId } = (yield* parts.carts.read(input.cartId)).state
    if (sessionId === null) return completed === null || input.again === true
    return sessionId === replacing || (yield* parts.sessions.read(sessionId)).state.session === null
  })

// An ordered cart usually also has a closed status: the error then names the order, not the status.
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

/**
 * The cart for an opener that assigns nothing: a cart kept by its actor that was never opened belongs to the opener.
 */
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
  if (isBooked || said === null || before === null) return Exit.void
  const { accountId, ownerId, storeId } = cart
  if (ownerId === before.ownerId && accountId === before.accountId && storeId === before.storeId) return Exit.void
  if (ports.carts.assign === undefined)
    return Exit.fail(
      Refusal.invalidInput(Object.keys(said), "The cart port says whose this cart is: change it there first.")
    )
  return bounded(ports, "carts", ports.carts.assign(cart.id, { storeId, accountId, ownerId }))
}
