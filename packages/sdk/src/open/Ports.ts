/**
 * Ports: adapts a host's access rules and carts, written as Effects, Promises or plain functions. A plain answer does
 * not suspend the turn.
 */

import * as Access from "@onelane/checkout/Access"
import type * as Caller from "@onelane/checkout/Caller"
import * as Carts from "@onelane/checkout/Carts"
import { EffectRunner, RareLog } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"

/**
 * An answer of a host's function: a value, a Promise or an Effect. A throw, a rejection or a wrong shape means "no
 * answer".
 */
export type Answer<A> = A | PromiseLike<A> | Effect.Effect<A, Access.PortUnavailable>

/** A host's access rules: an `Access.AccessShape`, or an object of plain functions. */
export interface HostAccess {
  readonly mayInvoke: (caller: Caller.Caller, action: Access.Action) => Answer<boolean>
  readonly rights: (caller: Caller.Caller, action: Access.Action, subject: Access.Subject) => Answer<Access.Rights>
}

/** A host's carts. `find` returns null or undefined when there is no such cart. */
export interface HostCarts {
  readonly find: (cartId: string) => Answer<Carts.Cart | null | undefined>
}

/** Copies a host's functions, bound to their object. Other values are left for the check. */
export const bind = <A extends object>(host: A, ...names: ReadonlyArray<keyof A>): A => {
  if (typeof host !== "object" || host === null) return host
  const bound = names.map((name) => {
    const member: unknown = host[name]
    return [name, typeof member === "function" ? member.bind(host) : member]
  })
  return Object.fromEntries(bound)
}

/**
 * Calls a function of the host and validates its answer. A throw, a rejection or a wrong shape is logged and counts as
 * no answer.
 */
const asking = <A>(log: RareLog.RareLog, port: string, shape: string, isAnswer: (value: unknown) => value is A) => {
  const unavailable = (cause: unknown): Access.PortUnavailable => {
    log("a port of the host gave no answer", { port }, cause)
    return { _tag: "PortUnavailable", port, cause }
  }
  const taken = (answer: unknown): Exit.Exit<A, Access.PortUnavailable> =>
    isAnswer(answer) ? Exit.succeed(answer) : Exit.fail(unavailable(new TypeError(`${port} must answer ${shape}`)))
  return (ask: () => Answer<A>): Effect.Effect<A, Access.PortUnavailable> => {
    try {
      const answer = ask()
      if (Effect.isEffect(answer))
        return EffectRunner.flatMapNow(answer as Effect.Effect<A, Access.PortUnavailable>, taken)
      if (!Predicate.isPromiseLike(answer)) return taken(answer)
      const promised = Promise.resolve(answer)
      // A cancelled call does not observe the rejection, which must not end the process.
      promised.catch(() => {})
      return Effect.flatMap(Effect.tryPromise({ try: () => promised, catch: unavailable }), taken)
    } catch (cause) {
      return Exit.fail(unavailable(cause))
    }
  }
}

const rightNames = ["mayInvoke", "maySee", "accountAccessible", "storeMember"] as const

const isRights = (value: unknown): value is Access.Rights =>
  Predicate.isRecord(value) && rightNames.every((name) => typeof value[name] === "boolean")

const isStatus = (value: unknown): boolean => (Carts.cartStatuses as ReadonlyArray<unknown>).includes(value)

const isCart = (value: unknown): value is Carts.Cart =>
  Predicate.isRecord(value) &&
  [value.id, value.storeId, value.accountId, value.ownerId].every(Predicate.isString) &&
  isStatus(value.status) &&
  (value.revision === undefined || value.revision === null || Carts.isRevision(value.revision))

const isCartOrNone = (value: unknown): value is Carts.Cart | null | undefined =>
  value === null || value === undefined || isCart(value)

/** The access port of a host. */
export const layerAccess = (host: HostAccess): Layer.Layer<Access.Access> =>
  Layer.effect(
    Access.Access,
    Effect.map(RareLog.make, (log) => {
      const ask = asking(log, "access.mayInvoke", "true or false", Predicate.isBoolean)
      const askRights = asking(log, "access.rights", `an object of ${rightNames.join(", ")}`, isRights)
      return {
        // A rule that allows everything must not let a buyer assign a cart to somebody else.
        mayInvoke: (caller, action) =>
          action === "assign-cart" && !Access.isPrivileged(caller)
            ? Exit.succeed(false)
            : ask(() => host.mayInvoke(caller, action)),
        rights: (caller, action, subject) => askRights(() => host.rights(caller, action, subject))
      }
    })
  )

/** The cart port of a host. */
export const layerCarts = (host: HostCarts): Layer.Layer<Carts.Carts> =>
  Layer.effect(
    Carts.Carts,
    Effect.map(RareLog.make, (log) => {
      const shape = `null or an object of id, storeId, accountId, ownerId and status, one of ${Carts.cartStatuses.join(", ")}, and perhaps a revision, text of 1 to ${Carts.revisionMaxLength} characters or a whole number`
      const ask = asking<Carts.Cart | null | undefined>(log, "carts.find", shape, isCartOrNone)
      return {
        find: (cartId) =>
          EffectRunner.mapNow(
            ask(() => host.find(cartId)),
            (cart) => cart ?? null
          )
      }
    })
  )
