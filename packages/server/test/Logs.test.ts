import { assert, describe, it } from "@effect/vitest"
import { Effect, HashMap, Layer, Logger, TestClock } from "effect"
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

  it.scoped(
    "request lines keep their place: any other line, and the end of the process, writes first what has gathered",
    () =>
      Effect.gen(function* () {
        const written: Array<string> = []
        const others = process.listeners("exit")
        const add = yield* Logs.together((text) => void written.push(text))
        const [atExit] = process.listeners("exit").filter((each) => !others.includes(each))
        const { error } = console
        yield* Effect.acquireRelease(
          Effect.sync(() => {
            console.error = (text: string) => void written.push(text)
          }),
          () =>
            Effect.sync(() => {
              console.error = error
            })
        )
        add("first\n")
        yield* Effect.provide(Effect.logWarning("second"), Logs.layer("info", "text"))
        add("third\n")
        atExit!(0)
        assert.strictEqual(written[0], "first\n")
        assert.include(written[1], "message=second")
        assert.strictEqual(written[2], "third\n")
        yield* TestClock.adjust("10 millis")
        assert.lengthOf(written, 3)
      })
  )

  it.scoped("request lines go to a collector as well, once to each, with the same marks; the level excludes both", () =>
    Effect.gen(function* () {
      const collected: Array<Readonly<Record<string, unknown>>> = []
      const collector = Logger.make<unknown, void>(({ annotations, date, logLevel, message }) => {
        const marks = Object.fromEntries(HashMap.toEntries(annotations))
        collected.push({ message, level: logLevel.label, at: date.getTime(), ...marks })
      })
      const inForce = (level: Logs.Level) =>
        Layer.mergeAll(Logger.add(collector), Logger.minimumLogLevel(Logs.levels[level])).pipe(
          Layer.provideMerge(Logs.layer(level, "json"))
        )
      const written: Array<string> = []
      const write = (text: string) => void written.push(text)
      const sink = (level: Logs.Level) => Effect.provide(Logs.requestsAndMore(level, "json", write), inForce(level))
      const add = yield* sink("info")
      add!(line)
      yield* TestClock.adjust("10 millis")
      const { atMillis: at, traceId: _, ...marks } = line
      assert.deepStrictEqual(collected, [{ message: ["Request"], level: "INFO", at, ...marks }])
      assert.lengthOf(written, 1)
      assert.isNull(yield* sink("warning"))
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
