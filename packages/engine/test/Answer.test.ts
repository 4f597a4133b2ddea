import { assert, describe, it } from "@effect/vitest"
import { Answer, Journal } from "@onelane/engine"
import { Deferred, Effect, Exit, Fiber, Runtime } from "effect"
import { add, failureTag, heldJournal, makeSystem, memoryWith, nextTick, over, type Refusal } from "./fixture.js"

type Told = Exit.Exit<unknown, Refusal>

/** A journal that answers at once, and refuses every append. */
const refusing = () => memoryWith({ append: () => Exit.fail(Journal.failure("no", "DISK_FULL")) })

describe("Answer", () => {
  it.scoped("an answer that waits for the disk is listened to without a fiber, and cannot be withdrawn", () => {
    const { journal, append } = heldJournal()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      const answer = system.send("a", add(0))
      assert(Answer.isWaiting(answer))
      const told: Array<Told> = []
      answer.listen((exit) => void told.push(exit))
      assert.isTrue(answer.isBegun)
      assert.isFalse(answer.withdraw())
      const held = yield* append(0)
      assert.deepStrictEqual(told, [])
      yield* held.commit
      yield* nextTick
      assert.deepStrictEqual(told, [Exit.succeed({ value: 1, sequence: 1 })])
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped("a commit that fails on the spot is told as one that fails later", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      const answer = system.send("a", add(0))
      assert(!Answer.isWaiting(answer))
      assert.deepInclude(failureTag(answer), { _tag: "JournalUnavailable", applied: "no", reason: "DISK_FULL" })
      assert.deepStrictEqual(yield* system.read("a"), { state: { value: 0 }, sequence: 0 })
    }).pipe(Effect.provide(over(refusing())))
  )

  it.scoped("a journal that answers another number of entries leaves the outcome unknown", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      const answer = system.send("a", add(0))
      assert(!Answer.isWaiting(answer))
      assert.deepInclude(failureTag(answer), { applied: "unknown", reason: "BROKEN_JOURNAL" })
    }).pipe(Effect.provide(over(memoryWith({ append: () => Exit.succeed([]) }))))
  )

  it.scoped("a full mailbox over a journal that refuses on the spot does not deepen the stack", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      const gate = yield* Deferred.make<void>()
      const depths: Array<number> = []
      const failed = (): void => void depths.push(new Error().stack!.split("\n").length)
      const first = system.send("a", add(null, 1, { port: Deferred.await(gate) }))
      const queued = Array.from({ length: 2_000 }, () => system.send("a", add(null)))
      for (const answer of [first, ...queued]) {
        assert(Answer.isWaiting(answer))
        answer.listen(failed)
      }
      yield* Deferred.succeed(gate, undefined)
      while (depths.length < 2_001) yield* nextTick
      assert.isAtMost(Math.max(...depths), Math.min(...depths) + 8)
    }).pipe(Effect.provide(over(refusing())), (self) => {
      const { stackTraceLimit } = Error
      Error.stackTraceLimit = 200
      return Effect.ensuring(
        self,
        Effect.sync(() => void (Error.stackTraceLimit = stackTraceLimit))
      )
    })
  )

  it.scoped("a caller who sends again from its callback does not cost the others their answers", () => {
    const { journal, append } = heldJournal()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      const told: Array<Told> = []
      const first = system.send("a", add(0))
      const second = system.send("a", add(1))
      assert(Answer.isWaiting(first) && Answer.isWaiting(second))
      first.listen((exit) => {
        told.push(exit)
        const again = system.send("a", add(7))
        if (!Answer.isWaiting(again)) told.push(again)
      })
      second.listen((exit) => void told.push(exit))
      yield* (yield* append(0)).answer(Exit.fail(Journal.failure("no", "DISK_FULL")))
      yield* nextTick
      assert.deepStrictEqual(
        told.map((exit) => (failureTag(exit) as { readonly _tag: string })._tag),
        ["JournalUnavailable", "Mismatch", "JournalUnavailable"]
      )
      assert.strictEqual(system.metrics.live, 0)
      assert.isTrue(yield* system.drain)
    }).pipe(Effect.provide(over(journal)))
  })

  it.effect("an effect becomes an answer that gets its fiber when somebody listens, once", () =>
    Effect.gen(function* () {
      let runs = 0
      const gate = yield* Deferred.make<number>()
      const effect = Effect.suspend(() => {
        runs += 1
        return Deferred.await(gate)
      })
      const answer = Answer.fromEffect(effect, yield* Effect.runtime<never>())
      assert(Answer.isWaiting(answer))
      assert.strictEqual(runs, 0)
      const waiting = yield* Effect.fork(Answer.toEffect(answer))
      yield* nextTick
      yield* Deferred.succeed(gate, 3)
      assert.strictEqual(yield* Fiber.join(waiting), 3)
      assert.strictEqual(runs, 1)
      assert.deepStrictEqual(Answer.fromEffect(Exit.succeed(1), Runtime.defaultRuntime), Exit.succeed(1))
    })
  )

  it.effect("interrupting whoever waits for such an effect interrupts it", () =>
    Effect.gen(function* () {
      let interrupted = false
      const effect = Effect.onInterrupt(Effect.never, () => Effect.sync(() => void (interrupted = true)))
      const waiting = yield* Effect.fork(Answer.toEffect(Answer.fromEffect(effect, yield* Effect.runtime<never>())))
      yield* nextTick
      yield* Fiber.interrupt(waiting)
      assert.isTrue(interrupted)
    })
  )
})
