import { assert, describe, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"
import * as Logs from "../src/operations/Logs.js"

const line = {
  atMillis: 0,
  method: "POST",
  path: '/v1/checkout-sessions/a%20"b\\/update',
  status: 200,
  millis: 0.25,
  requestId: "req_1 req_2",
  traceId: undefined
}

describe("lines about requests", () => {
  it.scoped("log lines are written in batches, in order, and at once if there are many", () =>
    Effect.gen(function* () {
      const written: Array<string> = []
      const add = yield* Logs.together((text) => void written.push(text))
      add("a\n")
      add("b\n")
      yield* TestClock.adjust("9 millis")
      assert.deepStrictEqual(written, [])
      yield* TestClock.adjust("1 millis")
      add("c\n")
      yield* TestClock.adjust("10 millis")
      assert.deepStrictEqual(written, ["a\nb\n", "c\n"])
      const many = "x".repeat(65_537)
      add(many)
      assert.deepStrictEqual(written.slice(2), [many])
      add("d\n")
      yield* TestClock.adjust("10 millis")
      assert.deepStrictEqual(written.slice(3), ["d\n"])
    })
  )

  it.effect("pending log lines are written when the server closes", () =>
    Effect.gen(function* () {
      const written: Array<string> = []
      yield* Effect.scoped(
        Effect.map(
          Logs.together((text) => void written.push(text)),
          (add) => add("last\n")
        )
      )
      assert.deepStrictEqual(written, ["last\n"])
    })
  )

  it.scoped("request lines look like other log lines, in JSON and logfmt, and obey the log level", () =>
    Effect.gen(function* () {
      const written: Array<string> = []
      const write = (text: string) => void written.push(text)
      const asJson = yield* Logs.requests("info", "json", write)
      const asText = yield* Logs.requests("debug", "text", write)
      asJson!(line)
      asText!({ ...line, traceId: "abc" })
      assert.isNull(yield* Logs.requests("warning", "json", write))
      yield* TestClock.adjust("10 millis")
      const json = written.find((text) => text.startsWith("{"))
      const text = written.find((text) => !text.startsWith("{"))
      const { annotations, ...rest } = JSON.parse(json!)
      assert.deepStrictEqual(rest, {
        message: "Request",
        logLevel: "INFO",
        timestamp: "1970-01-01T00:00:00.000Z",
        spans: {},
        fiberId: "#0"
      })
      assert.deepStrictEqual(annotations, {
        method: "POST",
        path: line.path,
        status: 200,
        millis: 0.25,
        requestId: "req_1 req_2"
      })
      assert.strictEqual(
        text,
        "timestamp=1970-01-01T00:00:00.000Z level=INFO fiber=#0 message=Request method=POST " +
          `path=${JSON.stringify(line.path)} status=200 millis=0.25 requestId="req_1 req_2" traceId=abc\n`
      )
    })
  )
})
