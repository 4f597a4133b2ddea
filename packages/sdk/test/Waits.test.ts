/** Calls that wait, embedded and over a server whose answers get lost. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Access, Carts, CheckoutEngine } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import { Authentication, CheckoutServer, type HttpLimits, NodeListener } from "@onelane/http"
import { Caller, type Checkout, CheckoutSessions, Flow, Onelane } from "@onelane/sdk"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { inFolder, toInventory } from "./fixture.js"

const wait = { wait: "screen", waitMillis: 20_000 } as const
const flow = Flow.withTasks(Flow.b2b, { Start: {} }) as Flow.Flow<any>

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Looks until the session is claimed. */
const claimed = async (checkout: Checkout<any>, checkoutSessionId: string) => {
  for (;;) {
    const { operationId } = await checkout.getOrThrow({ checkoutSessionId })
    if (operationId !== null) return { checkoutSessionId, operationId }
    await turn()
  }
}

/** A server whose requests are counted; the host works on `Start`. */
const serving = async (
  limits: Partial<HttpLimits.HttpLimits>,
  test: (server: Server) => Promise<void>
): Promise<void> => {
  const scope = Effect.runSync(Scope.make())
  const layer = CheckoutEngine.layer({ flow, taskDrainMillis: 0 }).pipe(
    Layer.provide([JournalMemory.layer, Access.layerTrusted, Carts.layerTrusted])
  )
  const tokens = { host: Caller.make("host", ["modify-all-data"]) }
  const context = await Effect.runPromise(Layer.buildWithScope(layer, scope))
  const sessions = Context.get(context, CheckoutSessions.CheckoutSessions)
  const core = CheckoutServer.core({ limits }).pipe(
    Effect.provide(
      Layer.merge(Layer.succeed(CheckoutSessions.CheckoutSessions, sessions), Authentication.layerStatic(tokens))
    ),
    Scope.extend(scope)
  )
  const listen = NodeListener.make(await Effect.runPromise(core))
  const asked: Array<string> = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.headers.prefer ?? "-"}`)
    listen(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  const checkout = await Onelane.connect({ url: `http://127.0.0.1:${port}`, token: "host", flow })
  try {
    await test({ checkout, sessions, asked, cut: () => server.closeAllConnections() })
  } finally {
    await checkout.close()
    server.closeAllConnections()
    server.close()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

interface Server {
  readonly checkout: Checkout<any>
  readonly sessions: CheckoutSessions.CheckoutSessionsShape
  readonly asked: Array<string>
  readonly cut: () => void
}

const opened = async (checkout: Checkout<any>): Promise<string> =>
  (await checkout.openOrThrow({ cartId: "cart-1" })).session.id

describe("a call that waits, embedded", () => {
  for (const where of ["in memory", "over a file"])
    it(`is answered when its work is done, and at once when the checkout closes (${where})`, () =>
      inFolder(async (file) => {
        const checkout: Checkout<any> = await Onelane.open({ storage: where === "in memory" ? ":memory:" : file, flow })
        const checkoutSessionId = await opened(checkout)
        const waiting = checkout.updateOrThrow(toInventory(checkoutSessionId), wait)
        const { session } = await checkout.completeTaskOrThrow(await claimed(checkout, checkoutSessionId), wait)
        const { arrived, session: seen } = await waiting
        assert.deepStrictEqual([arrived, seen], [true, session])
        const second = (await checkout.openOrThrow({ cartId: "cart-2" })).session.id
        const closing = checkout.update(toInventory(second), wait)
        await claimed(checkout, second)
        await checkout.close()
        const left = await closing
        assert.deepInclude(left.ok && left.value, { arrived: false, replayed: false })
      }))

  it("stops waiting when it is aborted, and its update stays", async () => {
    await using checkout = await Onelane.open({ storage: ":memory:", flow })
    const checkoutSessionId = await opened(checkout)
    const leaving = new AbortController()
    const waiting = checkout.update(toInventory(checkoutSessionId), { ...wait, signal: leaving.signal })
    await claimed(checkout, checkoutSessionId)
    leaving.abort()
    const answer = await waiting
    assert.deepInclude(answer.ok ? {} : answer.error, { _tag: "Aborted", applied: "unknown" })
    assert.isTrue((await checkout.getOrThrow({ checkoutSessionId })).isProcessing)
  })

  it("with options that are none is refused, and nothing is written", async () => {
    await using checkout = await Onelane.open({ storage: ":memory:", flow })
    const checkoutSessionId = await opened(checkout)
    for (const options of [{ waitMillis: 10 }, { wait: "page" }, { ...wait, waitMillis: 0 }]) {
      const answer = await checkout.update(toInventory(checkoutSessionId), options as typeof wait)
      assert.deepInclude(answer.ok ? {} : answer.error, { _tag: "InvalidInput", applied: "no" })
    }
    assert.deepInclude(await checkout.getOrThrow({ checkoutSessionId }), { version: 1 })
  })
})

describe("a call that waits, over a server", { timeout: 30_000 }, () => {
  it("is one request that prefers to wait", () =>
    serving({}, async ({ asked, checkout, sessions }) => {
      const checkoutSessionId = await opened(checkout)
      asked.length = 0
      const waiting = checkout.updateOrThrow(toInventory(checkoutSessionId), wait)
      while (asked.length === 0) await turn()
      const operation = await claimed(await embedded(sessions), checkoutSessionId)
      await Effect.runPromise(sessions.completeTask(Caller.host, operation))
      const { arrived, session } = await waiting
      assert.deepInclude(session, { state: "Inventory", isProcessing: false })
      assert.isTrue(arrived)
      assert.strictEqual(asked.length, 1)
      assert.match(asked[0]!, /^POST wait=(19\.\d+|20)$/)
    }))

  it("is sent again under its key when the connection is lost, for the rest of the time", () =>
    serving({}, async ({ asked, checkout, cut, sessions }) => {
      const checkoutSessionId = await opened(checkout)
      const waiting = checkout.updateOrThrow(toInventory(checkoutSessionId), wait)
      const operation = await claimed(await embedded(sessions), checkoutSessionId)
      asked.length = 0
      cut()
      while (asked.length === 0) await turn()
      assert.match(asked[0]!, /^POST wait=(19\.\d+|20)$/)
      await Effect.runPromise(sessions.completeTask(Caller.host, operation))
      const { arrived, replayed, session } = await waiting
      assert.deepStrictEqual([arrived, replayed, session.state, session.version], [true, true, "Inventory", 3])
    }))

  it("goes on where the server does not wait: it reads after the version that it knows", () =>
    serving({ waitsMaxCount: 0 }, async ({ asked, checkout, sessions }) => {
      const checkoutSessionId = await opened(checkout)
      const waiting = checkout.updateOrThrow(toInventory(checkoutSessionId), wait)
      const operation = await claimed(await embedded(sessions), checkoutSessionId)
      while (asked.filter((line) => line.startsWith("GET")).length < 3) await turn()
      await Effect.runPromise(sessions.completeTask(Caller.host, operation))
      const { arrived, replayed, session } = await waiting
      assert.deepStrictEqual([arrived, replayed, session.version], [true, false, 3])
      assert.isBelow(asked.length, 40)
    }))

  it("whose time is over is accepted, in one request", () =>
    serving({}, async ({ asked, checkout }) => {
      const checkoutSessionId = await opened(checkout)
      asked.length = 0
      const answer = await checkout.updateOrThrow(toInventory(checkoutSessionId), { wait: "screen", waitMillis: 50 })
      assert.deepInclude(answer, { arrived: false, replayed: false })
      assert.isTrue(answer.session.isProcessing)
      assert.strictEqual(asked.length, 1)
      assert.match(asked[0]!, /^POST wait=0\.0\d+$/)
    }))

  it("is answered with the accepted update when the checkout closes", () =>
    serving({}, async ({ checkout, sessions }) => {
      const checkoutSessionId = await opened(checkout)
      const waiting = checkout.update(toInventory(checkoutSessionId), wait)
      await claimed(await embedded(sessions), checkoutSessionId)
      await checkout.close()
      const answer = await waiting
      assert.deepInclude(answer.ok && answer.value, { arrived: false, replayed: true })
    }))

  it("is found accepted by a get that waits, too", () =>
    serving({}, async ({ checkout, cut, sessions }) => {
      const checkoutSessionId = await opened(checkout)
      const { session } = await checkout.updateOrThrow(toInventory(checkoutSessionId))
      const waiting = checkout.getOrThrow({ checkoutSessionId }, { ...wait, afterVersion: session.version })
      await turn()
      cut()
      const operation = await claimed(await embedded(sessions), checkoutSessionId)
      await Effect.runPromise(sessions.completeTask(Caller.host, operation))
      assert.deepInclude(await waiting, { state: "Inventory", version: 3 })
    }))
})

/** The sessions of a server as its own program reads them, past the wire. */
const embedded = async (sessions: CheckoutSessions.CheckoutSessionsShape): Promise<Checkout<any>> =>
  ({
    getOrThrow: (input: CheckoutSessions.SessionInput) => Effect.runPromise(sessions.get(Caller.host, input))
  }) as Checkout<any>
