/** Two versions of an app over one PostgreSQL during a rolling deploy: neither writes what the other cannot read. */
import { assert, describe, it } from "@effect/vitest"
import { Access, Caller, Carts, CheckoutEngine, CheckoutSessions, Flow } from "@onelane/checkout"
import { JournalSql } from "@onelane/sql"
import * as PostgresClient from "@onelane/sql/PostgresClient"
import { Context, Effect, Exit, Layer } from "effect"
import * as Postgres from "./Postgres.js"

const postgres = Postgres.forThisFile()

const first = Flow.defineFlow({
  name: "shop",
  initial: "Cart",
  transitions: { Cart: ["Pay"], Pay: ["Ship"], Ship: ["Done"], Done: [] }
})

const second = Flow.defineFlow({
  name: "shop",
  version: 2,
  initial: "Basket",
  transitions: { Basket: ["Payment"], Payment: ["Shipping"], Shipping: ["End"], End: [] },
  migrate: { Cart: "Basket", Pay: "Payment", Ship: "Shipping", Done: "End" }
})

/** One server of an app with this flow. */
const server = (url: string, flow: Flow.Flow) =>
  CheckoutEngine.layer({ flow, alarmMillis: 50 }).pipe(
    Layer.provide(Layer.mergeAll(JournalSql.layer, Access.layerTrusted, Carts.layerTrusted)),
    Layer.provide(PostgresClient.layer({ url })),
    Layer.build,
    Effect.map((context) => Context.get(context, CheckoutSessions.CheckoutSessions))
  )

type Sessions = CheckoutSessions.CheckoutSessionsShape

/** A client that walks a session through the states it knows, whatever it is answered. Gives the errors. */
const walk = (sessions: Sessions, checkoutSessionId: string, states: ReadonlyArray<string>) =>
  Effect.forEach(states.slice(1), (nextState, n) =>
    Effect.map(
      Effect.either(sessions.update(Caller.host, { checkoutSessionId, expCurrentState: states[n]!, nextState })),
      (answer) => (answer._tag === "Left" ? answer.left : null)
    )
  )

const walks = { 1: ["Cart", "Pay", "Ship", "Done"], 2: ["Basket", "Payment", "Shipping", "End"] } as const

describe("a rolling deploy over PostgreSQL", () => {
  it.live(
    "v1 and v2 race for the same sessions: after its migration only v2 writes a session, and v1 answers to try again",
    () =>
      Effect.gen(function* () {
        const { makePlace } = yield* postgres
        const url = yield* makePlace
        const [old, fresh] = [yield* server(url, first), yield* server(url, second)]
        const ids = yield* Effect.forEach(
          Array.from({ length: 24 }, (_, n) => `cart-${n}`),
          (cartId) => Effect.map(old.open(Caller.host, { cartId }), ({ session }) => session.id)
        )
        const raced = yield* Effect.forEach(
          ids,
          (id, n) =>
            Effect.all(
              [
                walk(old, id, walks[1]),
                Effect.zipRight(Effect.sleep((n % 4) * 5), walk(old, id, walks[1])),
                // Every second session is migrated before the old server has done with it, whatever the machine's pace.
                Effect.zipRight(n % 2 === 0 ? Effect.void : Effect.sleep((n % 6) * 4), walk(fresh, id, walks[2]))
              ],
              { concurrency: 3 }
            ),
          { concurrency: 8 }
        )
        for (const error of raced.flatMap(([a, b]) => [...a, ...b])) {
          if (error === null || error._tag !== "StorageUnavailable") continue
          assert.deepInclude(error, { reason: "FLOW_VERSION", applied: "no", retryable: true })
        }
        for (const error of raced.flatMap(([, , c]) => c)) assert.notStrictEqual(error?._tag, "StorageUnavailable")
        let migrated = 0
        for (const checkoutSessionId of ids) {
          const session = yield* fresh.get(Caller.host, { checkoutSessionId })
          const entries = yield* fresh.history(Caller.host, { checkoutSessionId })
          const at = entries.findIndex(({ type }) => type === "Migrated")
          const olds = at === -1 ? entries : entries.slice(0, at)
          for (const { to } of olds) assert.include(walks[1], to as never)
          for (const { to } of at === -1 ? [] : entries.slice(at)) assert.include(walks[2], to as never)
          assert.isAtMost(entries.filter(({ type }) => type === "Migrated").length, 1)
          if (at === -1) {
            assert.deepInclude(session, { state: "Done", isArchived: true })
            continue
          }
          migrated += 1
          const asked = yield* Effect.exit(old.get(Caller.host, { checkoutSessionId }))
          assert.isTrue(Exit.isFailure(asked))
        }
        // One that the old server has in memory, and the new one migrates: the old one is sure to meet it.
        const { session } = yield* old.open(Caller.host, { cartId: "cart-last" })
        yield* fresh.get(Caller.host, { checkoutSessionId: session.id })
        const [met] = yield* walk(old, session.id, walks[1])
        assert.deepInclude(met, { _tag: "StorageUnavailable", reason: "FLOW_VERSION", applied: "no", retryable: true })
        assert.isAbove(migrated, 0)
      }).pipe(Effect.scoped),
    60_000
  )
})
