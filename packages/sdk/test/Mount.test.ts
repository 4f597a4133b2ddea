/** A checkout in a host's server: what a host and its clients can rely on, by both ways to mount. */
import { AsyncLocalStorage } from "node:async_hooks"
import { assert, describe, it } from "@effect/vitest"
import { Flow, Onelane } from "@onelane/sdk"
import { type Identified, toNodeHandler, toWebHandler } from "@onelane/sdk/server"
import { bodyOf, byName, inWorld, nameOf, newSession, piecesOf, send, type Way, ways } from "./MountWorld.js"

const toInventory = { expCurrentState: "Start", nextState: "Inventory" }
const turns = async () => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Lets all who wait go on at once, so that what resumes them runs on one stack. */
const together = (() => {
  let waiting: Array<() => void> = []
  const open = async () => {
    for (let turn = 0; turn < 5; turn++) await turns()
    const all = waiting
    waiting = []
    for (const goOn of all) goOn()
  }
  return () =>
    new Promise<void>((resolve) => {
      if (waiting.push(resolve) === 1) void open()
    })
})()

/** A body that comes in two pieces, the second a while later. */
const slowly = (text: string): ReadableStream<Uint8Array> => {
  const pieces = [text.slice(0, 9), text.slice(9)].map((piece) => new TextEncoder().encode(piece))
  return new ReadableStream({
    pull: async (controller) => {
      for (let turn = 0; turn < 20; turn++) await turns()
      controller.enqueue(pieces.shift()!)
      if (pieces.length === 0) controller.close()
    }
  })
}

