import { setImmediate as nextTurn } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import type { Outcome } from "../src/simulation/Simulation.js"
import { run } from "../src/simulation/Simulation.js"

const seeds = 200
const timeout = 120_000

/** One seed after the other; between two of them the runner of the tests hears that this process is alive. */
async function* runs(first: number, last: number, scenario?: Parameters<typeof run>[1]): AsyncGenerator<Outcome> {
  for (let seed = first; seed <= last; seed++) {
    await nextTurn()
    yield run(seed, scenario)
  }
}

/** A failing seed is a bug report: `run(seed)` repeats it. */
const report = ({ seed, problems }: Outcome): string => `seed ${seed}\n${problems.join("\n")}`

describe("Simulation", () => {
  it(`finds every history of ${seeds} seeds linearizable, and enough happening in them`, { timeout }, async () => {
    const outcomes: Array<Outcome> = []
    for await (const outcome of runs(1, seeds)) outcomes.push(outcome)
    assert.strictEqual(
      outcomes
        .filter((each) => each.problems.length > 0)
        .map(report)
        .join("\n\n"),
      ""
    )
    const operations = outcomes.flatMap((each) => each.history)
    const count = (outcome: string) => operations.filter((each) => each.outcome === outcome).length
    const faults = outcomes.flatMap((each) => [...each.faults.values()]).reduce((sum, each) => sum + each, 0)
    assert.isAbove(count("ok"), 1_000)
    assert.isAbove(count("fail"), 200)
    assert.isAbove(count("info"), 50)
    assert.isAbove(operations.filter(({ late }) => late === true).length, 0)
    assert.isAbove(faults, 500)
    assert.strictEqual(new Set(outcomes.flatMap((each) => [...each.faults.keys()])).size, 10)
  })

  it("states that proceed, work for some next states and results that choose keep every promise", {
    timeout
  }, async () => {
    let followed = 0
    for await (const { history, problems, seed } of runs(1, 60, { chains: true, tasks: true })) {
      assert.deepStrictEqual(problems, [], `seed ${seed}`)
      followed += history.filter(({ action, observed, outcome }) => {
        return action === "completeTask" && outcome === "ok" && observed?.next != null
      }).length
    }
    assert.isAbove(followed, 5)
  })

  it("a flow of another version takes over after a kill, and every session keeps every promise", {
    timeout
  }, async () => {
    let migrated = 0
    for await (const { history, problems, seed } of runs(140, 200, { migrates: true, chains: false, kills: 2 })) {
      assert.deepStrictEqual(problems, [], `seed ${seed}`)
      if (history.some(({ observed }) => observed?.state === "E")) migrated += 1
    }
    assert.isAbove(migrated, 20)
  })

  it("a migration whose commit fails on the stack of its load leaves one turn at a time", () => {
    assert.deepStrictEqual(run(6_450).problems, [])
  })

  it("a session that expires between two reads of it is not a gap", () => {
    assert.deepStrictEqual(run(4_050_691, { repeats: 0, chains: false }).problems, [])
  })

  it("two results of one operation with different data are two results", () => {
    assert.deepStrictEqual(run(5_577).problems, [])
  })

  it("an engine that closes while its alarms start does close", () => {
    for (const seed of [3_032_991, 3_114_347])
      assert.deepStrictEqual(run(seed, { repeats: 0, chains: false }).problems, [], `seed ${seed}`)
  })

  it("a key is accepted at most once, even 64 acceptances later", { timeout }, () => {
    const long = { sessions: 1, clients: 6, callsPerClient: 80, keys: 1, repeats: 0.3, expiresInMillis: null }
    let late = 0
    for (let seed = 1; seed <= 12; seed++) {
      const { history, problems } = run(seed, long)
      assert.deepStrictEqual(problems, [], `seed ${seed}`)
      late += history.filter(({ key, observed, replayed }) => {
        const now = Math.max(...history.map((each) => each.observed?.version ?? 0))
        return key !== undefined && replayed === true && now - (observed?.version ?? now) > 64
      }).length
    }
    assert.isAbove(late, 20)
  })

  it("gives the same history for the same seed", () => {
    for (const seed of [3, 10, 20, 30, 40]) {
      assert.deepStrictEqual(run(seed).history, run(seed).history)
    }
  })

  it("keeps its other choices when one is overridden", () => {
    const drawn = run(5).scenario
    assert.deepStrictEqual(run(5, { clients: 1 }).scenario, { ...drawn, clients: 1 })
  })

  const wrongClocks = { engines: 2, skewsMillis: [0, 7_200_000], expiresInMillis: 3_600_000, clockJumps: 2 }

  it("an engine whose clock is wrong, or is set, archives no session before its time", { timeout }, () => {
    for (let seed = 1; seed <= 20; seed++) assert.deepStrictEqual(run(seed, wrongClocks).problems, [], `seed ${seed}`)
  })

  it("finds an engine that trusts its own clock beside other writers", { timeout }, () => {
    const outcomes = Array.from({ length: 10 }, (_, index) => run(index + 1, { ...wrongClocks, storeTime: false }))
    const problems = outcomes.flatMap((each) => each.problems)
    assert.isAtLeast(problems.filter((problem) => problem.endsWith("archived before its time")).length, 5)
  })

  it("a turn whose state is rolled back while it asks a port decides again on durable state", { timeout }, () => {
    const scenario = {
      engines: 1,
      immediate: false,
      slowPorts: 0.5,
      failingPorts: 0,
      faults: { refused: 0.3, conflict: 0.1 }
    }
    for (let seed = 1; seed <= 30; seed++) assert.deepStrictEqual(run(seed, scenario).problems, [], `seed ${seed}`)
  })

  it("beside other writers, a commit in flight proves freshness only for earlier callers", { timeout }, () => {
    const scenario = { engines: 2, immediate: false, slowPorts: 0, faults: { "slow answer": 0.5, "lost write": 0.05 } }
    for (let seed = 1; seed <= 30; seed++) assert.deepStrictEqual(run(seed, scenario).problems, [], `seed ${seed}`)
  })
})
