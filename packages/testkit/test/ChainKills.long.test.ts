/** A chain of states that proceed, in a real process that is killed in the middle of it, again and again. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import type { CheckoutSession } from "@onelane/checkout"
import { Effect } from "effect"
import * as Folder from "../src/processes/Folder.js"
import * as Program from "../src/processes/Program.js"

const works = ["1", "2", "3", "4", "5"]

interface Told {
  readonly session: CheckoutSession.CheckoutSession
  readonly history: ReadonlyArray<CheckoutSession.HistoryEntry>
}

describe("a chain in a process that is killed", () => {
  it.scopedLive(
    "goes on where it was, without a client, under the same work keys, one version a step",
    () =>
      Effect.gen(function* () {
        const folder = yield* Folder.make()
        const [storage, ledger] = [join(folder, "checkout.db"), join(folder, "ledger")]
        const runs = () =>
          (existsSync(ledger) ? readFileSync(ledger, "utf8") : "")
            .split("\n")
            .filter((line) => line !== "")
            .map((line) => JSON.parse(line) as [state: string, workKey: string, requestId: string])
        const begin = Program.node([Program.beside("chain"), storage, ledger])
        // Killed as soon as the work of a state has begun, which is in the middle of it; once for each state.
        for (const state of works) {
          const program = yield* begin
          for (let looks = 0; looks < 2_000 && !runs().some(([at]) => at === state); looks++) yield* Effect.sleep(10)
          yield* program.kill
          assert.include(
            runs().map(([at]) => at),
            state
          )
        }
        const program = yield* begin
        const { history, session }: Told = JSON.parse(yield* program.firstLine)
        assert.deepInclude(session, { state: "Screen", isProcessing: false, isError: false, version: 2 + works.length })
        const [opened, updated, ...completed] = history
        assert.deepInclude(opened, { type: "Opened", followUp: null })
        assert.deepInclude(updated, { type: "Updated", from: "Start", to: "1", passedThrough: [] })
        assert.deepStrictEqual(
          completed.map(({ from, passedThrough, to, type }) => [type, from, ...passedThrough, to]),
          [
            ["TaskCompleted", "1", "2"],
            ["TaskCompleted", "2", "pass", "3"],
            ["TaskCompleted", "3", "4"],
            ["TaskCompleted", "4", "5"],
            ["TaskCompleted", "5", "Screen"]
          ]
        )
        const keys = works.map((state) => new Set(runs().flatMap(([at, key]) => (at === state ? [key] : []))))
        for (const [index, key] of keys.entries()) assert.strictEqual(key.size, 1, `work keys of ${works[index]}`)
        assert.strictEqual(new Set(keys.flatMap((each) => [...each])).size, works.length)
        assert.deepStrictEqual(new Set(runs().map(([, , requestId]) => requestId)), new Set([session.lastRequestId]))
        assert.isAtLeast(runs().length, 2 * works.length - 1)
      }),
    120_000
  )
})
