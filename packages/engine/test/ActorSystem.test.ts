import { assert, describe, it } from "@effect/vitest"
import { Journal, JournalMemory } from "@onelane/engine"
import { Effect, Exit, Fiber } from "effect"
import { add, failureTag, heldJournal, makeSystem, nextTick, over } from "./fixture.js"

describe("ActorSystem", () => {
  it.scoped("answers on the caller's stack if the actor is idle", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      assert.deepStrictEqual(system.send("a", add(0)), Exit.succeed({ value: 1, sequence: 1 }))
      // And again, now that it is awake and at rest.
      assert.deepStrictEqual(system.send("a", add(1)), Exit.succeed({ value: 2, sequence: 2 }))
    }).pipe(Effect.provide(over(JournalMemory.make())))
  )

  it.scoped("lets one of many racers win and tells the others what is true", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      const exits = yield* Effect.all(
        Array.from({ length: 64 }, () => Effect.exit(system.ask("a", add(0)))),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
      for (const exit of exits.filter(Exit.isFailure))
        assert.deepStrictEqual(failureTag(exit), { _tag: "Mismatch", value: 1 })
    }).pipe(Effect.provide(over(JournalMemory.make())))
  )

  it.scoped("A1: turns never overlap while one waits on a port", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      let inside = 0
      let most = 0
      const port = Effect.gen(function* () {
        most = Math.max(most, ++inside)
        yield* nextTick
        inside--
      })
      const exits = yield* Effect.all(
        Array.from({ length: 20 }, () => Effect.exit(system.ask("a", add(null, 1, { port })))),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(most, 1)
      assert.deepStrictEqual(
        exits.map((exit) => (Exit.isSuccess(exit) ? exit.value.value : -1)),
        Array.from({ length: 20 }, (_, index) => index + 1)
      )
    }).pipe(Effect.provide(over(JournalMemory.make())))
  )

  it.scoped("a port's failure refuses the command, and the actor takes further commands", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      const refused = yield* Effect.exit(
        system.ask("a", add(0, 1, { port: Effect.zipRight(nextTick, Effect.fail("port" as const)) }))
      )
      assert.strictEqual(failureTag(refused), "port")
      assert.strictEqual((yield* system.ask("a", add(0))).value, 1)
    }).pipe(Effect.provide(over(JournalMemory.make())))
  )

  it.scoped("A2: acceptance, refusal and read wait for the commit they rest on", () => {
    const { journal, append } = heldJournal()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      const accepted = yield* Effect.fork(system.ask("a", add(0)))
      const refused = yield* Effect.fork(Effect.flip(system.ask("a", add(0))))
      const read = yield* Effect.fork(system.read("a"))
      const held = yield* append(0)
      for (const fiber of [accepted, refused, read] as ReadonlyArray<Fiber.Fiber<unknown, unknown>>)
        assert.strictEqual((yield* Fiber.poll(fiber))._tag, "None")
      yield* held.commit
      assert.strictEqual((yield* Fiber.join(accepted)).sequence, 1)
      assert.deepStrictEqual(yield* Fiber.join(refused), { _tag: "Mismatch", value: 1 })
      assert.deepStrictEqual(yield* Fiber.join(read), { state: { value: 1 }, sequence: 1 })
      // Nothing in flight: a refusal rests on durable state and is answered at once.
      assert.deepStrictEqual(system.send("a", add(7)), Exit.fail({ _tag: "Mismatch", value: 1 }))
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped("runs ahead of the disk: one entry per address and batch, the next batch gathers meanwhile", () => {
    const { journal, append, held } = heldJournal()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      const first = yield* Effect.fork(
        Effect.all([system.ask("a", add(0)), system.ask("a", add(1)), system.ask("b", add(0))], {
          concurrency: "unbounded"
        })
      )
      const batch = (yield* append(0)).batch
      assert.deepStrictEqual(
        batch.map((entry) => [entry.address.id, entry.expectedSequence, entry.events.length]),
        [
          ["a", 0, 2],
          ["b", 0, 1]
        ]
      )
      const second = yield* Effect.fork(
        Effect.all([system.ask("a", add(2)), system.ask("c", add(0))], { concurrency: "unbounded" })
      )
      yield* nextTick
      yield* nextTick
      assert.strictEqual(held.length, 1)
      yield* held[0]!.commit
      yield* (yield* append(1)).commit
      assert.deepStrictEqual(
        (yield* Fiber.join(first)).map((reply) => reply.value),
        [1, 2, 1]
      )
      assert.deepStrictEqual(
        (yield* Fiber.join(second)).map((reply) => reply.value),
        [3, 1]
      )
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped(
    "A3: after a refused append everything behind it certainly did not happen, and the state is read again",
    () => {
      const { journal, append } = heldJournal()
      return Effect.gen(function* () {
        const system = yield* makeSystem
        const first = yield* Effect.fork(Effect.exit(system.ask("a", add(0))))
        const held = yield* append(0)
        const behind = yield* Effect.fork(Effect.exit(system.ask("a", add(1))))
        const looked = yield* Effect.fork(Effect.exit(system.ask("a", add(9))))
        yield* nextTick
        yield* held.answer(Exit.fail(Journal.failure("no", "DISK_FULL")))
        for (const fiber of [first, behind, looked]) {
          const error = failureTag(yield* Fiber.join(fiber))
          assert.deepInclude(error, { _tag: "JournalUnavailable", applied: "no", reason: "DISK_FULL" })
        }
        assert.deepStrictEqual(yield* system.read("a"), { state: { value: 0 }, sequence: 0 })
        const again = yield* Effect.fork(system.ask("a", add(0)))
        yield* (yield* append(1)).commit
        assert.strictEqual((yield* Fiber.join(again)).value, 1)
      }).pipe(Effect.provide(over(journal)))
    }
  )

  it.scoped("A3: a lost answer is unknown to its writer only, and the next turn sees what is true", () => {
    const { journal, append } = heldJournal()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      const writer = yield* Effect.fork(Effect.exit(system.ask("a", add(0))))
      const held = yield* append(0)
      const looker = yield* Effect.fork(Effect.exit(system.ask("a", add(9))))
      yield* nextTick
      yield* held.write
      yield* held.answer(Exit.fail(Journal.failure("unknown", "TIMEOUT")))
      assert.deepInclude(failureTag(yield* Fiber.join(writer)), { applied: "unknown" })
      assert.deepInclude(failureTag(yield* Fiber.join(looker)), { applied: "no" })
      assert.deepStrictEqual(yield* system.read("a"), { state: { value: 1 }, sequence: 1 })
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped("one address's failed entry does not touch the others of its batch", () => {
    const { journal, memory, append } = heldJournal()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      const both = yield* Effect.fork(
        Effect.all([Effect.exit(system.ask("a", add(0))), Effect.exit(system.ask("b", add(0)))], { concurrency: 2 })
      )
      const held = yield* append(0)
      const address = { kind: "counter", id: "a" }
      yield* memory.append([
        { address, expectedSequence: 0, events: [{ by: 5 }], state: { value: 5 }, alarmMillis: null }
      ])
      yield* held.commit
      const [a, b] = yield* Fiber.join(both)
      assert.deepStrictEqual(failureTag(a), { _tag: "Mismatch", value: 5 })
      assert.isTrue(Exit.isSuccess(b))
      assert.strictEqual(system.metrics.conflicts, 1)
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped("A4: a command that lost to another writer is decided again, and given up after its bound", () => {
    const { journal, append, held } = heldJournal({ exclusive: false })
    return Effect.gen(function* () {
      const system = yield* makeSystem
      const asked = yield* Effect.fork(Effect.exit(system.ask("a", add(null))))
      for (let n = 0; n <= 2; n++) yield* (yield* append(n)).answer(Exit.succeed(["conflict"]))
      assert.deepInclude(failureTag(yield* Fiber.join(asked)), { applied: "no", reason: "CONFLICT" })
      assert.strictEqual(held.length, 3)
    }).pipe(Effect.provide(over(journal, { conflictRetries: 2 })))
  })

  it.effect("A4: two engines over one journal never both win", () =>
    Effect.gen(function* () {
      const memory = JournalMemory.make()
      const slow = <A, E>(self: Effect.Effect<A, E>) => Effect.zipRight(nextTick, self)
      const shared: Journal.JournalShape = {
        ...memory,
        immediate: false,
        exclusive: false,
        append: (batch) => slow(Effect.suspend(() => memory.append(batch))),
        load: (address) => slow(Effect.suspend(() => memory.load(address)))
      }
      const engine = Effect.provide(makeSystem, over(shared))
      const [one, two] = yield* Effect.all([engine, engine])
      for (let round = 0; round < 30; round++) {
        const exits = yield* Effect.all(
          Array.from({ length: 16 }, (_, index) => Effect.exit((index % 2 ? one : two).ask("a", add(round)))),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
        for (const exit of exits.filter(Exit.isFailure))
          assert.deepStrictEqual(failureTag(exit), { _tag: "Mismatch", value: round + 1 })
        // A read through either engine sees what was acknowledged through the other.
        for (const engine of [one, two]) assert.strictEqual((yield* engine.read("a")).state.value, round + 1)
      }
    }).pipe(Effect.scoped)
  )

  it.scoped("a caller who leaves before its turn is dropped; a begun turn finishes", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      let open = () => {}
      const gate = Effect.async<void>((resume) => void (open = () => resume(Effect.void)))
      const begun = yield* Effect.fork(system.ask("a", add(null, 1, { port: gate })))
      const queued = yield* Effect.fork(system.ask("a", add(null, 10)))
      yield* nextTick
      yield* Fiber.interrupt(queued)
      const leaving = yield* Effect.fork(Fiber.interrupt(begun))
      yield* nextTick
      assert.strictEqual((yield* Fiber.poll(leaving))._tag, "None")
      open()
      yield* Fiber.join(leaving)
      assert.strictEqual((yield* system.read("a")).state.value, 1)
    }).pipe(Effect.provide(over(JournalMemory.make())))
  )

  it.scoped("a withdrawn command of a Promise door is certainly not applied", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      let open = () => {}
      const gate = Effect.async<void>((resume) => void (open = () => resume(Effect.void)))
      const begun = yield* Effect.fork(system.ask("a", add(null, 1, { port: gate })))
      yield* nextTick
      let called = false
      const waiting = system.send("a", add(null, 10))
      assert(!Exit.isExit(waiting))
      waiting.listen(() => void (called = true))
      assert.isTrue(waiting.withdraw())
      assert.isFalse(waiting.withdraw())
      open()
      assert.strictEqual((yield* Fiber.join(begun)).value, 1)
      assert.strictEqual((yield* system.read("a")).state.value, 1)
      assert.isFalse(called)
    }).pipe(Effect.provide(over(JournalMemory.make())))
  )

  it.scoped("A3: a turn that asked a port while its footing was undone is taken again on what is durable", () => {
    const { journal, append } = heldJournal()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      const first = yield* Effect.fork(Effect.exit(system.ask("a", add(0))))
      const held = yield* append(0)
      let open = () => {}
      let asked = 0
      const gate = Effect.async<void>((resume) => void (open = () => resume(Effect.void)))
      const port = Effect.suspend(() => (asked++ === 0 ? gate : Effect.void))
      const second = yield* Effect.fork(Effect.exit(system.ask("a", add(1, 0, { port }))))
      yield* nextTick
      yield* held.answer(Exit.fail(Journal.failure("no", "DISK_FULL")))
      yield* Fiber.join(first)
      open()
      assert.deepStrictEqual(failureTag(yield* Fiber.join(second)), { _tag: "Mismatch", value: 0 })
    }).pipe(Effect.provide(over(journal)))
  })
})
