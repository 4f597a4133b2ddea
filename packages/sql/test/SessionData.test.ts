/** The data of sessions, on both databases. */
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Access, Caller, Carts, CheckoutEngine, CheckoutSessions, Flow } from "@onelane/checkout"
import { type DatabaseRefused, JournalSql, type Statements } from "@onelane/sql"
import { Effect, Layer, Schema } from "effect"
import { makePlaces } from "./Databases.js"

const places = makePlaces()

const flow = Flow.defineFlow({
  name: "shop",
  initial: "Start",
  transitions: { Start: ["Ship"], Ship: ["Start"] },
  data: Schema.Record({ key: Schema.String, value: Schema.Unknown })
})

const engineOn = (client: Layer.Layer<Statements.Client, DatabaseRefused.DatabaseRefused>) =>
  CheckoutEngine.layer({ flow }).pipe(
    Layer.provide(JournalSql.layer),
    Layer.provide(Layer.merge(Access.layerTrusted, Carts.layerTrusted)),
    Layer.provideMerge(client)
  )

const { host } = Caller
const secret = "Kalverstraat 92"

describe.each(places)("data of sessions on %s", (_, place) => {
  it.scopedLive("data is the same after every restart, and no patch is lost, however they come", () =>
    Effect.gen(function* () {
      const engine = engineOn(yield* place)
      const within = <A, E>(use: (sessions: CheckoutSessions.CheckoutSessionsShape) => Effect.Effect<A, E>) =>
        Effect.provide(Effect.flatMap(CheckoutSessions.CheckoutSessions, use), engine)
      const large = { address: secret, items: Array.from({ length: 60 }, (_, sku) => ({ sku, name: `thing ${sku}` })) }
      const { session } = yield* within((sessions) => sessions.open(host, { cartId: "cart-1", data: large }))
      const checkoutSessionId = session.id
      let expected: Record<string, unknown> = { ...large }
      let version = session.version
      for (let round = 0; round < 8; round++) {
        const patches = Array.from({ length: 9 }, (_, index) =>
          index % 3 === 2 ? undefined : { [`field ${(round + index) % 5}`]: `${round} ${index}` }
        )
        const after = yield* within((sessions) =>
          Effect.gen(function* () {
            for (const patch of patches) {
              const [expCurrentState, nextState] = version % 2 === 1 ? ["Start", "Ship"] : ["Ship", "Start"]
              const change = patch === undefined ? {} : { data: patch }
              const input = { checkoutSessionId, expCurrentState, nextState, idempotencyKey: `k${version}`, ...change }
              const moved = yield* sessions.update(host, input)
              expected = { ...expected, ...patch }
              version = moved.session.version
              assert.deepStrictEqual(moved.session.data, expected)
            }
            return yield* sessions.get(host, { checkoutSessionId })
          })
        )
        assert.deepStrictEqual(after.data, expected)
      }
      const found = yield* within((sessions) =>
        Effect.zip(
          sessions.get(host, { checkoutSessionId }),
          sessions.update(host, {
            ...{ checkoutSessionId, expCurrentState: "Start", nextState: "Ship", idempotencyKey: "k1" },
            data: { "field 0": "0 0" }
          })
        )
      )
      assert.deepStrictEqual(found[0].data, expected)
      assert.isTrue(found[1].replayed)
      assert.deepStrictEqual(found[1].session.data, { ...large, "field 0": "0 0" })
    })
  )

  it.scopedLive("data is stored apart from the state, and only where there is some", () =>
    Effect.gen(function* () {
      const client = yield* place
      yield* Effect.gen(function* () {
        const sessions = yield* CheckoutSessions.CheckoutSessions
        const sql = yield* SqlClient
        yield* sessions.open(host, { cartId: "cart-1", data: { address: secret } })
        const rows = yield* sql<{
          readonly kind: string
          readonly state: string
        }>`SELECT kind, state FROM journal_state`
        assert.strictEqual(rows.length, 2)
        for (const { state } of rows) assert.notInclude(state, secret)
        const bodies = yield* sql<{ readonly kind: string; readonly body: string }>`SELECT kind, body FROM journal_body`
        assert.deepStrictEqual(
          bodies.map(({ body, kind }) => [kind, JSON.parse(body)]),
          [["session", { address: secret }]]
        )
      }).pipe(Effect.provide(engineOn(client)))
    })
  )
})
