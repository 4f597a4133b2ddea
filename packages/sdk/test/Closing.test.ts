import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Caller, type Checkout, CheckoutSessions, Onelane, OnelaneError } from "@onelane/sdk"
import { Context, Effect, Exit, Fiber, Layer, Scope, Stream } from "effect"
import { inFolder } from "./fixture.js"

const end = { done: true, value: undefined } as const

/** What was thrown, in a word; or "done". */
const follow = async (checkout: Checkout, checkoutSessionId: string): Promise<string> => {
  try {
    for await (const _ of checkout.changes({ checkoutSessionId }));
    return "done"
  } catch (error) {
    return error instanceof OnelaneError ? `${error.tag} ${error.reason} ${error.applied}` : String(error)
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Until what was begun waits for a change. */
const settled = async () => {
  for (let turns = 0; turns < 50; turns++) await turn()
}

describe("close", () => {
  for (const where of ["in memory", "over a file"]) {
    it(`ends every watcher at once and by name, and a finished session by being done (${where})`, () =>
      inFolder(async (file) => {
        const checkout = await Onelane.open({ storage: where === "in memory" ? ":memory:" : file })
        const ann = checkout.as(Caller.make("host", ["modify-all-data"]))
        const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
        const finished = (await checkout.openOrThrow({ cartId: "cart-2" })).session
        const watching = [checkout, ann, checkout].map((door) => follow(door as Checkout, session.id))
        const done = follow(checkout as Checkout, finished.id)
        await settled()
        await checkout.cancelOrThrow({ checkoutSessionId: finished.id })
        assert.strictEqual(await done, "done")
        const beganAtMillis = performance.now()
        const closing = ann.close()
        assert.deepStrictEqual(await Promise.all(watching), Array(3).fill("Closed CLOSED no"))
        assert.isBelow(performance.now() - beganAtMillis, 2_000)
        await closing
        assert.strictEqual(await follow(checkout as Checkout, session.id), "Closed CLOSED no")
      }))
  }

  it("answers each next that waits: the first with the end by name, the others with done", async () => {
    const checkout = await Onelane.open({ storage: ":memory:" })
    const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
    const changes = checkout.changes({ checkoutSessionId: session.id })[Symbol.asyncIterator]()
    const waiting = Promise.allSettled([changes.next(), changes.next()])
    await settled()
    await checkout.close()
    const [first, second] = await waiting
    assert.match(first.status === "rejected" ? String(first.reason) : "", /^OnelaneError: Closed/)
    assert.deepStrictEqual(second, { status: "fulfilled", value: end })
    assert.deepStrictEqual(await changes.next(), end)
  })

  it("is told by name to an iteration that nobody was waiting on, too", async () => {
    let changes: AsyncIterator<unknown>
    {
      await using checkout = await Onelane.open({ storage: ":memory:" })
      const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
      changes = checkout.changes({ checkoutSessionId: session.id, afterVersion: 0 })[Symbol.asyncIterator]()
      assert.isFalse((await changes.next()).done)
    }
    assert.match(await changes.next().then(String, String), /^OnelaneError: Closed/)
    assert.deepStrictEqual(await changes.next(), end)
  })

  it("ends the watchers of a server's sessions, and their connections", async () => {
    let openCount = 0
    const server = await new Promise<Server>((resolve) => {
      const made = createServer((_, response) => {
        openCount++
        response.on("close", () => void openCount--)
        response.writeHead(200, { "content-type": "text/event-stream" }).write(": heartbeat\n\n")
      })
      made.listen(0, "127.0.0.1", () => resolve(made))
    })
    try {
      const { port } = server.address() as AddressInfo
      const checkout = await Onelane.connect({ url: `http://127.0.0.1:${port}`, token: "t" })
      const changes = [1, 2].map(() => {
        const iterator = checkout.changes({ checkoutSessionId: "cs_1", afterVersion: 1 })[Symbol.asyncIterator]()
        return iterator.next().then(String, String)
      })
      while (openCount < 2) await turn()
      await settled()
      await checkout.close()
      for (const told of await Promise.all(changes)) assert.match(told, /^OnelaneError: Closed/)
      while (openCount > 0) await turn()
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  it.live("ends the streams of a layer when its scope closes, and the service's own as well", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(Onelane.layer({ storage: ":memory:" }), scope)
      const sessions = Context.get(context, CheckoutSessions.CheckoutSessions)
      const { session } = yield* sessions.open(Caller.host, { cartId: "cart-1" })
      const changes = sessions.changes(Caller.host, { checkoutSessionId: session.id, afterVersion: 0 })
      const seen: Array<number> = []
      const watching = yield* Effect.fork(
        Effect.flip(Stream.runForEach(changes, ({ version }) => Effect.sync(() => void seen.push(version))))
      )
      yield* Effect.promise(settled)
      yield* Scope.close(scope, Exit.void)
      assert.deepInclude(yield* Fiber.join(watching), { _tag: "Overloaded", reason: "DRAINING", applied: "no" })
      assert.deepStrictEqual(seen, [1])
    })
  )
})
