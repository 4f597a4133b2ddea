import { assert, describe, it } from "@effect/vitest"
import { Answer, JournalMemory } from "@onelane/engine"
import { Effect, Fiber, TestClock } from "effect"
import { add, follow, heldJournal, makeSystem, memoryWith, nextTick, over } from "./fixture.js"

describe("ActorSystem: bounds, sleep, watching, drain", () => {
  it.scoped("bounds: a full mailbox and a full system answer at once", () => {
    const { journal, append } = heldJournal()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      const fibers = yield* Effect.all(
        ["a", "a", "b"].map((id) => Effect.fork(system.ask(id, add(null)))),
        { concurrency: 1 }
      )
      yield* append(0)
      assert.deepInclude(yield* Effect.flip(system.ask("a", add(null))), { _tag: "MailboxFull", scope: "address" })
      const last = yield* Effect.fork(system.ask("c", add(null)))
      yield* nextTick
      assert.deepInclude(yield* Effect.flip(system.ask("d", add(null))), { _tag: "MailboxFull", scope: "system" })
      assert.strictEqual(system.metrics.overloads, 2)
      yield* (yield* append(0)).commit
      yield* (yield* append(1)).commit
      yield* Effect.forEach([...fibers, last], Fiber.join)
    }).pipe(Effect.provide(over(journal, { mailboxCapacity: 2, systemCapacity: 4 })))
  })

  it.scoped("puts idle addresses to sleep and wakes them with the same state", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      yield* system.ask("a", add(0))
      assert.strictEqual(system.metrics.live, 1)
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(system.metrics.live, 0)
      assert.strictEqual((yield* system.ask("a", add(1))).value, 2)
    }).pipe(Effect.provide(over(JournalMemory.make())))
  )

  it.scoped("keeps no more awake than the cap, and nobody who was never written", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      for (let id = 0; id < 50; id++) yield* system.ask(`${id}`, add(0))
      assert.isAtMost(system.metrics.live, 10)
      assert.strictEqual((yield* system.read("0")).state.value, 1)
      yield* Effect.flip(system.ask("nobody", add(9)))
      assert.isAtMost(system.metrics.live, 10)
    }).pipe(Effect.provide(over(JournalMemory.make(), { liveCapacity: 10 })))
  )

  it.scoped("made: an address whose id was just made is not read; what is stored there all the same is found", () => {
    const memory = JournalMemory.make()
    const read: Array<string> = []
    const journal = memoryWith({
      ...memory,
      load: (address) => {
        read.push(address.id)
        return memory.load(address)
      }
    })
    const elsewhere = (id: string) =>
      memory.append([
        {
          address: { kind: "counter", id },
          expectedSequence: 0,
          events: [{ by: 5 }],
          state: { value: 5 },
          alarmMillis: null
        }
      ])
    return Effect.gen(function* () {
      const system = yield* makeSystem
      const send = (id: string) => Answer.toEffect(system.send(id, add(null), system.made(id)))
      assert.deepStrictEqual(yield* send("new"), { value: 1, sequence: 1 })
      assert.deepStrictEqual(read, [])
      yield* elsewhere("taken")
      assert.deepStrictEqual(yield* send("taken"), { value: 6, sequence: 2 })
      assert.deepStrictEqual(read, ["taken"])
      assert.strictEqual(system.metrics.conflicts, 1)
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped("made: an address that is active stays as it is, and a refused command leaves none behind", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      yield* system.ask("a", add(0))
      assert.strictEqual(system.made("a"), system.find("a"))
      assert.deepStrictEqual(yield* system.ask("a", add(1)), { value: 2, sequence: 2 })
      yield* Effect.flip(Answer.toEffect(system.send("b", add(9), system.made("b"))))
      assert.strictEqual(system.metrics.live, 1)
    }).pipe(Effect.provide(over(JournalMemory.make())))
  )

  it.scoped("a look and the first write behind it read the journal once; of many looks one stays in memory", () => {
    const memory = JournalMemory.make()
    let loads = 0
    const journal = memoryWith({
      ...memory,
      load: (address) => {
        loads += 1
        return memory.load(address)
      }
    })
    return Effect.gen(function* () {
      const system = yield* makeSystem
      assert.deepStrictEqual(system.peek("a"), { value: 0 })
      yield* system.ask("a", add(0))
      assert.strictEqual(loads, 1)
      for (let id = 0; id < 50; id++) system.peek(`${id}`)
      assert.strictEqual(system.metrics.live, 1)
      yield* system.ask("49", add(0))
      assert.strictEqual(loads, 51)
      assert.deepStrictEqual(system.peek("a"), { value: 1 })
      assert.strictEqual(loads, 52)
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped("in memory an actor sleeps after its first write, and one that is asked again stays", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      for (let id = 0; id < 50; id++) yield* system.ask(`${id}`, add(0))
      assert.strictEqual(system.metrics.live, 1)
      assert.strictEqual(system.find("0"), undefined)
      for (let id = 0; id < 50; id++)
        assert.deepStrictEqual(yield* system.ask(`${id}`, add(1)), { value: 2, sequence: 2 })
      assert.strictEqual(system.metrics.live, 50)
      yield* system.ask("new", add(0))
      assert.isDefined(system.find("0"))
    }).pipe(Effect.provide(over(JournalMemory.make())))
  )

  it.scoped("in memory an actor whose second turn waits for a port does not sleep meanwhile", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      let free = (): void => {}
      const port = Effect.async<void>((resume) => {
        free = () => resume(Effect.void)
      })
      yield* system.ask("a", add(0))
      const waiting = yield* Effect.fork(system.ask("a", add(1, 1, { port })))
      yield* nextTick
      yield* system.ask("b", add(0))
      yield* system.ask("c", add(0))
      assert.isDefined(system.find("a"))
      free()
      assert.deepStrictEqual(yield* Fiber.join(waiting), { value: 2, sequence: 2 })
      assert.isUndefined(system.find("b"))
    }).pipe(Effect.provide(over(JournalMemory.make())))
  )

  it.scoped("in memory an actor does not sleep in the middle of its turn, whatever a port of it begins", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      let begun = 0
      const opening = (expect: number): ReturnType<typeof add> => ({
        ...add(expect),
        get port() {
          system.send(`other-${++begun}`, add(0))
          return Effect.void
        }
      })
      assert.deepStrictEqual(yield* system.ask("a", opening(0)), { value: 1, sequence: 1 })
      const found = system.find("a")
      assert.isDefined(found)
      assert.deepStrictEqual(yield* Answer.toEffect(system.send("a", opening(1), found)), { value: 2, sequence: 2 })
      assert.strictEqual(system.find("a"), found)
      assert.strictEqual(begun, 2)
    }).pipe(Effect.provide(over(JournalMemory.make())))
  )

  it.scoped("draining ends every watcher with SystemDraining, once it has seen what is committed", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      yield* system.ask("a", add(0))
      const [late, waiting] = [follow(system, "a", 0), follow(system, "a", 1)]
      const ending = yield* Effect.fork(Effect.flip(waiting.next))
      yield* nextTick
      assert.isTrue(yield* system.drain)
      assert.deepInclude(yield* Fiber.join(ending), { _tag: "SystemDraining", applied: "no" })
      assert.lengthOf(yield* late.next, 1)
      assert.deepInclude(yield* Effect.flip(late.next), { _tag: "SystemDraining" })
    }).pipe(Effect.provide(over(JournalMemory.make())))
  )

  it.scoped("a watcher of a journal that others write sees their events within a poll", () => {
    const journal = { ...JournalMemory.make(), exclusive: false }
    return Effect.gen(function* () {
      const [system, elsewhere] = [yield* makeSystem, yield* makeSystem]
      yield* system.ask("a", add(0))
      const feeds = Array.from({ length: 20 }, () => follow(system, "a", 1))
      const waiting = yield* Effect.forEach(feeds, ({ next }) => Effect.fork(next))
      yield* nextTick
      yield* elsewhere.ask("a", add(1))
      yield* TestClock.adjust("2 seconds")
      for (const page of waiting) assert.lengthOf(yield* Fiber.join(page), 1)
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped("a watcher sees every durable change once, in order, however slow it is", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      yield* system.ask("a", add(0))
      const { next } = follow(system, "a", 0)
      const seen: Array<number> = []
      const reading = Effect.gen(function* () {
        while (seen.length < 50) {
          for (const { sequence } of yield* next) seen.push(sequence)
          yield* nextTick
        }
      })
      const reader = yield* Effect.fork(reading)
      for (let value = 1; value < 50; value++) {
        yield* system.ask("a", add(value))
        if (value % 7 === 0) yield* nextTick
      }
      yield* Fiber.join(reader)
      assert.deepStrictEqual(
        seen,
        Array.from({ length: 50 }, (_, index) => index + 1)
      )
    }).pipe(Effect.provide(over(JournalMemory.make(), { changesPage: 3 })))
  )

  it.scoped("drain refuses new work, finishes what is under way and still takes the host's own messages", () => {
    const { journal, append } = heldJournal()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      const asked = yield* Effect.fork(system.ask("a", add(0)))
      const held = yield* append(0)
      const drained = yield* Effect.fork(system.drain)
      yield* nextTick
      assert.deepInclude(yield* Effect.flip(system.ask("b", add(0))), { _tag: "SystemDraining", applied: "no" })
      yield* Effect.fork(system.askInternal("a", add(1)))
      yield* nextTick
      assert.strictEqual((yield* Fiber.poll(drained))._tag, "None")
      yield* held.commit
      yield* (yield* append(1)).commit
      assert.isTrue(yield* Fiber.join(drained))
      assert.strictEqual((yield* Fiber.join(asked)).value, 1)
      assert.strictEqual((yield* system.read("a")).state.value, 2)
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped("drain gives up after its bound", () => {
    const { journal, append } = heldJournal()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      const asked = yield* Effect.fork(system.ask("a", add(0)))
      const held = yield* append(0)
      const drained = yield* Effect.fork(system.drain)
      yield* TestClock.adjust("10 seconds")
      assert.isFalse(yield* Fiber.join(drained))
      yield* held.commit
      yield* Fiber.join(asked)
    }).pipe(Effect.provide(over(journal)))
  })

  it.live("closing the scope ends at the drain's bound, whatever the journal does", () => {
    const { journal, append } = heldJournal()
    return Effect.gen(function* () {
      const startedAtMillis = performance.now()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const system = yield* makeSystem
          yield* Effect.forkDaemon(Effect.exit(system.ask("a", add(0))))
          yield* append(0)
        })
      )
      assert.isBelow(performance.now() - startedAtMillis, 5_000)
    }).pipe(Effect.provide(over(journal, { drainMillis: 50 })))
  })
})
