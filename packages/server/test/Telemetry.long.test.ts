/** What a collector is sent, and that nobody asks a tracer anything where there is none. */
import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Fiber, Layer, Queue, Tracer } from "effect"
import { serve } from "../src/serve/Serve.js"
import * as ServeConfig from "../src/settings/ServeConfig.js"
import { call } from "./Call.js"
import { inFolder, node, serveArgs, urlOf } from "./Program.js"

const traceId = "0af7651916cd43dd8448eb211c80319c"
const parentSpanId = "b7ad6b7169203331"
const traceparent = `00-${traceId}-${parentSpanId}-01`

/** A collector on a free port, and what it was sent. */
const collecting = async (test: (url: string, sent: ReadonlyArray<string>) => Promise<void>): Promise<void> => {
  const sent: Array<string> = []
  const collector = createServer((request, response) => {
    let text = ""
    request.on("data", (chunk) => (text += chunk))
    request.on("end", () => {
      sent.push(`${request.url} ${text}`)
      response.end("{}")
    })
  })
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve))
  try {
    await test(`http://127.0.0.1:${(collector.address() as AddressInfo).port}`, sent)
  } finally {
    collector.close()
    collector.closeAllConnections()
  }
}

/** The spans in what was sent. */
const spansOf = (sent: ReadonlyArray<string>): ReadonlyArray<any> =>
  sent
    .filter((each) => each.startsWith("/v1/traces "))
    .flatMap((each) => JSON.parse(each.slice(each.indexOf(" "))).resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans)

const attributesOf = (span: any): Readonly<Record<string, string>> =>
  Object.fromEntries(span.attributes.map(({ key, value }: any) => [key, value.stringValue ?? value.intValue]))

describe("telemetry", { timeout: 120_000 }, () => {
  it("O3 the collector gets the caller's trace with call, answer and commits, and every metric", () =>
    inFolder((folder) =>
      collecting(async (collector, sent) => {
        const server = node([...serveArgs(folder), "--otlp", collector])
        const url = await urlOf(server)
        const opened = await call(url, "alice", "POST", "/v1/checkout-sessions", { cartId: "cart-0" }, { traceparent })
        server.process.kill("SIGTERM")
        const { code, stderr } = await server.ended
        assert.strictEqual(code, 0, stderr)

        const spans = spansOf(sent)
        const request = spans.find((span) => span.parentSpanId === parentSpanId)
        assert.deepInclude(request, { traceId, name: "http.server POST" })
        const below = spans.find((span) => span.parentSpanId === request.spanId)
        assert.deepInclude(below, { traceId, name: "CheckoutSessions.open" })
        const { requestId } = opened.body
        assert.deepInclude(attributesOf(below), { cartId: "cart-0", requestId })
        assert.strictEqual(attributesOf(request).requestId, requestId)
        const commits = spans.filter(({ name }) => name === "Journal.append")
        assert.isNotEmpty(commits)
        for (const commit of commits) assert.property(attributesOf(commit), "entries")

        const metrics = sent.filter((each) => each.startsWith("/v1/metrics")).join()
        for (const name of ["onelane_turns_total", "onelane_commit_batch_entries_bucket", "onelane_mailbox_depth"]) {
          assert.include(metrics, name)
        }
        for (const each of sent) assert.notMatch(each, /Bearer|alice"/)
      })
    ))

  it("O3 an unreachable or hanging collector delays nothing", () =>
    inFolder(async (folder) => {
      const hanging = createServer(() => {})
      await new Promise<void>((resolve) => hanging.listen(0, "127.0.0.1", resolve))
      const { port } = hanging.address() as AddressInfo
      for (const collector of ["http://127.0.0.1:9", `http://127.0.0.1:${port}`]) {
        const server = node([...serveArgs(folder), "--otlp", collector])
        const url = await urlOf(server)
        assert.strictEqual(
          (await call(url, "alice", "POST", "/v1/checkout-sessions", { cartId: "cart-0" })).status < 300,
          true
        )
        const began = performance.now()
        server.process.kill("SIGTERM")
        assert.strictEqual((await server.ended).code, 0)
        assert.isBelow(performance.now() - began, 10_000)
      }
      hanging.close()
      hanging.closeAllConnections()
    }))

  it.live("without a collector no tracer is used", () =>
    Effect.promise(() =>
      inFolder(async (folder) => {
        const asked: Array<string> = []
        const tracer = Tracer.make({
          span: (name) => {
            asked.push(name)
            throw new Error(`${name} was traced`)
          },
          context: (run) => run()
        })
        const config = Either.getOrThrow(
          ServeConfig.parse(serveArgs(folder).slice(2), {}, (path) => readFileSync(path, "utf8"))
        )
        const used = Effect.gen(function* () {
          const urls = yield* Queue.unbounded<string>()
          const serving = yield* Effect.fork(serve(config, (url) => Queue.offer(urls, url)))
          const url = yield* Queue.take(urls)
          yield* Effect.promise(async () => {
            const { body } = await call(
              url,
              "alice",
              "POST",
              "/v1/checkout-sessions",
              { cartId: "cart-0" },
              { traceparent }
            )
            const path = `/v1/checkout-sessions/${body.session.id}`
            const update = { expCurrentState: "Start", nextState: "Inventory" }
            assert.strictEqual(
              (await call(url, "alice", "POST", `${path}/update`, update, { traceparent })).status,
              200
            )
            assert.strictEqual((await call(url, "alice", "POST", `${path}/update`, update)).status, 409)
            await call(url, "operator", "POST", "/admin/v1/users.list", {})
          })
          yield* Fiber.interrupt(serving)
        })
        await Effect.runPromise(Effect.provide(used, Layer.setTracer(tracer)))
        assert.deepStrictEqual(asked, [])
      })
    )
  )
})