describe.each(ways)("%s", (way: Way) => {
  it("answers the native format below its path: location, tags, keys, waits and a document that names the path", () =>
    inWorld(way, async ({ url }) => {
      const opened = await send(url, "/v1/checkout-sessions", { body: { cartId: "c" } })
      const { session } = await bodyOf(opened)
      assert.strictEqual(opened.status, 201)
      assert.strictEqual(opened.headers.get("location"), `/shop/v1/checkout-sessions/${session.id}`)
      const at = `/v1/checkout-sessions/${session.id}`
      const got = await send(url, at)
      assert.strictEqual(got.headers.get("etag"), `"${session.version}"`)
      assert.strictEqual((await send(url, at, { headers: { "if-none-match": `"${session.version}"` } })).status, 304)
      const headers = { "idempotency-key": "k", "if-match": `"${session.version}"`, prefer: "wait=1" }
      const update = () => send(url, `${at}/update`, { body: toInventory, headers })
      const first = await update()
      assert.deepStrictEqual([first.status, first.headers.get("preference-applied")], [200, "wait=1"])
      assert.strictEqual((await update()).headers.get("idempotent-replayed"), "true")
      const stale = await send(url, `${at}/update`, { body: toInventory, headers: { "if-match": '"1"' } })
      assert.strictEqual(stale.status, 412)
      const document = await bodyOf(await send(url, "/openapi.json", { as: null }))
      assert.deepStrictEqual(document.servers, [{ url: "/shop" }])
      assert.include(await (await send(url, "/docs", { as: null })).text(), '"servers":[{"url":"/shop"}]')
      for (const path of ["/v1/nothing", "/healthz"]) assert.strictEqual((await send(url, path)).status, 404, path)
      assert.strictEqual((await send(url.replace("/shop", "/other"), at)).status, 404)
    }))

  it("answers standard actions and lists the claims that are open", () =>
    inWorld(
      way,
      async ({ url }) => {
        const root = "/services/data/v62.0/actions/standard"
        const versions = await bodyOf(await send(url, "/services/data"))
        assert.strictEqual(versions[0].url, "/shop/services/data/v62.0")
        const call = async (action: string, input: object) =>
          (await bodyOf(await send(url, `${root}/${action}`, { as: "admin", body: { inputs: [input] } })))[0]
        const opened = await call("checkoutSessionAction", { cartId: "c" })
        const { checkoutSessionId } = opened.outputValues
        const update = () => call("updateCheckoutSessionAction", { checkoutSessionId, ...toInventory })
        const [one, other] = await Promise.all([update(), update()])
        assert.deepStrictEqual([one.isSuccess, other.isSuccess].sort(), [false, true])
        const onward = { checkoutSessionId, expCurrentState: "Inventory", nextState: "Confirm Price" }
        assert.isTrue((await call("updateCheckoutSessionAction", onward)).isSuccess)
        const claims = await bodyOf(await send(url, "/v1/operations?state=Inventory", { as: "admin" }))
        assert.deepStrictEqual(
          claims.operations.map((each: any) => each.checkoutSessionId),
          [checkoutSessionId]
        )
      },
      {},
      { flow: Flow.withTasks(Flow.b2b, { Inventory: {} }) }
    ))

  it("gives one of forty callers the update; all others learn the state that is true now", () =>
    inWorld(way, async ({ url }) => {
      const id = await newSession(url, "c")
      const raced = await Promise.all(
        Array.from({ length: 40 }, async () => {
          const answer = await send(url, `/v1/checkout-sessions/${id}/update`, { body: toInventory })
          return [answer.status, await bodyOf(answer)] as const
        })
      )
      assert.strictEqual(raced.filter(([status]) => status === 200).length, 1)
      for (const [status, body] of raced.filter(([status]) => status !== 200)) {
        assert.deepStrictEqual([status, body._tag, body.current.state], [409, "ExpectedStateMismatch", "Inventory"])
      }
    }))

  it("answers 401 where the host knows nobody, and 503 without a word of the cause where it gives no answer", async () => {
    const broken: Readonly<Record<string, () => unknown>> = {
      throws: () => {
        throw new Error("secret of the host")
      },
      rejects: () => Promise.reject(new Error("secret of the host")),
      text: () => "ann",
      roles: () => ({ userId: "ann", roles: ["secret of the host"] }),
      nameless: () => ({ userId: "", roles: [] }),
      getter: () => ({
        get userId() {
          throw new Error("secret of the host")
        }
      })
    }
    const lines: Array<string> = []
    await inWorld(
      way,
      async ({ url }) => {
        for (const as of [null, "nobody", "later-nobody"]) {
          const answer = await send(url, "/v1/checkout-sessions", { as, body: { cartId: "c" } })
          const body = await bodyOf(answer)
          assert.deepStrictEqual([answer.status, body.code, body.applied], [401, "INVALID_SESSION_ID", "no"])
        }
        for (const as of Object.keys(broken)) {
          const answer = await send(url, "/v1/checkout-sessions", { as, body: { cartId: "c" } })
          assert.strictEqual(answer.status, 503, as)
          assert.isNotNull(answer.headers.get("retry-after"))
          assert.notInclude(await answer.text(), "secret")
        }
        const known = await send(url, "/v1/checkout-sessions", { as: "plain", body: { cartId: "c" } })
        assert.strictEqual(known.status, 201)
      },
      {
        authenticate: (request: Request) => {
          const name = nameOf(request)
          if (name === undefined || name === "nobody") return null
          if (name === "later-nobody") return Promise.resolve(undefined)
          if (name === "plain") return Promise.resolve({ userId: "plain", roles: ["buyer-checkout"], email: "p@x" })
          return broken[name]!() as Identified
        }
      },
      { logger: ({ message }) => lines.push(message) }
    )
    assert.include(lines, "authenticate of the host gave no answer")
  })

  it("asks authenticate, access and carts in the async context of their own request", async () => {
    const store = new AsyncLocalStorage<string>()
    const wrong: Array<string> = []
    let asked = 0
    const seen = (where: string, who: string) => {
      asked += 1
      if (store.getStore() !== who) wrong.push(`${where}: ${who} in the context of ${store.getStore()}`)
    }
    const names = Array.from({ length: 20 }, (_, index) => `user-${index}`)
    await inWorld(
      way,
      async ({ url }) => {
        const opened = await Promise.all(
          names.map(async (as) => {
            const opened = await send(url, "/v1/checkout-sessions", { as, body: { cartId: `of-${as}` } })
            const { session } = await bodyOf(opened)
            const at = `/v1/checkout-sessions/${session.id}/update`
            const update = await send(url, at, { as, body: slowly(JSON.stringify(toInventory)) })
            assert.deepStrictEqual([opened.status, update.status], [201, 200])
            return [as, session.id]
          })
        )
        // Without bodies they come together.
        const reads = opened.map(([as, id]) => send(url, `/v1/checkout-sessions/${id}`, { as: as! }))
        for (const { status } of await Promise.all(reads)) assert.strictEqual(status, 200)
      },
      {
        authenticate: async (request: Request) => {
          const found = byName(request)
          seen("authenticate", found!.userId)
          await together()
          seen("authenticate, later", found!.userId)
          return found
        }
      },
      {
        access: {
          mayInvoke: (caller) => {
            seen("mayInvoke", caller.userId)
            return true
          },
          rights: async (caller) => {
            seen("rights", caller.userId)
            await turns()
            return { mayInvoke: true, maySee: true, accountAccessible: true, storeMember: true }
          }
        },
        carts: {
          find: (id) => {
            seen("find", id.slice(3))
            return { id, storeId: "s", accountId: "a", ownerId: id.slice(3), status: "Active" }
          }
        }
      },
      (go, { headers }) => store.run(headers.authorization!.slice("Bearer ".length), go)
    )
    assert.deepStrictEqual(wrong, [])
    assert.isAtLeast(asked, names.length * 8)
  })

  it("ends a stream when the host no longer knows its caller, or knows another one", async () => {
    const others: ReadonlyArray<Identified> = [null, { userId: "bob", roles: ["buyer-checkout"] }]
    for (const then of others) {
      let isGone = false
      await inWorld(
        way,
        async ({ url }) => {
          const id = await newSession(url, "c")
          const stream = await send(url, `/v1/checkout-sessions/${id}/events`)
          assert.strictEqual(stream.headers.get("cache-control"), "no-store, no-transform")
          isGone = true
          await send(url, `/v1/checkout-sessions/${id}/update`, { as: "admin", body: toInventory })
          const text = await stream.text()
          assert.include(text, '"status":401')
          assert.notInclude(text, "event: change")
        },
        { authenticate: (request: Request) => (isGone && nameOf(request) === "ann" ? then : byName(request)) }
      )
    }
  })

  it("refuses a body over the limit that the host sets", () =>
    inWorld(
      way,
      async ({ url }) => {
        const answer = await send(url, "/v1/checkout-sessions", { body: { cartId: "c".repeat(100) } })
        assert.strictEqual(answer.status, 413)
      },
      { limits: { bodyMaxBytes: 50 } }
    ))

  it.each(["the handler", "the checkout"])("closing %s ends streams and waits, and refuses what comes later", (what) =>
    inWorld(
      way,
      async ({ checkout, close, url }) => {
        const id = await newSession(url, "c")
        await send(url, `/v1/checkout-sessions/${id}/update`, { body: toInventory })
        const stream = await send(url, `/v1/checkout-sessions/${id}/events`)
        const onward = { expCurrentState: "Inventory", nextState: "Confirm Price" }
        const waiting = send(url, `/v1/checkout-sessions/${id}/update`, {
          body: onward,
          headers: { prefer: "wait=50" }
        })
        const entries = piecesOf(stream)
        assert.include(await entries(), "event: change")
        await (what === "the handler" ? close() : checkout.close())
        assert.match((await entries())!, /^event: error\ndata: .*"reason":"DRAINING"/)
        assert.isNull(await entries())
        const waited = await waiting
        const body = await bodyOf(waited)
        assert.deepStrictEqual([waited.status, body.arrived, body.session.isProcessing], [200, false, true])
        const late = await send(url, "/v1/checkout-sessions", { body: { cartId: "d" } })
        assert.deepStrictEqual([late.status, (await bodyOf(late)).reason], [503, "DRAINING"])
        await close()
      },
      {},
      { flow: Flow.withTasks(Flow.b2b, { Inventory: {} }), taskDrainMillis: 10 }
    )
  )
})

