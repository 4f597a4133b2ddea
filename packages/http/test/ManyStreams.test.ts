/** Many event streams at once: what those of one session share, what a slow reader costs the others, and what a silent one keeps. */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import { Access, Caller, Carts, CheckoutEngine, CheckoutSessions, Flow } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import { Context, Effect, Layer, Schema } from "effect"
import * as CheckoutServer from "../src/CheckoutServer.js"
import * as Authentication from "../src/core/Authentication.js"
import { ask, type HttpCore } from "../src/core/HttpCore.js"
import * as WireAnswer from "../src/core/WireAnswer.js"

const flow = Flow.defineFlow({
  name: "ring",
  initial: "A",
  transitions: { A: ["B"], B: ["A", "C"], C: [] },
  data: Schema.Struct({ note: Schema.optional(Schema.String) })
})

const served = Effect.gen(function* () {
  const context = yield* CheckoutEngine.layer({ flow }).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        JournalMemory.layer,
        Access.layerTrusted,
        Carts.layerTrusted,
        Authentication.layerStatic({ reader: Caller.make("reader", ["modify-all-data"]) })
      )
    ),
    Layer.build
  )
  const sessions = Context.get(context, CheckoutSessions.CheckoutSessions)
  const core = yield* Effect.provide(CheckoutServer.core({ limits: { streamsMaxCount: 100_000 } }), context)
  return { core, sessions }
})

const events = (core: HttpCore, id: string) =>
  Effect.map(
    ask(core, {
      method: "GET",
      path: `/v1/checkout-sessions/${id}/events`,
      query: "",
      headers: { authorization: "Bearer reader" },
      read: () => assert.fail("a GET has no body")
    }),
    ({ body }) => (WireAnswer.isPull(body) ? body : assert.fail("no stream"))
  )

const opened = (sessions: CheckoutSessions.CheckoutSessionsShape, cartId: string) =>
  Effect.map(sessions.open(Caller.host, { cartId }), ({ session }) => session.id)

/** Moves a session round the ring so many times. */
const moves = (sessions: CheckoutSessions.CheckoutSessionsShape, checkoutSessionId: string, count: number, note = "") =>
  Effect.gen(function* () {
    for (let move = 0; move < count; move++) {
      const [expCurrentState, nextState] = move % 2 === 0 ? ["A", "B"] : ["B", "A"]
      const data = note === "" ? undefined : { note: `${note}${move}` }
      yield* sessions.update(Caller.host, { checkoutSessionId, expCurrentState, nextState, data })
      if (move % 3 === 0) yield* turn
    }
  })

const turn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
const turns = Effect.repeatN(turn, 20)

/** Takes every piece as it comes. */
const reading = (pull: WireAnswer.Pull): Array<string> => {
  const pieces: Array<string> = []
  const take = (piece: string | null): void => {
    if (piece === null) return
    pieces.push(piece)
    pull.next(take)
  }
  pull.next(take)
  return pieces
}

const versions = (pieces: ReadonlyArray<string>) =>
  [...pieces.join("").matchAll(/^id: (\d+)$/gm)].map(([, version]) => Number(version))

const upTo = (last: number) => Array.from({ length: last - 1 }, (_, index) => index + 2)

describe("many event streams", () => {
  it.scoped("all of one session get the same text of each change, and one that is not read holds nobody up", () =>
    Effect.gen(function* () {
      const { core, sessions } = yield* served
      const id = yield* opened(sessions, "cart")
      const pulls = yield* Effect.forEach(Array.from({ length: 500 }), () => events(core, id))
      const slow = pulls.slice(0, 3).map((pull) => {
        const first: Array<string> = []
        pull.next((piece) => first.push(piece ?? "end"))
        return { pull, first }
      })
      const fast = pulls.slice(3).map(reading)
      yield* moves(sessions, id, 40)
      yield* turns
      for (const pieces of fast) assert.deepStrictEqual(pieces, fast[0])
      assert.deepStrictEqual(versions(fast[0]!), upTo(41))
      // Who comes back late has lost nothing.
      for (const { first, pull } of slow) {
        assert.lengthOf(first, 1)
        const rest = reading(pull)
        yield* turns
        assert.deepStrictEqual(versions([...first, ...rest]), upTo(41))
      }
      yield* sessions.cancel(Caller.host, { checkoutSessionId: id })
      yield* turns
      for (const pieces of fast) assert.match(pieces.at(-1)!, /event: end/)
    })
  )

  it.scoped("one that is not read holds one piece of bounded size, whatever happens meanwhile", () =>
    Effect.gen(function* () {
      const { core, sessions } = yield* served
      const id = yield* opened(sessions, "cart")
      const pull = yield* events(core, id)
      const first: Array<string> = []
      pull.next((piece) => first.push(piece ?? "end"))
      yield* moves(sessions, id, 14, "x".repeat(60_000))
      yield* turns
      const rest = reading(pull)
      yield* turns
      assert.deepStrictEqual(versions([...first, ...rest]), upTo(15))
      for (const piece of [...first, ...rest]) assert.isBelow(piece.length, 1_300_000)
    })
  )

  it.scoped("a silent one keeps less than 6 KB on the heap", () =>
    Effect.gen(function* () {
      setFlagsFromString("--expose-gc")
      const collect: () => void = runInNewContext("gc")
      const { core, sessions } = yield* served
      const ids = yield* Effect.forEach(Array.from({ length: 100 }), (_, index) => opened(sessions, `cart-${index}`))
      const open = (count: number) =>
        Effect.forEach(Array.from({ length: count }), (_, index) =>
          Effect.map(events(core, ids[index % ids.length]!), (pull) => {
            pull.next(() => {})
            return pull
          })
        )
      const heap = Effect.zipRight(
        turns,
        Effect.sync(() => {
          collect()
          return process.memoryUsage().heapUsed
        })
      )
      const warm = yield* open(200)
      const before = yield* heap
      const count = 2_000
      const silent = [...(yield* open(count))]
      const each = ((yield* heap) - before) / count
      assert.isBelow(each, 6_000)
      for (const pull of [...warm, ...silent]) pull.leave()
      silent.length = 0
      yield* turns
      const left = ((yield* heap) - before) / count
      assert.isBelow(left, 600)
    })
  )
})
