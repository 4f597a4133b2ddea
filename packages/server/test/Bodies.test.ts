/** Refusals of bodies arrive, whatever the client is still sending; and nothing is asked for that would be refused. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Door from "./Door.js"
import { dial, statuses } from "./Wire.js"

const path = "/v1/checkout-sessions"

const post = (...headers: ReadonlyArray<string>) =>
  [`POST ${path} HTTP/1.1`, "Host: a", ...headers]
    .map((line) => `${line}\r\n`)
    .join("")
    .concat("\r\n")

const json = "Content-Type: application/json"
const token = "Authorization: Bearer buyer"
const mebibyte = 2 ** 20

const chunk = (bytes: number) => `${bytes.toString(16)}\r\n${" ".repeat(bytes)}\r\n`

/** Each with what it is answered, the connection closed behind it in order. */
const refused: ReadonlyArray<readonly [what: string, bytes: string, status: number]> = [
  ["in chunks, without an end", post(token, json, "Transfer-Encoding: chunked") + chunk(mebibyte).repeat(8), 413],
  ["in small chunks", post(token, json, "Transfer-Encoding: chunked") + chunk(1_024).repeat(8_192), 413],
  [
    "of 20 MiB with Connection: close",
    post(token, json, "Connection: close", `Content-Length: ${20 * mebibyte}`) + " ".repeat(20 * mebibyte),
    413
  ],
  [
    "just over the limit with Connection: close",
    post(token, json, "Connection: close", `Content-Length: ${mebibyte + 1}`) + " ".repeat(mebibyte + 1),
    413
  ],
  ["that is announced with a gigabyte", post(token, json, `Content-Length: ${2 ** 30}`) + " ".repeat(mebibyte), 413],
  ["of a gigabyte without a token", post(json, `Content-Length: ${2 ** 30}`) + " ".repeat(mebibyte), 401],
  ["of a gigabyte in another media type", post(token, `Content-Length: ${2 ** 30}`) + " ".repeat(mebibyte), 415],
  ["in chunks without a token", post(json, "Transfer-Encoding: chunked") + chunk(mebibyte).repeat(8), 401]
]

describe("refusals of bodies", { timeout: 60_000 }, () => {
  for (const [what, bytes, status] of refused) {
    it.scopedLive(`W5 a body ${what} is answered ${status}, and the connection closes without a reset`, () =>
      Effect.gen(function* () {
        const door = yield* Door.make()
        const { end, millis, text } = yield* dial(door.port, bytes).heard
        assert.deepStrictEqual(statuses(text), [status], text.slice(0, 200))
        assert.match(text, /connection: close/i)
        assert.strictEqual(end, "closed")
        assert.isBelow(millis, 8_000)
        Door.isEmpty(door)
      })
    )
  }

  it.scopedLive("W5 a body just over the limit is dropped, and the connection stays open", () =>
    Effect.gen(function* () {
      const door = yield* Door.make()
      const bytes = mebibyte + 1
      const [sized, chunked] = [`Content-Length: ${bytes}`, "Transfer-Encoding: chunked"]
      const sent = [
        post(token, json, sized) + " ".repeat(bytes),
        `${post(token, json, chunked)}${chunk(bytes)}0\r\n\r\n`,
        post(token, json, "Connection: close", "Content-Length: 2"),
        "{}"
      ].join("")
      const { end, text } = yield* dial(door.port, sent).heard
      assert.deepStrictEqual([statuses(text), end], [[413, 413, 400], "closed"])
    })
  )

  it.scopedLive("a client that never stops sending gets its answer and is disconnected", () =>
    Effect.gen(function* () {
      const door = yield* Door.make()
      const { heard, socket } = dial(door.port, post(token, json, `Content-Length: ${2 ** 40}`))
      const sending = Effect.forever(
        Effect.delay(
          Effect.sync(() => socket.writable && socket.write("a")),
          100
        )
      )
      const { millis, text } = yield* Effect.raceFirst(heard, sending)
      assert.deepStrictEqual(statuses(text), [413])
      assert.isBelow(millis, 10_000)
    })
  )

  it.scopedLive("W13 100 Continue is sent only after token, media type and length are accepted", () =>
    Effect.gen(function* () {
      const door = yield* Door.make({ limits: { bodyMaxBytes: 100 } })
      const expect = "Expect: 100-continue"
      const refusals: ReadonlyArray<readonly [ReadonlyArray<string>, number]> = [
        [[json, "Content-Length: 2"], 401],
        [["Authorization: Bearer forged", json, "Content-Length: 2"], 401],
        [[token, "Content-Type: text/plain", "Content-Length: 2"], 415],
        [[token, json, "Content-Length: 101"], 413]
      ]
      for (const [headers, status] of refusals) {
        const { end, text } = yield* dial(door.port, post(...headers, expect)).heard
        assert.deepStrictEqual([statuses(text), end], [[status], "closed"], text)
      }
      const accepted = dial(door.port, post(token, json, expect, "Content-Length: 2", "Connection: close"))
      yield* Effect.repeat(Effect.sleep(5), { until: () => accepted.text().includes("\r\n\r\n"), times: 1_000 })
      assert.strictEqual(accepted.text(), "HTTP/1.1 100 Continue\r\n\r\n")
      accepted.socket.write("{}")
      assert.deepStrictEqual(statuses((yield* accepted.heard).text), [100, 400])
      Door.isEmpty(door)
    })
  )
})
