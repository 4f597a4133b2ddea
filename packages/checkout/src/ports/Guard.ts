/**
 * Guard: steps 1 and 5-7 of CONTRACT §3, shared by every command. `readFacts` asks the ports inside the turn;
 * `authorise` is the pure verdict.
 */
import { Running } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type {
  AccountInaccessible,
  ActionNotPermitted,
  NotStoreMember,
  SessionInaccessible,
  StorageUnavailable
} from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import { type AccessShape, type Action, everyRight, type PortUnavailable, type Rights, type Subject } from "./Access.js"
import type { Caller } from "./Caller.js"
import { type Cart, type CartStatus, type CartsShape, cartStatuses } from "./Carts.js"

/** What the ports said in this turn. `rights` is null when there was nothing to ask about. */
export interface Facts {
  readonly rights: Rights | null
  /** Null when there is no such cart or it was not asked. */
  readonly cartStatus: CartStatus | null
}

/** The two ports, and how long either may take, milliseconds. */
export interface Ports {
  readonly access: AccessShape
  readonly carts: CartsShape
  readonly portMillis: number
}

/** Nothing was asked. */
export const noFacts: Facts = { rights: null, cartStatus: null }

/** Steps 1, 5, 6 and 7 for a subject that may not exist; null when all hold. */
export const authorise = (
  subject: Subject | null,
  rights: Rights | null
): ActionNotPermitted | SessionInaccessible | AccountInaccessible | NotStoreMember | null => {
  if (subject === null || rights === null) return Refusal.sessionInaccessible
  if (!rights.mayInvoke) return Refusal.actionNotPermitted
  if (!rights.maySee) return Refusal.sessionInaccessible
  if (!rights.accountAccessible) return Refusal.accountInaccessible
  return rights.storeMember ? null : Refusal.notStoreMember
}

/** Asks for the rights, and for the cart's status where it counts and the rights hold. Ports that answer at once cost no suspension. */
export const readFacts = (
  ports: Ports,
  caller: Caller,
  action: Action,
  subject: Subject,
  wantsCart: boolean
): Effect.Effect<Facts, StorageUnavailable> => {
  const rights = ports.access.rights(caller, action, subject)
  if (Running.isExit(rights) && Exit.isSuccess(rights)) return readCart(ports, subject, rights.value, wantsCart)
  return Effect.flatMap(bounded(ports, "access", rights), (granted) => readCart(ports, subject, granted, wantsCart))
}

// Who holds all rights holds the same ones: one answer per status, made once. Nearly every cart is active.
const answers = new Map(
  [...cartStatuses, null].map((cartStatus) => [cartStatus, Exit.succeed<Facts>({ rights: everyRight, cartStatus })])
)
const mayMoveActive = answers.get("Active")!
const mayMove = (status: CartStatus | null): Exit.Exit<Facts> =>
  status === "Active" ? mayMoveActive : answers.get(status)!

const readCart = (
  ports: Ports,
  subject: Subject,
  rights: Rights,
  wantsCart: boolean
): Effect.Effect<Facts, StorageUnavailable> => {
  if (!wantsCart || authorise(subject, rights) !== null) return Exit.succeed({ rights, cartStatus: null })
  const { carts } = ports
  if (carts.statusOf !== undefined) return mayMoveBy(ports, carts.statusOf(subject.cartId), identity)
  return mayMoveBy(ports, carts.find(subject.cartId), statusOfCart)
}

const identity = (status: CartStatus | null): CartStatus | null => status
const statusOfCart = (cart: Cart | null): CartStatus | null => (cart === null ? null : cart.status)

const mayMoveBy = <A>(
  ports: Ports,
  asked: Effect.Effect<A, PortUnavailable>,
  status: (answer: A) => CartStatus | null
): Effect.Effect<Facts, StorageUnavailable> => {
  if (Running.isExit(asked) && Exit.isSuccess(asked)) return mayMove(status(asked.value))
  return Effect.flatMap(bounded(ports, "carts", asked), (answer) => mayMove(status(answer)))
}

/** A port call that ends within the bound, in the words of the contract. A hanging port must not hold a lane for ever. */
export const bounded = <A>(
  ports: Ports,
  port: string,
  asked: Effect.Effect<A, PortUnavailable>
): Effect.Effect<A, StorageUnavailable> =>
  asked.pipe(
    Effect.timeoutFail({
      duration: ports.portMillis,
      onTimeout: (): PortUnavailable => ({ _tag: "PortUnavailable", port, cause: "timeout" })
    }),
    Effect.mapError(Refusal.portUnavailable)
  )
