import { once } from "node:events"
import { connect, createServer, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Wire from "../src/Wire.js"

/** Both ends of a connection; the second one reads nothing. */
const pair = Effect.acquireRelease(
  Effect.promise(async () => {
    const server = createServer()
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    const near = connect((server.address() as { readonly port: number }).port, "127.0.0.1")
    const [far] = (await once(server, "connection")) as [Socket]
    far.pause()
    return { server, near, far }
  }),
  ({ far, near, server }) =>
    Effect.sync(() => {
      near.destroy()
      far.destroy()
      server.close()
    })
)

const turn = Effect.promise(() => new Promise((resume) => setImmediate(resume)))

describe("Wire", () => {
  it.scopedLive("an end that does not read is sent no more than its bound, and the rest is refused at once", () =>
    Effect.gen(function* () {
      const { near } = yield* pair
      const capacity = 1_000_000
      const refused: Array<number> = []
      const wire = Wire.make<readonly [number, string], unknown>(near, {
        capacity,
        hear: () => {},
        refuse: ([number]) => refused.push(number)
      })
      const word = "x".repeat(100_000)
      let said = 0
      for (let turns = 0; turns < 2_000 && refused.length === 0; turns++) {
        wire.say([said++, word])
        yield* turn
      }
      assert.isAtLeast(refused.length, 1)
      const kept = wire.unsaid().length
      assert.isAtMost(kept * word.length, 2 * capacity + word.length)
      for (let more = 0; more < 50; more++) wire.say([said++, word])
      assert.strictEqual(wire.unsaid().length, kept)
      wire.say([-1, "short"])
      assert.strictEqual(wire.unsaid().length, kept + 1)
    })
  )
})
