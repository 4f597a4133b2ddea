import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Random } from "effect"
import * as Seeded from "../src/machine/Seeded.js"
import * as SeededScheduler from "../src/machine/SeededScheduler.js"

const limits = { steps: 100_000, millis: 60_000 }
const run = <A>(seed: number, effect: Effect.Effect<A>, mostOperations = 40) => {
  const seeded = Seeded.make(seed)
  return SeededScheduler.runToEnd(effect, SeededScheduler.make(seeded, mostOperations), seeded, limits)
}

/** An operation that is not done at once within its generator. */
const plain = Effect.sync(() => undefined)

/** Three fibers that write to one list between sleeps, yields and many plain operations. */
const racing = Effect.gen(function* () {
  const order: Array<string> = []
  const racer = (name: string) =>
    Effect.gen(function* () {
      for (let lap = 0; lap < 5; lap++) {
        for (let step = 0; step < 30; step++) yield* plain
        order.push(`${name}${lap}`)
        if (yield* Random.nextBoolean) yield* Effect.sleep(10)
        else yield* Effect.yieldNow()
      }
    })
  yield* Effect.all(["a", "b", "c"].map(racer), { concurrency: "unbounded" })
  return order.join(" ")
})

describe("SeededScheduler", () => {
  it("runs the same order for the same seed, and others for others", () => {
    const orders = Array.from({ length: 50 }, (_, seed) => run(seed, racing))
    assert.deepStrictEqual(
      Array.from({ length: 50 }, (_, seed) => run(seed, racing)),
      orders
    )
    assert.isAbove(new Set(orders.map(String)).size, 40)
  })

  it("makes a fiber yield between two operations, but not one that asks for no yields", () => {
    const interleaved = Effect.gen(function* () {
      let inside = 0
      let most = 0
      const visitor = Effect.gen(function* () {
        inside += 1
        for (let step = 0; step < 100; step++) yield* plain
        most = Math.max(most, inside)
        inside -= 1
      })
      yield* Effect.all([visitor, visitor, visitor], { concurrency: "unbounded" })
      return most
    })
    assert.deepStrictEqual(run(1, interleaved), Exit.succeed(3))
    assert.deepStrictEqual(run(1, interleaved, Number.POSITIVE_INFINITY), Exit.succeed(1))
  })

  it("notices a run that cannot end, and one that does not", () => {
    const waits = Effect.async<never>(() => undefined)
    assert.throws(() => run(1, waits), "everybody waits")
    assert.throws(() => run(1, Effect.forever(Effect.sleep(1_000))), "of its own time")
    assert.throws(() => run(1, Effect.forever(Effect.yieldNow())), "steps")
  })
})
