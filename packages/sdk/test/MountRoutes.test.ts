/** What hosts with routes of their own need: errors as our door answers them, and changes as it streams them. */
import { Writable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { assert, describe, it } from "@effect/vitest"
import { type CheckoutError, Flow, Onelane, OnelaneError } from "@onelane/sdk"
import { sseHeaders, toHttp, toSse } from "@onelane/sdk/server"
import { inWorld, newSession, piecesOf, send } from "./MountWorld.js"

const toInventory = { expCurrentState: "Start", nextState: "Inventory" } as const

/** Headers that belong to the connection, not to the answer. */
const ofTransport = ["connection", "content-length", "date", "keep-alive", "transfer-encoding"]

const answerOf = async (response: Response) => ({
  status: response.status,
  headers: Object.fromEntries([...response.headers].filter(([name]) => !ofTransport.includes(name))),
  body: await response.text()
})

describe("toHttp", () => {
  it("answers every refusal as the door does: status, headers and body", () =>
    inWorld(
      "toNodeHandler",
      async ({ checkout, url }) => {
        const ann = checkout.as({ userId: "ann", roles: ["buyer-checkout"], actingAccountId: null })
        const bob = checkout.as({ userId: "bob", roles: ["buyer-checkout"], actingAccountId: null })
        const checkoutSessionId = await newSession(url, "c")
        const at = `/v1/checkout-sessions/${checkoutSessionId}`
        const input = { checkoutSessionId, ...toInventory }
        const fails = async (
          sent: Parameters<typeof send>,
          made: Promise<{
            readonly ok: boolean
            readonly error?: CheckoutError.CheckoutError | { readonly _tag: "Aborted" }
          }>,
          tag: string,
          options?: { readonly ifMatch: number }
        ) => {
          const { error } = await made
          assert.strictEqual(error?._tag, tag)
          assert.deepStrictEqual(toHttp(error, options), await answerOf(await send(...sent)))
        }
        await fails([url, `${at}/update`, { body: {} }], ann.update({ checkoutSessionId } as never), "InvalidInput")
        await fails([url, at, { as: "bob" }], bob.get({ checkoutSessionId }), "SessionInaccessible")
        await fails(
          [url, `${at}/events?afterVersion=99`],
          ann.history({ checkoutSessionId, afterVersion: 99 }),
          "VersionAhead"
        )
        await fails(
          [url, `${at}/update`, { body: { ...toInventory, nextState: "Nowhere" } }],
          ann.update({ ...input, nextState: "Nowhere" as never }),
          "InvalidState"
        )
        await ann.updateOrThrow(input)
        await fails([url, `${at}/update`, { body: toInventory }], ann.update(input), "ExpectedStateMismatch")
        await fails(
          [url, `${at}/update`, { body: toInventory, headers: { "if-match": '"1"' } }],
          ann.update({ ...input, expectedVersion: 1 }),
          "ExpectedStateMismatch",
          { ifMatch: 1 }
        )
        const onward = { expCurrentState: "Inventory", nextState: "Confirm Price" } as const
        await ann.updateOrThrow({ checkoutSessionId, ...onward })
        await ann.cancelOrThrow({ checkoutSessionId })
        await fails(
          [url, `${at}/update`, { body: onward }],
          ann.update({ checkoutSessionId, ...onward }),
          "SessionClosed"
        )
      },
      {},
      { flow: Flow.withTasks(Flow.b2b, { Inventory: {} }), taskDrainMillis: 10 }
    ))

  it("takes what …OrThrow threw, by its name too, and calls of a closed checkout", async () => {
    const checkout = await Onelane.open({ storage: ":memory:" })
    const missing = { checkoutSessionId: "cs_none" }
    const thrown = await checkout.getOrThrow(missing).catch((error: unknown) => error)
    assert.instanceOf(thrown, OnelaneError)
    const { error } = thrown as OnelaneError
    assert.deepStrictEqual(toHttp(thrown), toHttp(error))
    assert.deepStrictEqual(toHttp({ name: "OnelaneError", error }), toHttp(error))
    const iterator = checkout.changes({ checkoutSessionId: (await checkout.openOrThrow({ cartId: "c" })).session.id })
    const reading = iterator[Symbol.asyncIterator]().next()
    await checkout.close()
    const closed = toHttp(await reading.catch((each: unknown) => each))
    const drained = toHttp(await checkout.getOrThrow(missing).catch((each: unknown) => each))
    for (const { body, status } of [closed, drained])
      assert.deepStrictEqual([status, JSON.parse(body).reason], [503, "DRAINING"])
  })

  it("answers an aborted call 503, and says whether it may have been applied", async () => {
    const checkout = await Onelane.open({ storage: ":memory:" })
    const answer = await checkout.open({ cartId: "c" }, { signal: AbortSignal.abort() })
    const { body, headers, status } = toHttp(answer.ok ? null : answer.error)
    assert.deepStrictEqual(
      [status, headers["content-type"], headers["retry-after"]],
      [503, "application/problem+json", "1"]
    )
    assert.deepInclude(JSON.parse(body), { _tag: "Aborted", status: 503, applied: "no", code: "SERVER_UNAVAILABLE" })
    await checkout.close()
  })

  it("answers anything else 500, and shows nothing of it", () => {
    const strange = [
      new Error("secret"),
      "secret",
      null,
      undefined,
      { _tag: "secret" },
      { name: "OnelaneError" },
      () => {}
    ]
    for (const each of [...strange, { _tag: "constructor" }, new OnelaneError(new Error("secret") as never)]) {
      const { body, status } = toHttp(each)
      assert.strictEqual(status, 500)
      assert.notInclude(body, "secret")
      assert.deepInclude(JSON.parse(body), { applied: "unknown", reason: "INTERNAL_ERROR" })
    }
  })
})

describe("toSse", () => {
  it("writes the text of the door, to the end of the session, with its headers", () =>
    inWorld("toNodeHandler", async ({ checkout, url }) => {
      const checkoutSessionId = await newSession(url, "c")
      await checkout.updateOrThrow({ checkoutSessionId, ...toInventory })
      await checkout.cancelOrThrow({ checkoutSessionId })
      const door = await send(url, `/v1/checkout-sessions/${checkoutSessionId}/events?afterVersion=0`)
      const own = new Response(toSse(checkout.changes({ checkoutSessionId, afterVersion: 0 })), { headers: sseHeaders })
      const expected = await answerOf(door)
      assert.deepStrictEqual(await answerOf(own), expected)
      assert.match(
        expected.body,
        /^id: 1\nevent: change\n[\s\S]*id: 3\nevent: change\n[\s\S]*\n\nevent: end\ndata: {}\n\n$/
      )
    }))

  it("sends comments while the session is silent, and loses no change by them", async () => {
    const checkout = await Onelane.open({ storage: ":memory:" })
    const { session } = await checkout.openOrThrow({ cartId: "c" })
    const input = { checkoutSessionId: session.id, afterVersion: 1 }
    const next = piecesOf(new Response(toSse(checkout.changes(input), { heartbeatMillis: 5 })))
    assert.strictEqual(await next(), ": heartbeat\n\n")
    assert.strictEqual(await next(), ": heartbeat\n\n")
    await checkout.updateOrThrow({ checkoutSessionId: session.id, ...toInventory })
    let piece = await next()
    while (piece === ": heartbeat\n\n") piece = await next()
    assert.match(piece!, /^id: 2\nevent: change/)
    await checkout.close()
  })

  it("ends with DRAINING when the checkout closes, and with the problem when the session may not be read", async () => {
    const checkout = await Onelane.open({ storage: ":memory:" })
    const { session } = await checkout.openOrThrow({ cartId: "c" })
    const refused = await new Response(toSse(checkout.changes({ checkoutSessionId: "cs_none" }))).text()
    assert.match(refused, /^event: error\ndata: {"type":"urn:onelane:problem:session-inaccessible"/)
    const text = new Response(toSse(checkout.changes({ checkoutSessionId: session.id }))).text()
    await new Promise((resolve) => setImmediate(resolve))
    await checkout.close()
    assert.match(await text, /^event: error\ndata: .*"reason":"DRAINING".*\n\n$/)
  })

  it("ends without a word when a signal fires, its own or that of the changes: the session goes on", async () => {
    const checkout = await Onelane.open({ storage: ":memory:" })
    const { session } = await checkout.openOrThrow({ cartId: "c" })
    const input = { checkoutSessionId: session.id }
    const leaving = new AbortController()
    const { signal } = leaving
    const open = [
      toSse(checkout.changes(input, { signal })),
      toSse(checkout.changes(input), { signal }),
      toSse(checkout.changes(input, { signal }), { signal })
    ].map((stream) => new Response(stream).text())
    await new Promise((resolve) => setImmediate(resolve))
    leaving.abort()
    assert.deepStrictEqual(await Promise.all(open), ["", "", ""])
    assert.strictEqual(await new Response(toSse(checkout.changes(input), { signal })).text(), "")
    await checkout.close()
  })

  it("ends the iteration when its client goes away, and asks for no more than its client takes", async () => {
    let asked = 0
    let returned = 0
    const checkout = await Onelane.open({ storage: ":memory:" })
    const { session } = await checkout.openOrThrow({ cartId: "c" })
    const [entry] = await checkout.historyOrThrow({ checkoutSessionId: session.id })
    const changes: any = {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          asked += 1
          return { done: false, value: entry }
        },
        return: async () => {
          returned += 1
          return { done: true, value: undefined }
        }
      })
    }
    const reader = toSse(changes).getReader()
    await new Promise((resolve) => setImmediate(resolve))
    assert.strictEqual(asked, 0)
    await reader.read()
    await new Promise((resolve) => setImmediate(resolve))
    assert.strictEqual(asked, 1)
    await reader.cancel()
    assert.strictEqual(returned, 1)
    const gone = new Writable({ write: (_, __, done) => done(new Error("gone")) })
    const stream = toSse(checkout.changes({ checkoutSessionId: session.id, afterVersion: 0 }))
    const failed = await pipeline(stream, gone).catch((error: Error) => error.message)
    assert.strictEqual(failed, "gone")
    await checkout.close()
  })

  it("is cut by what is no error of a checkout, and refuses what is no iteration", async () => {
    const broken: any = {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error("the host's own")) })
    }
    const failed = await new Response(toSse(broken)).text().catch((error: Error) => error.message)
    assert.strictEqual(failed, "the host's own")
    for (const [changes, options] of [
      [{}, {}],
      [null, {}],
      [broken, { heartbeatMillis: 0 }],
      [broken, { signal: "now" }]
    ] as ReadonlyArray<[any, any]>)
      assert.throws(() => toSse(changes, options), TypeError)
  })
})
