/** Two pages on one session, through a real server: what each shows, whoever is first, and through a server that goes and returns. */
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { type Client, connect } from "@onelane/client"
import { type Shown, type Watched, watch } from "@onelane/client/watch"
import { Effect } from "effect"
import { Caller, Flow, Onelane } from "../src/index.js"
import { toNodeHandler } from "../src/Server.js"

const flow = Flow.defineFlow({
  name: "shop",
  initial: "Cart",
  transitions: { Cart: ["Pay", "Gift"], Gift: ["Pay"], Pay: ["Paid"], Paid: [] }
})
type Shop = typeof flow

const opened = Effect.gen(function* () {
  const checkout = yield* Effect.acquireRelease(
    Effect.promise(() => Onelane.open({ storage: ":memory:", flow })),
    (checkout) => Effect.promise(() => checkout.close())
  )
  const api = toNodeHandler(checkout, {
    authenticate: ({ headers }) => {
      const userId = headers.authorization?.replace("Bearer ", "")
      return userId === undefined ? null : Caller.make(userId, ["modify-all-data"])
    }
  })
  let server: Server | null = null
  let port = 0
  const start = Effect.async<void>((resume) => {
    server = createServer(api).listen(port, "127.0.0.1", () => {
      port = (server!.address() as AddressInfo).port
      resume(Effect.void)
    })
  })
  const stop = Effect.async<void>((resume) => {
    server?.closeAllConnections()
    server?.close(() => resume(Effect.void))
  })
  yield* start
  yield* Effect.addFinalizer(() => stop)
  const url = `http://127.0.0.1:${port}`
  const clientOf = (token: string): Client<Shop> =>
    connect<Shop>({ url, token, retry: { limit: 1, baseMillis: 1, maxMillis: 5 } })
  const { session } = yield* Effect.promise(() => checkout.openOrThrow({ cartId: "cart-1" }))
  return { start, stop, clientOf, checkoutSessionId: session.id, checkout }
})

/** A page, and everything it has shown. */
const page = (client: Client<Shop>, checkoutSessionId: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const watched = watch(client, checkoutSessionId)
        const frames: Array<Shown<Shop>> = []
        return { watched, frames, leave: watched.subscribe(() => void frames.push(watched.get())) }
      }),
      ({ leave }) => Effect.sync(leave)
    ),
    ({ frames, watched }) => ({ watched, frames })
  )

const until = (watched: Watched<Shop>, test: (shown: Shown<Shop>) => boolean) =>
  Effect.repeat(
    Effect.delay(
      Effect.sync(() => watched.get()),
      5
    ),
    { until: test }
  )

describe("a watched session", { timeout: 60_000 }, () => {
  it.scopedLive("shows a step at once, and takes it back when somebody else was first, with who it was", () =>
    Effect.gen(function* () {
      const { checkoutSessionId, clientOf } = yield* opened
      const ann = yield* page(clientOf("ann"), checkoutSessionId)
      const bob = yield* page(clientOf("bob"), checkoutSessionId)
      for (const { watched } of [ann, bob]) yield* until(watched, ({ isLive }) => isLive)
      const steps = [ann.watched.step("Pay"), bob.watched.step("Gift")]
      assert.strictEqual(ann.watched.get().state, "Pay")
      assert.strictEqual(bob.watched.get().state, "Gift")
      const results = yield* Effect.promise(() => Promise.all(steps))
      const [winner, loser] = results[0]!.ok ? [ann, bob] : [bob, ann]
      assert.strictEqual(results.filter(({ ok }) => ok).length, 1)
      const { refused, session, state } = loser.watched.get()
      assert.strictEqual(state, winner.watched.get().session?.state)
      assert.strictEqual(session?.version, 2)
      assert.strictEqual(refused?.winner?.by, winner === ann ? "ann" : "bob")
      assert.strictEqual(refused?.error._tag, "ExpectedStateMismatch")
      assert.isNull(winner.watched.get().elsewhere)
      // Versions never go back.
      for (const { frames } of [ann, bob]) {
        const versions = frames.flatMap(({ session }) => (session === null ? [] : [session.version]))
        assert.deepStrictEqual(versions, [...versions].sort())
      }
    })
  )

  it.scopedLive("takes a double click for one step, and tells what another page did", () =>
    Effect.gen(function* () {
      const { checkoutSessionId, clientOf } = yield* opened
      const ann = yield* page(clientOf("ann"), checkoutSessionId)
      const bob = yield* page(clientOf("bob"), checkoutSessionId)
      for (const { watched } of [ann, bob]) yield* until(watched, ({ isLive }) => isLive)
      const clicks = [ann.watched.step("Pay"), ann.watched.step("Pay"), ann.watched.step("Paid")]
      const results = yield* Effect.promise(() => Promise.all(clicks))
      assert.deepStrictEqual(
        results.map(({ ok }) => ok),
        [true, true, true]
      )
      assert.strictEqual(results[0], results[1])
      // A change is a sign to read: the session may be read before the last change is told.
      const { elsewhere, session } = yield* until(bob.watched, ({ elsewhere }) => elsewhere?.to === "Paid")
      assert.include(elsewhere, { by: "ann" })
      assert.isTrue(session?.isArchived)
      assert.isNull(ann.watched.get().elsewhere)
    })
  )

  it.scopedLive("goes on after the server was gone, misses nothing, and says meanwhile that it may be old", () =>
    Effect.gen(function* () {
      const { checkout, checkoutSessionId, clientOf, start, stop } = yield* opened
      const ann = yield* page(clientOf("ann"), checkoutSessionId)
      yield* until(ann.watched, ({ isLive }) => isLive)
      yield* stop
      yield* until(ann.watched, ({ isLive }) => !isLive)
      const lost = yield* Effect.promise(() => ann.watched.step("Gift"))
      assert.isFalse(lost.ok)
      assert.deepInclude(ann.watched.get(), { state: "Cart", pending: null })
      const move = { checkoutSessionId, expCurrentState: "Cart", nextState: "Pay" } as const
      yield* Effect.promise(() => checkout.updateOrThrow(move))
      yield* start
      yield* until(ann.watched, ({ isLive, state }) => isLive && state === "Pay")
    })
  )

  it.scopedLive("ends with the right to read, and says why", () =>
    Effect.gen(function* () {
      const { clientOf } = yield* opened
      const ann = yield* page(clientOf("ann"), "cs_of_nobody")
      const { error } = yield* until(ann.watched, ({ error }) => error !== null)
      assert.strictEqual(error?._tag, "SessionInaccessible")
      const result = yield* Effect.promise(() => ann.watched.step("Pay"))
      assert.isFalse(result.ok)
    })
  )
})
