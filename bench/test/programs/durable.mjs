/**
 * Updates over a file, by callers who each have a session of their own, and the number of appends they took.
 * Usage: durable <folder> <callers> <updates of each> <updates in a batch at most>
 */
import { join } from "node:path"
import { Access, Caller, Carts, CheckoutEngine, CheckoutSessions, Flow } from "@onelane/checkout"
import { JournalSql, SqliteClient } from "@onelane/sql"
import { Context, Effect, Layer } from "effect"

const [folder, callers, updates, batchCapacity] = process.argv.slice(2)
const engine = { batchCapacity: Number(batchCapacity) }

const program = Effect.gen(function* () {
  const context = yield* CheckoutEngine.layer({ flow: Flow.any, engine }).pipe(
    Layer.provide([JournalSql.layer, Access.layerTrusted, Carts.layerTrusted]),
    Layer.provideMerge(SqliteClient.layer({ filename: join(folder, "checkout.db") })),
    Layer.build
  )
  const sessions = Context.get(context, CheckoutSessions.CheckoutSessions)
  const { metrics } = Context.get(context, CheckoutEngine.CheckoutEngine)
  const call = (n) =>
    Effect.gen(function* () {
      const { session } = yield* sessions.open(Caller.host, { cartId: `cart-${n}` })
      let expCurrentState = session.state
      for (let made = 0; made < Number(updates); made++) {
        const nextState = expCurrentState === "Inventory" ? "Taxes" : "Inventory"
        yield* sessions.update(Caller.host, { checkoutSessionId: session.id, expCurrentState, nextState })
        expCurrentState = nextState
      }
    })
  yield* Effect.all(
    Array.from({ length: Number(callers) }, (_, n) => call(n)),
    { concurrency: "unbounded" }
  )
  const { appends, entries } = metrics.commit
  console.log(JSON.stringify({ appends, entries }))
})

await Effect.runPromise(Effect.scoped(program))
