/** The place of an event stream is free again as soon as its client leaves, however it leaves. */
import type { Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Door from "./Door.js"
import { dial, get } from "./Wire.js"

const follow = (id: string) => get(`/v1/checkout-sessions/${id}/events?afterVersion=0`, "Authorization: Bearer buyer")

/** Each way to leave a stream that runs. */
const ways: Readonly<Record<string, (socket: Socket) => void>> = {
  "closes the connection": (socket) => void socket.destroy(),
  "closes its half of it": (socket) => void socket.end(),
  "resets it": (socket) => void socket.resetAndDestroy()
}

const eventually = (isSo: () => boolean) =>
  Effect.timeout(Effect.repeat(Effect.sleep(5), { until: isSo }), "5 seconds").pipe(Effect.asVoid)

describe("the place of an event stream", { timeout: 60_000 }, () => {
  for (const [what, leave] of Object.entries(ways)) {
    // A server of the platform does not let clients close their half alone.
    for (const how of what === "resets it" ? (["served", "platform"] as const) : (["served"] as const)) {
      it.scopedLive(`Q5 a stream's slot is free before the next heartbeat when the client ${what} (${how})`, () =>
        Effect.gen(function* () {
          const door = yield* Door.make({ limits: { streamsMaxCount: 1, heartbeatMillis: 60_000 } }, how)
          const { id } = yield* Door.newSession(door)
          for (let round = 0; round < 3; round++) {
            const { socket, text } = dial(door.port, follow(id), { halfOpen: true })
            yield* eventually(() => text().includes("event: change"))
            assert.match(text(), /^HTTP\/1\.1 200 [\s\S]*x-accel-buffering: no/i)
            assert.strictEqual(door.metrics.inside().streams, 1)
            leave(socket)
            yield* eventually(() => door.metrics.inside().streams === 0)
            socket.destroy()
          }
          Door.isEmpty(door)
        })
      )
    }
  }

  it.scopedLive("Q5 a stream's slot is free when its client leaves before earlier answers are sent", () =>
    Effect.gen(function* () {
      const door = yield* Door.make({
        limits: { streamsMaxCount: 1, heartbeatMillis: 60_000 },
        pages: { "/never": Effect.never }
      })
      const { id } = yield* Door.newSession(door)
      const { socket } = dial(door.port, get("/never") + follow(id))
      yield* eventually(() => door.metrics.inside().streams === 1)
      socket.resetAndDestroy()
      yield* eventually(() => door.metrics.inside().streams === 0 && door.metrics.inside().requests === 0)
      Door.isEmpty(door)
    })
  )

  it.scopedLive("Q5 a stream's slot is free when a client that does not read leaves", () =>
    Effect.gen(function* () {
      const door = yield* Door.make({ limits: { streamsMaxCount: 1, heartbeatMillis: 20 } })
      const { id } = yield* Door.newSession(door)
      const { socket } = dial(door.port, follow(id), { reads: false })
      yield* eventually(() => door.metrics.inside().streams === 1)
      socket.resetAndDestroy()
      yield* eventually(() => door.metrics.inside().streams === 0)
      Door.isEmpty(door)
    })
  )
})

describe("a request that only asks what there is", () => {
  it.scopedLive(
    "W2 OPTIONS on a known path is answered 204 with Allow, on an unknown one 404, without a token 401",
    () =>
      Effect.gen(function* () {
        const door = yield* Door.make()
        const options = (path: string, ...headers: ReadonlyArray<string>) =>
          dial(door.port, get(path, "Connection: close", ...headers).replace("GET", "OPTIONS")).heard
        const token = "Authorization: Bearer buyer"
        const known = {
          "/v1/checkout-sessions": "POST",
          "/v1/checkout-sessions/cs_1": "GET",
          "/v1/checkout-sessions/cs_1/update": "POST",
          "/services/data/v62.0/actions/standard/updateCheckoutSessionAction": "POST, GET",
          "/docs": "GET"
        }
        for (const [path, allow] of Object.entries(known)) {
          const { text } = yield* options(path, token)
          assert.match(text, /^HTTP\/1\.1 204 /, path)
          const [, said] = /^allow: (.*)\r$/im.exec(text)!
          assert.deepStrictEqual(said!.split(", ").sort(), allow.split(", ").sort(), path)
        }
        assert.match((yield* options("/v1/nothing", token)).text, /^HTTP\/1\.1 404 /)
        assert.match((yield* options("/v1/checkout-sessions")).text, /^HTTP\/1\.1 401 /)
        assert.match((yield* options("*")).text, /^HTTP\/1\.1 404 /)
      })
  )
})
