/**
 * Guard: steps 1 and 5-7 of CONTRACT §3, shared by every command. `readFacts` asks the ports inside the turn: first for
 * the cart, then for the caller's rights; `authorise` is the pure decision.
 */
import { EffectRunner } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type {
  AccountInaccessible,
  ActionNotPermitted,
  NotStoreMember,
  Overloaded,
  SessionInaccessible,
  StorageUnavailable
} from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import type { CheckoutSession } from "../session/CheckoutSession.js"
import { type AccessShape, type Action, everyRight, type PortUnavailable, type Rights, type Subject } from "./Access.js"
import type { Caller } from "./Caller.js"
import type { CartBook } from "./CartBook.js"
import type { Cart, CartOwner, CartRevision, CartStatus } from "./Carts.js"

/** The answers of the ports in this turn. `rights` is null if there was no subject. */
export interface Facts {
  readonly rights: Rights | null
  /** Null if there is no such cart or the port was not asked. */
  readonly cartStatus: CartStatus | null
  /** The present cart; null if it is gone or the port was not asked. */
  readonly cart: Cart | null
}

/** The two ports, and how long either may take, milliseconds. */
export interface Ports {
  readonly access: AccessShape
  readonly carts: CartBook
  readonly portMillis: number
}

/** The facts when no port was asked. */
export const noFacts: Facts = { rights: null, cartStatus: null, cart: null }

/** A port failed: no decision was made. */
export type Undecided = StorageUnavailable | Overloaded

/** Errors of missing rights. */
export type Denied = ActionNotPermitted | SessionInaccessible | AccountInaccessible | NotStoreMember

/** Steps 1, 5, 6 and 7 for a subject that may not exist; null when all hold. */
export const authorise = (subject: CartOwner | null, rights: Rights | null): Denied | null => {
  if (subject === null || rights === null) return Refusal.sessionInaccessible
  if (!rights.mayInvoke) return Refusal.actionNotPermitted
  if (!rights.maySee) return Refusal.sessionInaccessible
  if (!rights.accountAccessible) return Refusal.accountInaccessible
  return rights.storeMember ? null : Refusal.notStoreMember
}

// No port keeps the cart, and the caller has every right, so the answer does not depend on the cart.
const trusted = Exit.succeed<Facts>({ rights: everyRight, cartStatus: "Active", cart: null })

/**
 * Asks for the cart, then for the rights. Ports that answer synchronously cost no suspension; a trusted caller needs
 * none.
 */
export const readFacts = (
  ports: Ports,
  caller: Caller,
  action: Action,
  last: Omit<Subject, "isGuest">
): Effect.Effect<Facts, Undecided> => {
  const { access, carts } = ports
  if (carts.isComplete && access.trusts?.(caller, action) === true) return trusted
  const found = carts.find(last.cartId)
  if (EffectRunner.isExit(found) && Exit.isSuccess(found)) return readRights(ports, caller, action, last, found.value)
  return Effect.flatMap(bounded(ports, "carts", found), (cart) => readRights(ports, caller, action, last, cart))
}

const readRights = (
  ports: Ports,
  caller: Caller,
  action: Action,
  last: Omit<Subject, "isGuest">,
  cart: Cart | null
): Effect.Effect<Facts, Undecided> => {
  const asked = ports.access.rights(caller, action, subjectOf(last.cartId, cart ?? last))
  if (EffectRunner.isExit(asked) && Exit.isSuccess(asked)) return Exit.succeed(factsOf(asked.value, cart))
  return Effect.map(bounded(ports, "access", asked), (rights) => factsOf(rights, cart))
}

const factsOf = (rights: Rights, cart: Cart | null): Facts => ({
  rights,
  cartStatus: cart === null ? null : cart.status,
  cart
})

// No port keeps the cart.
const unkept = Exit.succeed<Facts>({ rights: null, cartStatus: "Active", cart: null })

/** Reads the cart only: for a result of the engine itself, which needs no rights. */
export const readCart = (ports: Ports, cartId: string): Effect.Effect<Facts, Undecided> =>
  ports.carts.isComplete
    ? unkept
    : Effect.map(bounded(ports, "carts", ports.carts.find(cartId)), (cart) => ({
        rights: null,
        cartStatus: cart === null ? null : cart.status,
        cart
      }))

/** Whether a cart has another revision now, or is gone; false if unknown. */
export const hasChanged = (ports: Ports, cartId: string, revision: CartRevision): Effect.Effect<boolean> =>
  readCart(ports, cartId).pipe(
    Effect.map(({ cart }) => cart === null || cart.revision !== revision),
    Effect.orElseSucceed(() => false)
  )

/** The subject of a rights check. */
export const subjectOf = (
  cartId: string,
  { accountId, isGuest = false, ownerId, storeId }: CartOwner & { readonly isGuest?: boolean | undefined }
): Subject => ({ cartId, storeId, accountId, ownerId, isGuest })

/** The cart's present owner if it differs from the session's, else null. The next event adopts it. */
export const ownerNow = (session: CheckoutSession, cart: CartOwner | null): CartOwner | null => {
  if (cart === null) return null
  const { accountId, ownerId, storeId } = cart
  const isSame = ownerId === session.ownerId && accountId === session.accountId && storeId === session.storeId
  return isSame ? null : { storeId, accountId, ownerId }
}

/** The session for readers, with the cart's present owner. An archived session stays as it was. */
export const shownNow = (session: CheckoutSession, cart: CartOwner | null): CheckoutSession => {
  const owner = session.isArchived ? null : ownerNow(session, cart)
  return owner === null ? session : { ...session, ...owner }
}

/**
 * Limits a port call to `portMillis` and maps its error. A hanging port must not block a session for ever. A
 * synchronous answer needs no timeout and stays an `Exit`.
 */
export const bounded = <A>(
  ports: Pick<Ports, "portMillis">,
  port: string,
  asked: Effect.Effect<A, PortUnavailable | Undecided>
): Effect.Effect<A, Undecided> => {
  if (EffectRunner.isExit(asked)) return Exit.mapError(asked, undecided)
  return asked.pipe(
    Effect.timeoutFail({
      duration: ports.portMillis,
      onTimeout: (): PortUnavailable => ({ _tag: "PortUnavailable", port, cause: "timeout" })
    }),
    Effect.mapError(undecided)
  )
}

const undecided = (error: PortUnavailable | Undecided): Undecided =>
  error._tag === "PortUnavailable" ? Refusal.portUnavailable(error) : error
