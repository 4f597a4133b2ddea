import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Logs from "../src/operations/Logs.js"

const line = {
  atMillis: 0,
  method: "POST",
  path: "/v1/checkout-sessions/a%20b/update",
  status: 200,
  millis: 0.25,
  requestId: "req_1 req_2",
  traceId: undefined
}

const nextTurn = Effect.async<void>((resume) => void setImmediate(() => resume(Effect.void)))

describe("lines about requests", () => {
  it.live("are written once a turn of the event loop, in their order", () =>
    Effect.gen(function* () {
      const written: Array<string> = []
      const add = Logs.together((text) => void written.push(text))
      add("a\n")
      add("b\n")
      assert.deepStrictEqual(written, [])
      yield* nextTurn
      add("c\n")
      yield* nextTurn
      assert.deepStrictEqual(written, ["a\nb\n", "c\n"])
    })
  )

  it.live("look like all other lines, as JSON and as logfmt, and are left out above their level", () =>
    Effect.gen(function* () {
      const written: Array<string> = []
      const write = (text: string) => void written.push(text)
      Logs.requests("info", "json", write)!(line)
      Logs.requests("debug", "text", write)!({ ...line, traceId: "abc" })
      assert.isNull(Logs.requests("warning", "json", write))
      yield* nextTurn
      const [json, text] = written
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
          `path=${line.path} status=200 millis=0.25 requestId="req_1 req_2" traceId=abc\n`
      )
    })
  )
})
