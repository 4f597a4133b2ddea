/** Outages that are longer than the clients of the SDK try, and a store that forgets. Longer still is `npm run prove -- --only kills`. */
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import type { CheckoutError } from "@onelane/checkout"
import { Effect } from "effect"
import * as RealFaults from "../src/faults/RealFaults.js"
import { tallyOf } from "../src/Instrument.js"
import * as Folder from "../src/processes/Folder.js"
import type * as Service from "../src/processes/Service.js"
import * as Kills from "../src/prove/Kills.js"

type Door = Service.Service["door"]

/** Updates whose unknown outcome becomes the answer of the last try. */
const forgetful =
  (door: Door): Door["update"] =>
  (caller, input) =>
    Effect.mapError(door.update(caller, input), (error) =>
      error._tag === "StorageUnavailable" && error.last !== undefined
        ? (error.last as CheckoutError.UpdateError)
        : error
    )

describe("Kills", () => {
  it.live(
    "clients of the SDK as they come are told the truth in outages longer than they try",
    () =>
      Effect.gen(function* () {
        const { history, problems } = yield* Kills.run({
          kind: "clients",
          seed: 1,
          kills: 2,
          callers: 48,
          strike: Kills.outage
        })
        assert.deepStrictEqual(problems, [])
        const { acknowledged, unknown } = tallyOf(history, 2)
        assert.isAbove(acknowledged, 20)
        assert.isAbove(unknown, 3)
      }),
    180_000
  )

  it.live(
    "a client that turns unknown into the answer of its last try is found out",
    () =>
      Effect.gen(function* () {
        // What the SDK once did.
        const through = (door: Door): Door =>
          new Proxy(door, {
            get: (_, method: keyof Door) => (method === "update" ? forgetful(door) : door[method])
          })
        let found: ReadonlyArray<string> = []
        // A kill that no update was on its way in, which a busy machine has many of, shows nothing.
        for (let seed = 1; seed <= 4 && found.length === 0; seed++)
          found = (yield* Kills.run({ kind: "clients", seed, kills: 2, callers: 48, strike: Kills.outage, through }))
            .problems
        assert.match(found.join("\n"), /resurrected write|unexplained change|double win|conflicting answers/)
      }),
    300_000
  )

  it.live(
    "finds a store that forgets acknowledged updates",
    () =>
      Effect.gen(function* () {
        const storage = join(yield* Folder.make(), "checkout.db")
        let putBack: (() => void) | undefined
        const strike = (service: Service.Service) =>
          Effect.map(service.kill, () => {
            if (putBack === undefined) putBack = RealFaults.remember(storage)
            else putBack()
            return "gone" as const
          })
        const { problems } = yield* Kills.run({ kind: "http", seed: 1, kills: 5, strike, place: { storage } })
        assert.match(problems.join("\n"), /stale answer|conflicting answers|double win/)
      }).pipe(Effect.scoped),
    120_000
  )
})
