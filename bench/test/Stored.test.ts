import { assert, describe, it } from "@effect/vitest"
import { Caller, CheckoutSessions } from "@onelane/checkout"
import { Journal, JournalMemory } from "@onelane/engine"
import { Effect, Layer } from "effect"
import { firstState, states } from "../src/Load.js"
import * as Stored from "../src/Stored.js"
import { engineOver } from "../src/subjects/Onelane.js"

describe("Stored", () => {
  it.effect("sessions written past the engine are read by it, and take updates", () => {
    const journal = Layer.succeed(Journal.Journal, JournalMemory.make())
    return Effect.gen(function* () {
      yield* Stored.write(0, 3)
      const sessions = yield* CheckoutSessions.CheckoutSessions
      const call = { checkoutSessionId: Stored.idOf(2), expCurrentState: firstState, nextState: states[1] }
      const { session } = yield* sessions.update(Caller.host, call)
      assert.deepInclude(session, { id: Stored.idOf(2), cartId: "cart-2", state: states[1], version: 2 })
    }).pipe(Effect.provide(Layer.merge(journal, engineOver(journal))), Effect.scoped)
  })
})
