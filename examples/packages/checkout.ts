/** The service as an Effect layer, over a journal and two ports of your choice. */
import { Access, Caller, Carts, CheckoutEngine, CheckoutSessions } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import { Effect, Layer } from "effect"

const program = Effect.gen(function* () {
  const sessions = yield* CheckoutSessions.CheckoutSessions
  const { session } = yield* sessions.open(Caller.host, { cartId: "cart-1" })
  const update = { checkoutSessionId: session.id, expCurrentState: "Start", nextState: "Inventory" }
  const { session: after } = yield* sessions.update(Caller.host, update)
  console.log(`${session.state} → ${after.state}, version ${after.version}`)
})

const ports = Layer.mergeAll(JournalMemory.layer, Access.layerTrusted, Carts.layerTrusted)
await Effect.runPromise(Effect.provide(program, Layer.provide(CheckoutEngine.layer(), ports)))