describe("what can be mounted", () => {
  it("is a checkout of open, or a copy of it, and nothing that acts for one user", async () => {
    const checkout = await Onelane.open({ storage: ":memory:" })
    const remote = await Onelane.connect({ url: "http://127.0.0.1:1", token: "t" })
    for (const mount of [toWebHandler, toNodeHandler] as ReadonlyArray<(checkout: any, options: any) => unknown>) {
      mount({ ...checkout }, { authenticate: () => null })
      const wrong = [remote, checkout.as({ userId: "ann", roles: [], actingAccountId: null }), {}, null, undefined]
      for (const each of wrong)
        assert.throws(() => mount(each, { authenticate: () => null }), /must be what Onelane.open/)
      for (const [options, fault] of [
        [{}, "authenticate must be a function"],
        [{ authenticate: () => null, basePath: "/shop/" }, "basePath must be a path such as /checkout"],
        [{ authenticate: () => null, publicPath: "/:shop" }, "publicPath must be a path"],
        [{ authenticate: () => null, limits: { bodyMaxBytes: 0 } }, "limits.bodyMaxBytes must be a whole number"],
        [{ authenticate: () => null, limits: { callsPerSecond: 0 } }, "limits.callsPerSecond must be a number"],
        [{ authenticate: () => null, corsOrigins: ["*"] }, "corsOrigins must be a list of origins"],
        [{ authenticate: () => null, path: "/" }, "there is no path"]
      ] as const)
        assert.throws(() => mount(checkout, options), fault)
    }
    await checkout.close()
    assert.throws(() => toWebHandler(checkout, { authenticate: () => null }), /is closed/)
    await remote.close()
  })
})
