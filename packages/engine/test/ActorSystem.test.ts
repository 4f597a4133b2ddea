import { assert, describe, it } from "@effect/vitest"
import { ActorSystem, Journal, JournalMemory } from "@onelane/engine"
import { Cause, Chunk, Effect, Exit, Fiber, Stream, TestClock } from "effect"
import { add, counter, heldJournal, makeSystem, memoryWith, nextTick, over, type Refusal } from "./fixture.js"

const failureTag = (exit: Exit.Exit<unknown, Refusal>) =>
  Exit.isFailure(exit) && exit.cause._tag === "Fail" ? exit.cause.error : undefined

describe("ActorSystem", () => {
  it.scoped("answers on the caller's stack when the lane is free", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      let answered: unknown
      assert.isNull(system.askNow("a", add(0), (exit) => void (answered = exit)))
      assert.deepStrictEqual(answered, Exit.succeed({ value: 1, sequence: 1 }))
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

  it.scoped("a port's failure refuses, and the lane goes on", () =>
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
      let at: unknown
      assert.isNull(system.askNow("a", add(7), (exit) => void (at = exit)))
      assert.deepStrictEqual(at, Exit.fail({ _tag: "Mismatch", value: 1 }))
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
      const withdraw = system.askNow("a", add(null, 10), () => void (called = true))
      assert.isTrue(withdraw?.())
      assert.isFalse(withdraw?.())
      open()
      assert.strictEqual((yield* Fiber.join(begun)).value, 1)
      assert.strictEqual((yield* system.read("a")).state.value, 1)
      assert.isFalse(called)
    }).pipe(Effect.provide(over(JournalMemory.make())))
  )

  for (const throwIn of ["prepare", "decide", "evolve", "reply"] as const)
    it.scoped(`a defect in ${throwIn} fails that caller and never wedges the lane`, () =>
      Effect.gen(function* () {
        const system = yield* makeSystem
        yield* system.ask("a", add(0))
        const exit = yield* Effect.exit(system.ask("a", add(1, 1, { throwIn })))
        assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
        assert.deepStrictEqual(yield* system.read("a"), { state: { value: 1 }, sequence: 1 })
        assert.strictEqual((yield* system.ask("a", add(1))).value, 2)
        assert.strictEqual(system.metrics.defects, 1)
      }).pipe(Effect.provide(over(JournalMemory.make())))
    )

  it.scoped("a defect in what the host hooked in does not reach the caller", () =>
    Effect.gen(function* () {
      const system = yield* ActorSystem.make(counter, {
        unavailable: (error): Refusal => error,
        onCommitted: () => {
          throw new Error("hook")
        }
      })
      assert.strictEqual((yield* system.ask("a", add(0))).value, 1)
      assert.strictEqual(system.metrics.defects, 1)
    }).pipe(Effect.provide(over(JournalMemory.make())))
  )

  it.scoped("a journal that throws is an unknown outcome, never a dead lane", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      const error = failureTag(yield* Effect.exit(system.ask("a", add(0))))
      assert.deepInclude(error, { _tag: "JournalUnavailable", applied: "unknown", reason: "DEFECT" })
      assert.strictEqual((yield* system.read("a")).sequence, 0)
    }).pipe(
      Effect.provide(
        over(
          memoryWith({
            immediate: false,
            append: () => {
              throw new Error("disk")
            }
          })
        )
      )
    )
  )

  it.scoped("a state nobody can decode is a typed failure, not a reset", () => {
    const journal = JournalMemory.make()
    return Effect.gen(function* () {
      const address = { kind: "counter", id: "a" }
      yield* journal.append([{ address, expectedSequence: 0, events: [1], state: "torn", alarmMillis: null }])
      const system = yield* ActorSystem.make(
        {
          ...counter,
          decode: (stored) => {
            if (typeof stored !== "object") throw new Error("not a state")
            return counter.decode(stored)
          }
        },
        { unavailable: (error): Refusal => error }
      )
      assert.deepInclude(failureTag(yield* Effect.exit(system.ask("a", add(0)))), { reason: "CORRUPT", applied: "no" })
    }).pipe(Effect.provide(over(journal)))
  })

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

  it.scoped("a watcher sees every durable change once, in order, however slow it is", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      yield* system.ask("a", add(0))
      const seen = yield* Effect.fork(
        system.changes("a", 0).pipe(
          Stream.tap(() => nextTick),
          Stream.take(50),
          Stream.runCollect
        )
      )
      for (let value = 1; value < 50; value++) {
        yield* system.ask("a", add(value))
        if (value % 7 === 0) yield* nextTick
      }
      const events = Chunk.toReadonlyArray(yield* Fiber.join(seen))
      assert.deepStrictEqual(
        events.map((event) => event.sequence),
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
      system.tell("a", add(1))
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
