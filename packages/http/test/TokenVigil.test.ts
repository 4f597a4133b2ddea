/** The token behind a stream is judged anew while the stream runs. */
import { assert, describe, it } from "@effect/vitest"
import { Caller, type Vigil } from "@onelane/checkout"
import { Effect, Exit, TestClock } from "effect"
import type { AdapterError } from "../src/contract/AdapterError.js"
import * as Authentication from "../src/core/Authentication.js"
import * as TokenVigil from "../src/core/TokenVigil.js"
import type { WireRequest } from "../src/core/WireRequest.js"

const request = { headers: { authorization: "Bearer one" } } as unknown as WireRequest
const buyer = Exit.succeed(Caller.make("buyer", ["buyer-checkout"]))
const expired = Exit.fail(Authentication.tokenRefused("expired", false))

const checked = (watch: Vigil.Watch<AdapterError>) => Effect.async<void, AdapterError>((resume) => watch.check(resume))

describe("the token of a stream", () => {
  it.scoped("is looked at once a period however many streams there are, and an expired one ends them with 401", () =>
    Effect.gen(function* () {
      let asked = 0
      let answer: typeof buyer | typeof expired = buyer
      const authenticate = () => {
        asked += 1
        return answer
      }
      const tokens = yield* TokenVigil.make({ authenticate })
      const ends: Array<number> = []
      const lost = ({ status }: AdapterError) => void ends.push(status)
      const streams = Array.from({ length: 100 }, () => tokens(request, lost))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(asked, 5)
      yield* checked(streams[0]!)
      answer = expired
      assert.strictEqual((yield* Effect.flip(checked(streams[1]!))).status, 401)
      assert.deepStrictEqual(ends, Array(100).fill(401))
    })
  )

  it.scoped("a judge that gives no answer ends no silent stream, and lets nothing through", () =>
    Effect.gen(function* () {
      const authenticate = () => Exit.fail({ _tag: "PortUnavailable", port: "Authentication" } as const)
      const tokens = yield* TokenVigil.make({ authenticate })
      const watch = tokens(request, () => assert.fail("nobody said that it is gone"))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* Effect.flip(checked(watch))).status, 503)
    })
  )
})
