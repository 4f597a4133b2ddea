/**
 * Ports: a host's own access rules and carts, written as Effects, Promises or plain functions. A plain answer stays
 * plain: it costs a turn no suspension.
 */

import * as Access from "@onelane/checkout/Access"
import type * as Caller from "@onelane/checkout/Caller"
import * as Carts from "@onelane/checkout/Carts"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"

/** An answer of a host's function: now, as a Promise, or as an Effect. A throw or a rejection means "no answer". */
export type Answer<A> = A | PromiseLike<A> | Effect.Effect<A, Access.PortUnavailable>

/** A host's rules. `Access.AccessShape` is one; so is an object of plain functions. */
export interface HostAccess {
  readonly mayInvoke: (caller: Caller.Caller, action: Access.Action) => Answer<boolean>
  readonly rights: (caller: Caller.Caller, action: Access.Action, subject: Access.Subject) => Answer<Access.Rights>
}

/** A host's carts; null when there is no such cart. */
export interface HostCarts {
  readonly find: (cartId: string) => Answer<Carts.Cart | null>
}

const answerOf = <A>(port: string, ask: () => Answer<A>): Effect.Effect<A, Access.PortUnavailable> => {
  const unavailable = (cause: unknown): Access.PortUnavailable => ({ _tag: "PortUnavailable", port, cause })
  try {
    const answer = ask()
    if (Effect.isEffect(answer)) return answer as Effect.Effect<A, Access.PortUnavailable>
    if (Predicate.isPromiseLike(answer)) return Effect.tryPromise({ try: () => answer, catch: unavailable })
    return Exit.succeed(answer as A)
  } catch (cause) {
    return Exit.fail(unavailable(cause))
  }
}

/** The access port of a host. */
export const layerAccess = (host: HostAccess): Layer.Layer<Access.Access> =>
  Layer.succeed(Access.Access, {
    mayInvoke: (caller, action) => answerOf("Access", () => host.mayInvoke(caller, action)),
    rights: (caller, action, subject) => answerOf("Access", () => host.rights(caller, action, subject))
  })

/** The cart port of a host. */
export const layerCarts = (host: HostCarts): Layer.Layer<Carts.Carts> =>
  Layer.succeed(Carts.Carts, { find: (cartId) => answerOf("Carts", () => host.find(cartId)) })
