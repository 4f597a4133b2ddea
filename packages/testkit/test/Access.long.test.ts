/** Who may see what, at a real server. The long form is `npm run prove -- --only access`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { passed, prove, render } from "../src/Prove.js"
import * as Access from "../src/prove/Access.js"

const timeout = 120_000

describe("Access", () => {
  it.live(
    "everybody is answered as the contract says, whatever the directory says meanwhile; forged tokens as none",
    () =>
      Effect.map(prove(Access.instrument, { seed: 1, minutes: 1, short: true, progress: () => {} }), (row) => {
        assert.isTrue(passed(row), render([row]))
        assert.isAbove(row.cases, 1_000)
      }),
    timeout
  )

  it.live(
    "members whom nobody made members are found out, and a key in a stranger's hands, and carts that stay whose they were",
    () =>
      Effect.gen(function* () {
        const seen = yield* Access.run({ seed: 1, worlds: 1, planted: "membership" })
        assert.match(seen.problems.join("\n"), /not (SessionInaccessible|AccountInaccessible)/)
        const believed = yield* Access.run({ seed: 1, worlds: 1, planted: "key" })
        assert.match(believed.problems.join("\n"), /a token signed by a stranger is answered [2-5]/)
        const frozen = yield* Access.run({ seed: 1, worlds: 1, planted: "ownership" })
        assert.match(frozen.problems.join("\n"), /not (SessionInaccessible|AccountInaccessible|NotStoreMember|null)/)
      }),
    timeout
  )
})
