/** Who lost to what: accepted changes and refused attempts on one time line. */
import { assert, describe, it } from "@effect/vitest"
import type { HistoryEntry } from "@onelane/client"
import * as Race from "../src/page/Race.js"
import * as World from "./FakeServer.js"

const history = World.history.map((entry) => ({
  ...entry,
  at: Date.parse((entry as { readonly at: string }).at)
})) as unknown as ReadonlyArray<HistoryEntry>

const versionOf = (attempt: ReturnType<typeof World.attempt>): number | null =>
  Race.winnerOf(attempt, history)?.version ?? null

describe("the race", () => {
  it("a loser stands with the change that left the state it expected, however late it came", () => {
    assert.strictEqual(versionOf(World.attempt(2, 3, "bob")), 2)
    // The session had gone on to version 6 by then; what bob expected, Start, was left with version 2.
    assert.strictEqual(versionOf(World.attempt(6, 3, "bob")), 2)
  })

  it("an expected version is lost to the change that followed it", () => {
    const expected = { state: null, version: 5, operationId: null }
    assert.strictEqual(versionOf(World.attempt(7, 3, "bob", { expected, reason: "VERSION_MISMATCH" })), 6)
  })

  it("a call that meets a running task lost to the claim, and a late result to the end of its operation", () => {
    const expected = { state: "Inventory", version: null, operationId: null }
    assert.strictEqual(versionOf(World.attempt(7, 40, "ann", { expected, tag: "SessionProcessing" })), 7)
    const late = { state: null, version: null, operationId: "op_1" }
    assert.strictEqual(versionOf(World.attempt(6, 9, "host", { expected: late, tag: "OperationNotCurrent" })), 4)
  })

  it("a right, a transition that the flow does not have, and data lose to nobody", () => {
    for (const tag of ["SessionInaccessible", "TransitionNotAllowed", "InvalidData", "CartNotUpdatable"])
      assert.isNull(versionOf(World.attempt(2, 3, "bob", { tag })), tag)
    assert.isNull(versionOf(World.attempt(2, 3, "bob", { current: null })))
  })

  it("a change that the page has not read yet makes no winner of another one", () => {
    const [opened] = history
    assert.deepStrictEqual(
      Race.moments([opened!], [World.ring([World.attempt(2, 3, "bob")])]).map(({ kind }) => kind),
      ["attempt", "change"]
    )
  })

  it("everything is on one line, the newest first, and attempts of all nodes are there once", () => {
    const moments = Race.moments(history, World.inspected.rings)
    assert.deepStrictEqual(
      moments.map((each) => (each.kind === "change" ? each.entry.version : each.loser.attempt.by)),
      [7, 6, 5, 4, 3, "eve", 2, 1]
    )
    const race = moments.find((each) => each.kind === "change" && each.entry.version === 2)
    assert.deepStrictEqual(
      race?.kind === "change" ? race.losers.map(({ attempt, behindMillis }) => [attempt.by, behindMillis]) : [],
      [
        ["bob", 3],
        ["cy", 9]
      ]
    )
  })

  it("each loser says what it expected and what was true, in words", () => {
    const attempt = World.attempt(2, 3, "bob")
    assert.strictEqual(Race.expectation(attempt), "Start")
    assert.strictEqual(Race.truth(attempt), "Inventory, version 2")
    assert.strictEqual(Race.wanted(attempt), "update to Inventory")
    const entry = history[1]!
    const loser = { attempt, at: entry.at + 3, behindMillis: 3 }
    assert.strictEqual(Race.why(loser, entry), "ann was first; this came 3 ms later.")
    assert.strictEqual(Race.summary(entry, [loser]), "Race for version 2: ann won, bob lost 3 ms later.")
    assert.strictEqual(Race.why({ ...loser, behindMillis: null }, null), attempt.message)
  })

  it("is drawn by its times, the first at the left, and in one place where all came together", () => {
    const entry = history[1]!
    const at = (millis: number) => ({
      attempt: World.attempt(2, millis, "bob"),
      at: entry.at + millis,
      behindMillis: millis
    })
    assert.deepStrictEqual(Race.positions(entry, [at(5), at(10)]), { winner: 0, losers: [0.5, 1], millis: 10 })
    // A clock of another node may be behind.
    assert.deepStrictEqual(Race.positions(entry, [at(-10)]), { winner: 1, losers: [0], millis: 10 })
    assert.deepStrictEqual(Race.positions(entry, [at(0)]), { winner: 0, losers: [0], millis: 0 })
  })
})
