/** Clients who send and do not read: what they cost is bounded, and nobody else waits for them. */
import { assert, describe, it } from "@effect/vitest"
import { WireAnswer } from "@onelane/http"
import { Effect } from "effect"
import * as Door from "./Door.js"
import { aliveMillis, dial, get, statuses } from "./Wire.js"

const mebibytes = () => process.memoryUsage().rss / 2 ** 20

/** Pages beside those of the documentation: one that says that it lives, and a long one that is made anew each time. */
const pages = {
  "/healthz": Effect.succeed(WireAnswer.json(200, { status: "alive" })),
  "/long": Effect.sync(() => WireAnswer.json(200, "x".repeat(2 ** 18)))
}

const serving = (options: Door.Options = {}) => Door.make({ ...options, pages })

/** The documents are made at the first request, which takes a while. */
const warm = (port: number) =>
  Effect.forEach(["/docs", "/openapi.json"], (path) => dial(port, get(path, "Connection: close")).heard)

describe("clients who do not read", { timeout: 60_000 }, () => {
  for (const path of ["/docs", "/openapi.json", "/healthz", "/no/such/page"]) {
    it.scopedLive(`L15 2,000 pipelined requests for ${path} delay no other client and take no memory`, () =>
      Effect.gen(function* () {
        const { port } = yield* serving()
        yield* warm(port)
        const before = mebibytes()
        const { socket } = dial(port, get(path).repeat(2_000), { reads: false })
        yield* Effect.sleep(50)
        assert.isBelow(yield* aliveMillis(port), 20_000)
        assert.isBelow(mebibytes() - before, 100)
        socket.destroy()
      })
    )
  }

  it.scopedLive(
    "L15 too many pipelined requests: the allowed ones are answered in order, then 503, then the connection closes",
    () =>
      Effect.gen(function* () {
        const { port } = yield* serving()
        yield* warm(port)
        const { end, text } = yield* dial(port, get("/openapi.json").repeat(2_000)).heard
        assert.strictEqual(end, "closed")
        assert.deepStrictEqual(statuses(text), [...Array.from({ length: 64 }, () => 200), 503])
        assert.match(text.slice(text.lastIndexOf("HTTP/1.1 503")), /connection: close[\s\S]*SERVER_UNAVAILABLE/i)
      })
  )

  it.scopedLive("L15 as many requests as may be pipelined are all answered, repeatedly", () =>
    Effect.gen(function* () {
      const { port } = yield* serving({ listener: { unansweredMaxCount: 8 } })
      const { socket, text } = dial(port)
      for (let round = 1; round <= 5; round++) {
        socket.write(get("/healthz").repeat(8))
        yield* Effect.repeat(Effect.sleep(5), { until: () => statuses(text()).length === round * 8, times: 1_000 })
      }
      assert.deepStrictEqual([...new Set(statuses(text()))], [200])
      socket.destroy()
    })
  )

  it.scopedLive("L16 a page that 200 connections do not read is in memory once", () =>
    Effect.gen(function* () {
      const { port } = yield* serving()
      yield* warm(port)
      const before = mebibytes()
      const unread = Array.from({ length: 200 }, () => dial(port, get("/docs"), { reads: false }))
      yield* Effect.sleep(200)
      assert.isBelow(yield* aliveMillis(port), 15_000)
      assert.isBelow(mebibytes() - before, 100)
      for (const { socket } of unread) socket.destroy()
    })
  )

  it.scopedLive(
    "L17 unread answers stay within their bound: connections with the most unread bytes are cut, others are not",
    () =>
      Effect.gen(function* () {
        const { port } = yield* serving({ listener: { answersMaxBytes: 4 * 2 ** 20 } })
        const before = mebibytes()
        const reader = dial(port)
        const unread = Array.from({ length: 20 }, () => dial(port, get("/long").repeat(40), { reads: false }))
        const cut = Effect.all(
          unread.map(({ heard, socket }) => Effect.tap(Effect.delay(Effect.void, 300), () => socket.resume() && heard)),
          { concurrency: "unbounded" }
        )
        yield* Effect.sleep(300)
        assert.isBelow(yield* aliveMillis(port), 20_000)
        assert.isBelow(mebibytes() - before, 150)
        yield* cut
        reader.socket.write(get("/healthz", "Connection: close"))
        const { text } = yield* reader.heard
        assert.match(text, /^HTTP\/1\.1 200 /)
        // Left alone they would stay for as long as a reader may stall.
        for (const { socket } of unread) socket.resume()
        const ends = yield* Effect.forEach(unread, ({ heard }) => heard, { concurrency: "unbounded" })
        for (const { millis } of ends) assert.isBelow(millis, 15_000)
      })
  )

  it.scopedLive("L11 a client that stops reading is cut even while it sends, and its answers are freed", () =>
    Effect.gen(function* () {
      const door = yield* serving({ listener: { stallMillis: 500 } })
      const before = mebibytes()
      const stalled = Array.from({ length: 10 }, () => dial(door.port, get("/long").repeat(40), { reads: false }))
      const sending = Effect.forever(
        Effect.delay(
          Effect.sync(() => {
            for (const { socket } of stalled) if (socket.writable) socket.write(get("/healthz"))
          }),
          100
        )
      )
      const count = Effect.async<number>(
        (resume) => void door.listener.getConnections((_, count) => resume(Effect.succeed(count)))
      )
      const gone = Effect.repeat(Effect.delay(count, 50), { until: (left) => left === 0 })
      yield* Effect.timeout(Effect.raceFirst(gone, sending), "10 seconds")
      yield* Effect.sleep(100)
      assert.isBelow(mebibytes() - before, 150)
      Door.isEmpty(door)
      for (const { socket } of stalled) socket.destroy()
    })
  )
})
