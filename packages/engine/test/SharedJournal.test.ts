/** A journal that others write too: what is remembered is trusted for writing, and for nothing else. */
import { assert, describe, it } from "@effect/vitest"
import { type Journal, JournalMemory } from "@onelane/engine"
import { Effect, Exit } from "effect"
import { add, failureTag, makeSystem, nextTick, over } from "./fixture.js"

/** A memory journal that somebody else can write, with its loads counted. */
const shared = () => {
  const memory = JournalMemory.make()
  const loads = { count: 0 }
  const journal: Journal.JournalShape = {
    ...memory,
    immediate: false,
    exclusive: false,
    append: (batch) =>
      Effect.zipRight(
        nextTick,
        Effect.suspend(() => memory.append(batch))
      ),
    load: (address) =>
      Effect.suspend(() => {
        loads.count += 1
        return memory.load(address)
      })
  }
  const address = { kind: "counter", id: "a" }
  const elsewhere = (expectedSequence: number, value: number) =>
    memory.append([{ address, expectedSequence, events: [{ by: 1 }], state: { value }, alarmMillis: null }])
  return { journal, loads, elsewhere }
}

describe("a journal that others write too", () => {
  it.scoped("commands that write need no read once the address is known", () => {
    const { journal, loads } = shared()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      for (let value = 0; value < 10; value++) yield* system.ask("a", add(value))
      assert.strictEqual(loads.count, 1)
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped("a refusal and a read tell what is there now, not what is remembered", () => {
    const { elsewhere, journal } = shared()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      yield* system.ask("a", add(0))
      yield* elsewhere(1, 7)
      assert.deepStrictEqual(failureTag(yield* Effect.exit(system.ask("a", add(3)))), { _tag: "Mismatch", value: 7 })
      yield* elsewhere(2, 8)
      assert.deepStrictEqual(yield* system.read("a"), { state: { value: 8 }, sequence: 3 })
      yield* elsewhere(3, 9)
      // Remembered as 8, so that the command would be refused; it is accepted on what is there.
      assert.deepStrictEqual(yield* system.ask("a", add(9)), { value: 10, sequence: 5 })
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped("A4: a command accepted on what is remembered, and over, is decided again on what is there", () => {
    const { elsewhere, journal } = shared()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      yield* system.ask("a", add(0))
      yield* elsewhere(1, 7)
      const stale = yield* Effect.exit(system.ask("a", add(1)))
      assert.deepStrictEqual(failureTag(stale), { _tag: "Mismatch", value: 7 })
      assert.strictEqual(system.metrics.conflicts, 1)
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped("an address that others write now is read first the next time", () => {
    const { elsewhere, journal, loads } = shared()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      yield* system.ask("a", add(0))
      yield* elsewhere(1, 7)
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(system.ask("a", add(null)))))
      yield* elsewhere(3, 20)
      const before = loads.count
      assert.deepStrictEqual(yield* system.ask("a", add(20)), { value: 21, sequence: 5 })
      assert.strictEqual(loads.count, before + 1)
      assert.strictEqual(system.metrics.conflicts, 1)
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped("a refusal is counted once, though its turn was taken twice", () => {
    const { journal } = shared()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      yield* system.ask("a", add(0))
      yield* Effect.exit(system.ask("a", add(3)))
      assert.strictEqual(system.metrics.refused, 1)
    }).pipe(Effect.provide(over(journal)))
  })
})
