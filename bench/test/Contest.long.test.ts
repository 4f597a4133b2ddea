import { assert, describe, it } from "@effect/vitest"
import type { Access, Carts, CheckoutEngine, CheckoutSessions, Flow } from "@onelane/checkout"
import type { JournalMemory } from "@onelane/engine"
import * as Mutant from "@onelane/testkit/Mutant"
import { Effect, Layer, ManagedRuntime } from "effect"
import { type Entrant, hold } from "../src/Contest.js"
import * as InMemory from "../src/InMemory.js"
import type { Load } from "../src/Load.js"
import type { Results } from "../src/Results.js"
import * as Runner from "../src/Runner.js"
import { run } from "../src/Suite.js"
import { effectDoor, openThrough } from "../src/subjects/Onelane.js"
import * as Broken from "./Broken.js"

const racing: Load = { manner: "race", callers: 16, sessions: 1, calls: 800 }

const entrant = (name: string, make: () => Runner.Subject | Promise<Runner.Subject>, load = racing): Entrant => ({
  name,
  start: async () => Runner.make(await make(), load)
})

const contest = (entrants: ReadonlyArray<Entrant>) => hold(entrants, { rounds: 2, warmUps: 1 })

const faultOf = async (...entrants: ReadonlyArray<Entrant>): Promise<string> => {
  try {
    await contest(entrants)
    return "none"
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`
  }
}

const unlooked = {
  file: "checkout/src/commands/UpdateCheckoutSession.ts",
  find: "if (from !== session.state && (session.nextState === null || from !== session.nextState))",
  replace: 'if (from === "")'
}

/** Ours, from a build with some edits. */
const mutant = async (loadModule: Mutant.Load): Promise<Runner.Subject> => {
  type Checkout = {
    Access: typeof Access
    Carts: typeof Carts
    CheckoutEngine: typeof CheckoutEngine
    CheckoutSessions: typeof CheckoutSessions
    Flow: typeof Flow
  }
  const rules = await loadModule<Checkout>("checkout/index")
  const engine = await loadModule<{ JournalMemory: typeof JournalMemory }>("engine/index")
  const layer = rules.CheckoutEngine.layer({ flow: rules.Flow.any }).pipe(
    Layer.provide(Layer.mergeAll(engine.JournalMemory.layer, rules.Access.layerTrusted, rules.Carts.layerTrusted))
  )
  const runtime = ManagedRuntime.make(layer)
  const sessions = await runtime.runPromise(rules.CheckoutSessions.CheckoutSessions)
  return Runner.ofEffects(effectDoor(sessions), {
    open: (count) => runtime.runPromise(openThrough(sessions, count)),
    close: () => runtime.dispose()
  })
}

describe("Contest", () => {
  it("takes rounds in turn, counts every call and judges the last round of each", async () => {
    const order: Array<string> = []
    const outcomes = await hold(
      [entrant("first", Broken.sound), entrant("second", Broken.sound)].map(({ name, start }) => ({
        name,
        start: async () => {
          const runner = await start()
          return {
            ...runner,
            round: () => {
              order.push(name)
              return runner.round()
            }
          }
        }
      })),
      { rounds: 2, warmUps: 1 }
    )
    assert.deepStrictEqual(order, ["second", "first", "first", "second", "second", "first"])
    const { samples, counted, judged } = outcomes.get("first")!
    assert.deepStrictEqual([samples.length, counted, judged], [2, 2_400, 800])
    assert.isTrue(samples.every(({ accepted, refused }) => accepted > 0 && refused > 0 && accepted + refused === 800))
  })

  for (const [name, make, fault] of [
    ["lets everybody win", Broken.doubleWin, /double win/],
    ["loses an update", Broken.lostUpdate, /double win|lost/],
    ["refuses by what was true before", Broken.staleRefusal, /stale|unexplained|out of order|conflicting|wrong/],
    ["accepts and does nothing", Broken.idle, /double win|lost/]
  ] as const) {
    it(`fails on a subject that ${name}, also beside a sound one`, async () => {
      const fault_ = await faultOf(entrant("sound", Broken.sound), entrant("broken", make))
      assert.match(fault_, /^BadHistory: broken: /)
      assert.match(fault_, fault)
    })
  }

  it.scoped(
    "fails on our engine when it does not look at the expected state, and not on the same build when it does",
    () =>
      Effect.gen(function* () {
        const [whole, blind] = [yield* Mutant.make([]), yield* Mutant.make([unlooked])]
        const told = (loadModule: Mutant.Load) =>
          Effect.promise(() => faultOf(entrant("onelane", () => mutant(loadModule))))
        assert.strictEqual(yield* told(whole), "none")
        assert.match(yield* told(blind), /^BadHistory: onelane: /)
      })
  )

  it("fails the run and leaves no result behind", async () => {
    const kept: Array<Results> = []
    const measure = async () => {
      await contest([entrant("broken", Broken.doubleWin)])
      return { lines: [], tables: [], judged: 0 }
    }
    const machine = { cpu: "", cores: 1, memoryGib: 1, kernel: "", node: "", loadBefore: 0, versions: {} }
    const rows = [{ id: "P1", title: "broken", measure }]
    const results = await run(rows, { rounds: 1, scale: 1 }, machine, (each) => kept.push(each), { write: () => {} })
    assert.strictEqual(results.contests.length, 0)
    assert.match(results.failures[0]!.why, /broken: double win/)
    assert.deepStrictEqual(kept, [{ contests: [], failures: results.failures }])
  })

  for (const name of ["async function", "async-mutex", "onelane, Effect", "onelane, Promise"]) {
    it(`finds nothing wrong with ${name}`, async () => {
      const start = () => InMemory.start({ subject: name, load: racing })
      const outcome = (await contest([{ name, start }])).get(name)!
      assert.deepStrictEqual([outcome.counted, outcome.judged], [2_400, 800])
    })
  }
})
