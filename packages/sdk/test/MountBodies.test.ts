/** Bodies that a host has read before, and requests over HTTP/2. */

import type { IncomingMessage } from "node:http"
import { connect, createServer } from "node:http2"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Onelane } from "@onelane/sdk"
import { toNodeHandler, toWebHandler } from "@onelane/sdk/server"
import { bodyOf, byName, inWorld, newSession, send } from "./MountWorld.js"

const toInventory = { expCurrentState: "Start", nextState: "Inventory" }

/** Middleware that reads the body, and leaves what `leave` makes of it. */
const reading = (leave: (bytes: Buffer) => unknown) => async (go: () => void, request: IncomingMessage) => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk)
  Object.assign(request, { body: chunks.length === 0 ? undefined : leave(Buffer.concat(chunks)) })
  go()
}

const parsed = (bytes: Buffer): unknown => JSON.parse(bytes.toString())

describe("a body that the host has read", () => {
  it.each([
    ["parsed", parsed],
    ["as bytes", (bytes: Buffer) => bytes],
    ["as text", String]
  ] as const)("and left %s is taken, with every limit of a body", (_, leave) =>
    inWorld(
      "toNodeHandler",
      async ({ url }) => {
        const id = await newSession(url, "c")
        const update = (body: unknown) => send(url, `/v1/checkout-sessions/${id}/update`, { body })
        assert.strictEqual((await update(toInventory)).status, 200)
        assert.strictEqual((await update(toInventory)).status, 409)
        const deep = JSON.parse("[".repeat(40) + "]".repeat(40))
        for (const [body, status, code] of [
          [{ ...toInventory, nextState: "ä".repeat(600) }, 413, "LIMIT_EXCEEDED"],
          [{ ...toInventory, deep }, 400, "LIMIT_EXCEEDED"],
          [[toInventory], 400, "JSON_PARSER_ERROR"],
          [{ ...toInventory, unknown: 1 }, 400, "INVALID_INPUT"]
        ] as const) {
          const answer = await update(body)
          assert.deepStrictEqual([answer.status, (await bodyOf(answer)).code], [status, code])
        }
        const cancelled = await send(url, `/v1/checkout-sessions/${id}/cancel`, { method: "POST" })
        assert.strictEqual(cancelled.status, 200)
      },
      { limits: { bodyMaxBytes: 1_000 } },
      {},
      reading(leave)
    )
  )

  it.each([
    ["undefined", (): undefined => undefined],
    ["a circle", (): object => circle],
    ["a function", (): object => inWorld]
  ] as const)("and left nothing of (%s) is refused, with a sentence for the host, and not applied", (_, leave) =>
    inWorld(
      "toNodeHandler",
      async ({ url }) => {
        const answer = await send(url, "/v1/checkout-sessions", { body: { cartId: "c" } })
        const { applied, detail } = await bodyOf(answer)
        assert.deepStrictEqual([answer.status, applied], [500, "no"])
        assert.match(
          detail,
          /^The body was read before Onelane saw the request: mount Onelane in front of body parsers/
        )
      },
      {},
      {},
      reading(leave)
    )
  )

  it("of a web request is refused alike", async () => {
    const checkout = await Onelane.open({ storage: ":memory:" })
    const handle = toWebHandler(checkout, { authenticate: byName })
    const headers = { authorization: "Bearer ann", "content-type": "application/json" }
    const request = () =>
      new Request("http://localhost/v1/checkout-sessions", { method: "POST", headers, body: '{"cartId":"c"}' })
    assert.strictEqual((await handle(request())).status, 201)
    const used = request()
    await used.json()
    const locked = request()
    locked.body!.getReader()
    for (const each of [used, locked]) {
      const answer = await handle(each)
      assert.strictEqual(answer.status, 500)
      assert.include((await bodyOf(answer)).detail, "The body was read before")
    }
    await checkout.close()
  })
})

