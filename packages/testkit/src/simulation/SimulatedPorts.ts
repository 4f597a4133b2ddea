/**
 * SimulatedPorts: the access and cart ports of one engine, which answer late or fail. It also watches the input gate
 * (A1) from outside: while a turn of a session waits for a port, no other turn of that session may ask one.
 */
import { Access, Carts } from "@onelane/checkout"
import type { Seeded } from "@onelane/testing/Seeded"
import { Context, Effect, Exit } from "effect"
import type { Scenario } from "./Scenario.js"

/** Reports a problem of an engine that its ports observed. */
export type Complain = (problem: string) => void

/** The ports of one engine. `plan` says whether they may be slow or fail. */
export const make = (
  { slowPorts, failingPorts, slowMillis }: Scenario,
  seeded: Seeded,
  plan: { readonly enabled: boolean },
  complain: Complain
): Context.Context<Access.Access | Carts.Carts> => {
  const waiting = new Set<string>()
  const asked = <A>(port: string, cartId: string, answer: A): Effect.Effect<A, Access.PortUnavailable> => {
    if (waiting.has(cartId)) complain(`A1: two turns of the session of ${cartId} at once`)
    if (plan.enabled && seeded.chance(failingPorts)) return Exit.fail({ _tag: "PortUnavailable", port })
    if (!plan.enabled || !seeded.chance(slowPorts)) return Exit.succeed(answer)
    waiting.add(cartId)
    return Effect.delay(Effect.succeed(answer), seeded.between(0, slowMillis)).pipe(
      Effect.ensuring(Effect.sync(() => waiting.delete(cartId)))
    )
  }
  const granted: Access.Rights = { mayInvoke: true, maySee: true, accountAccessible: true, storeMember: true }
  return Context.make(Access.Access, {
    mayInvoke: () => Exit.succeed(true),
    rights: (_caller, _action, { cartId }) => asked("access", cartId, granted)
  }).pipe(
    Context.add(Carts.Carts, {
      find: (id) =>
        asked("carts", id, { id, storeId: "store", accountId: "account", ownerId: "host", status: "Active" })
    })
  )
}
