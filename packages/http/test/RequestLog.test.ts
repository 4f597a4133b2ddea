/** What the log is told of requests, behind every adapter. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, HashMap, Layer, Logger, LogLevel } from "effect"
import type { Line } from "../src/core/RequestLog.js"
import { adapters, newSession, send, update, world } from "./HttpWorld.js"

const traceId = "0af7651916cd43dd8448eb211c80319c"

describe.each(adapters)("the log of requests, by %s", (adapter) => {
  it.live("has one line for each answer: method, path, status, time, update and trace; no token and no query", () =>
    Effect.gen(function* () {
      const lines: Array<Line> = []
      yield* Effect.gen(function* () {
        const { id } = yield* newSession
        const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01` }
        const { body } = yield* update(id, "Start", "Inventory", { headers })
        yield* update(id, "Start", "Inventory")
        yield* send("GET", `/v1/checkout-sessions/${id}/history?limit=5`)
        yield* send("GET", "/nothing?secret", { as: null })
        const path = `/v1/checkout-sessions/${id}`
        assert.deepStrictEqual(
          lines.map((line) => [line.method, line.path, line.status, line.requestId, line.traceId]),
          [
            ["POST", `${path}/update`, 200, body.requestId, traceId],
            ["POST", `${path}/update`, 409, undefined, undefined],
            ["GET", `${path}/history`, 200, undefined, undefined],
            ["GET", "/nothing", 404, undefined, undefined]
          ]
        )
        for (const { millis } of lines) assert.isAtLeast(millis, 0)
      }).pipe(Effect.provide(world({ logRequests: (line) => void lines.push(line) }, adapter)))
    })
  )

  it.live("goes to the loggers in force where nothing else is said", () =>
    Effect.gen(function* () {
      const logged: Array<Readonly<Record<string, unknown>>> = []
      const logger = Logger.make<unknown, void>(({ annotations, message }) => {
        logged.push({ message: String(message), ...Object.fromEntries(HashMap.toEntries(annotations)) })
      })
      yield* Effect.provide(
        send("GET", "/v1/nothing"),
        Layer.provide(world({ logRequests: true }, adapter), Logger.replace(Logger.defaultLogger, logger))
      )
      assert.deepInclude(logged[0], { message: "Request", method: "GET", path: "/v1/nothing", status: 404 })
      assert.hasAllKeys(logged[0], ["message", "method", "path", "status", "millis"])
    })
  )

  it.live("a logger that throws loses the line, not the answer; a level above excludes the line", () =>
    Effect.gen(function* () {
      let asked = 0
      const broken = Logger.make<unknown, void>(() => {
        asked += 1
        throw new Error("no disk")
      })
      const get = (...layers: ReadonlyArray<Layer.Layer<never>>) =>
        Effect.provide(
          send("GET", "/v1/nothing"),
          Layer.provide(
            world({ logRequests: true }, adapter),
            Layer.mergeAll(Logger.replace(Logger.defaultLogger, broken), ...layers)
          )
        )
      assert.strictEqual((yield* get()).status, 404)
      assert.strictEqual(asked, 1)
      assert.strictEqual((yield* get(Logger.minimumLogLevel(LogLevel.Warning))).status, 404)
      assert.strictEqual(asked, 1)
    })
  )
})