describe("a framework that has removed of the path", () => {
  it.each([
    ["nothing", "", "/shop/7/v1/checkout-sessions"],
    ["the base", "/shop/7", "/v1/checkout-sessions"],
    ["a part of it", "/shop", "/7/v1/checkout-sessions"],
    ["all of it", "/shop/7/v1/checkout-sessions", "/"]
  ])("%s: the request is found, and links name the whole", (_, baseUrl, left) =>
    inWorld(
      "toNodeHandler",
      async ({ url }) => {
        const answer = await send(url, "/7/v1/checkout-sessions?odd", { body: { cartId: "c" } })
        const { session } = await bodyOf(answer)
        assert.strictEqual(answer.headers.get("location"), `/shop/7/v1/checkout-sessions/${session.id}`)
      },
      { basePath: "/shop/:number" },
      {},
      (go, request) => {
        Object.assign(request, { baseUrl, originalUrl: request.url, url: `${left}?odd` })
        go()
      }
    )
  )

  it("and says so alone: the base needs no option", () =>
    inWorld(
      "toNodeHandler",
      async ({ url }) => {
        const answer = await send(url, "/v1/checkout-sessions", { body: { cartId: "c" } })
        assert.match(answer.headers.get("location")!, /^\/shop\/v1\/checkout-sessions\//)
      },
      { basePath: undefined },
      {},
      (go, request) => {
        Object.assign(request, { baseUrl: "/shop", originalUrl: request.url, url: request.url!.slice("/shop".length) })
        go()
      }
    ))
})

describe("a proxy, or a framework that says nothing,", () => {
  it.each(["toNodeHandler", "toWebHandler"] as const)("removes a prefix: publicPath names it in links, by %s", (way) =>
    inWorld(
      way,
      async ({ url }) => {
        const answer = await send(url, "/v1/checkout-sessions", { body: { cartId: "c" } })
        assert.match(answer.headers.get("location")!, /^\/public\/shop\/v1\/checkout-sessions\//)
      },
      { publicPath: "/public/shop" }
    )
  )
})

const circle: { self?: unknown } = {}
circle.self = circle

describe("HTTP/2", () => {
  it("requests, streams and the end of one stream work by toNodeHandler", { timeout: 20_000 }, async () => {
    const checkout = await Onelane.open({ storage: ":memory:" })
    const handle = toNodeHandler<any>(checkout, { authenticate: byName, limits: { streamsMaxCount: 1 } })
    const server = createServer((request, response) => handle(request, response as never))
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const open = (path: string, body?: object) => {
      const method = body === undefined ? "GET" : "POST"
      const asked = {
        ":path": path,
        ":method": method,
        authorization: "Bearer ann",
        "content-type": "application/json"
      }
      const stream = session.request(asked)
      stream.end(body === undefined ? undefined : JSON.stringify(body))
      return stream.setEncoding("utf8")
    }
    const ask = async (path: string, body?: object): Promise<any> => {
      const stream = open(path, body)
      let text = ""
      for await (const piece of stream) text += piece
      return JSON.parse(text)
    }
    const id = (await ask("/v1/checkout-sessions", { cartId: "c" })).session.id
    const update = () => ask(`/v1/checkout-sessions/${id}/update`, toInventory)
    const raced = await Promise.all(Array.from({ length: 100 }, update))
    assert.strictEqual(raced.filter(({ requestId }) => requestId !== undefined).length, 1)
    const events = () => open(`/v1/checkout-sessions/${id}/events?afterVersion=0`)
    const first = events()
    assert.match(await new Promise((resolve) => first.once("data", resolve)), /^id: 1\nevent: change/)
    first.close()
    // The only place for a stream is free again, although the connection goes on.
    for (let status = 429; status !== 200; ) {
      const again = events()
      status = await new Promise((resolve) => again.once("response", (headers) => resolve(headers[":status"]!)))
      again.close()
    }
    session.close()
    await checkout.close()
    await new Promise((resolve) => server.close(resolve))
  })
})
