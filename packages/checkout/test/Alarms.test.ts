import { assert, describe, it } from "@effect/vitest"
import { Flow } from "@onelane/checkout"
import { type Journal, JournalMemory } from "@onelane/engine"
import { Effect, Exit, TestClock } from "effect"
import { pageEntries } from "../src/work/Alarms.js"
import { crashed, flowOf, start, types } from "./crash.js"
import { admin, boot, buyer, handTask, jumpingClock, nextTick, opened, settled, slowMemory, until } from "./fixture.js"

describe("Alarms: finding", () => {
  it.scoped("a restart resumes every claimed session once, more than a page of them, and reads no sleeping one", () =>
    Effect.gen(function* () {
      const memory = JournalMemory.make()
      const { called, calls, task } = yield* handTask()
      const first = yield* boot(memory, { flow: flowOf(task) })
      const claims = pageEntries * 2 + 3
      for (let n = 0; n < claims; n++) {
        const checkoutSessionId = yield* opened(first.sessions, `cart-${n}`)
        yield* opened(first.sessions, `sleeping-${n}`, { expiresInMillis: 86_400_000 })
        yield* first.sessions.update(buyer, { checkoutSessionId, ...start })
      }
      yield* called(claims - 1)
      yield* first.crash
      calls.length = 0
      let loads = 0
      const journal: Journal.JournalShape = {
        ...memory,
        load: (address) => {
          loads += 1
          return memory.load(address)
        }
      }
      yield* boot(journal, { flow: flowOf(task) })
      yield* until(
        Effect.sync(() => calls.length),
        (length) => length >= claims
      )
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(calls.length, claims)
      assert.strictEqual(new Set(calls.map(({ session }) => session.id)).size, claims)
      assert.strictEqual(loads, claims)
    })
  )

  it.scoped("a claim whose commit was in doubt is found by the next round, without a restart", () =>
    Effect.gen(function* () {
      const memory = JournalMemory.make()
      let doubtful = true
      const journal: Journal.JournalShape = {
        ...memory,
        append: (batch) => {
          const isClaim = batch.some(({ events }) =>
            events.some((event) => (event as { type: string }).type === "Claimed")
          )
          if (!isClaim || !doubtful) return memory.append(batch)
          doubtful = false
          const unknown = { _tag: "JournalFailure", applied: "unknown", reason: "IO" } as const
          return Effect.zipRight(memory.append(batch), Effect.fail(unknown))
        }
      }
      const { called, calls, succeed, task } = yield* handTask()
      const { sessions } = yield* boot(journal, { flow: flowOf(task), alarmMillis: 1_000 })
      const checkoutSessionId = yield* opened(sessions)
      const told = yield* Effect.flip(sessions.update(buyer, { checkoutSessionId, ...start }))
      assert.deepInclude(told, { _tag: "StorageUnavailable", applied: "unknown" })
      assert.strictEqual(calls.length, 0)
      yield* TestClock.adjust(1_000)
      yield* called(0)
      yield* succeed(0)
      assert.deepInclude(yield* settled(sessions, checkoutSessionId), { state: "Inventory" })
    })
  )

  it.scoped("one session that cannot be read does not keep the others waiting, not even those of the next page", () =>
    Effect.gen(function* () {
      const memory = JournalMemory.make()
      const { called, calls, task } = yield* handTask()
      const first = yield* boot(memory, { flow: flowOf(task) })
      const ids = Array.from({ length: pageEntries + 2 }, (_, n) => `cs_${1_000 + n}`)
      for (const checkoutSessionId of ids) {
        yield* opened(first.sessions, `cart-${checkoutSessionId}`, { checkoutSessionId })
        yield* first.sessions.update(buyer, { checkoutSessionId, ...start })
      }
      yield* called(ids.length - 1)
      yield* first.crash
      calls.length = 0
      const journal: Journal.JournalShape = {
        ...memory,
        load: (address) =>
          address.id === ids[0] ? Exit.succeed({ sequence: 2, state: "torn", digests: [] }) : memory.load(address)
      }
      yield* boot(journal, { flow: flowOf(task) })
      yield* called(ids.length - 2)
      assert.sameMembers(
        calls.map(({ session }) => session.id),
        ids.slice(1)
      )
    })
  )

  it.scoped("a journal that cannot be asked is asked again at the next round", () =>
    Effect.gen(function* () {
      const memory = JournalMemory.make()
      const { called, task } = yield* handTask()
      yield* crashed(memory, task, null, called(0))
      let busy = true
      const journal: Journal.JournalShape = {
        ...memory,
        alarms: (kind, before, limit, after) =>
          busy
            ? Effect.fail({ _tag: "JournalFailure", applied: "no", reason: "BUSY" } as const)
            : memory.alarms(kind, before, limit, after)
      }
      yield* boot(journal, { flow: flowOf(task) })
      yield* nextTick
      busy = false
      yield* TestClock.adjust(1_000)
      yield* called(1)
    })
  )

  it.scoped("over a journal that others write, only a claim past its deadline is taken up", () =>
    Effect.gen(function* () {
      const memory: Journal.JournalShape = { ...JournalMemory.make(), exclusive: false, immediate: false }
      const { called, calls, task } = yield* handTask({ deadlineMillis: 10_000 })
      const { checkoutSessionId } = yield* crashed(memory, task, null, called(0))
      const { sessions } = yield* boot(memory, { flow: flowOf(task) })
      yield* TestClock.adjust("9 seconds")
      assert.isTrue((yield* sessions.get(admin, { checkoutSessionId })).isProcessing)
      yield* TestClock.adjust("2 seconds")
      assert.deepInclude(yield* settled(sessions, checkoutSessionId), { state: "Error" })
      assert.strictEqual(calls.length, 1)
    })
  )
})

describe("Alarms: time", () => {
  it.scoped("a deadline survives the restart: what is left of it is left, not a new one", () =>
    Effect.gen(function* () {
      const journal = slowMemory()
      const { called, task } = yield* handTask({ deadlineMillis: 10_000 })
      const { checkoutSessionId } = yield* crashed(journal, task, null, called(0))
      yield* TestClock.adjust("6 seconds")
      const { sessions } = yield* boot(journal, { flow: flowOf(task) })
      yield* called(1)
      yield* TestClock.adjust("3900 millis")
      yield* nextTick
      assert.isTrue((yield* sessions.get(admin, { checkoutSessionId })).isProcessing)
      yield* TestClock.adjust("100 millis")
      assert.deepInclude(yield* settled(sessions, checkoutSessionId), { state: "Error" })
    })
  )

  it.scoped("a deadline that passed while nobody ran fails the claim at the start", () =>
    Effect.gen(function* () {
      const journal = slowMemory()
      for (const [cart, task] of [
        ["a", (yield* handTask()).task],
        ["b", {}]
      ] as const) {
        const process = yield* boot(journal, { flow: flowOf(task) })
        const checkoutSessionId = yield* opened(process.sessions, cart)
        yield* process.sessions.update(buyer, { checkoutSessionId, ...start })
        yield* process.crash
        yield* TestClock.adjust("1 hour")
        const { sessions, stop } = yield* boot(journal, { flow: flowOf(task) })
        assert.deepInclude(yield* settled(sessions, checkoutSessionId), { state: "Error" })
        const last = (yield* sessions.history(admin, { checkoutSessionId })).at(-1)
        assert.strictEqual(last?.reason, "DEADLINE")
        yield* stop
      }
    })
  )

  it.scoped("a clock set back by an hour: the claim is found all the same, and gets no more than its deadline", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(7_200_000)
      const journal = slowMemory()
      const { called, task } = yield* handTask({ deadlineMillis: 10_000 })
      const { checkoutSessionId } = yield* crashed(journal, task, null, called(0))
      yield* TestClock.setTime(3_600_000)
      const { sessions } = yield* boot(journal, { flow: flowOf(task) })
      yield* called(1)
      yield* TestClock.adjust("10 seconds")
      assert.deepInclude(yield* settled(sessions, checkoutSessionId), { state: "Error" })
    })
  )

  for (const [direction, jumpMillis] of [
    ["ahead", 86_400_000],
    ["back", -86_400_000]
  ] as const)
    it.scoped(`a wall clock that jumps a day ${direction} while a task runs does not move its deadline`, () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(200_000_000)
        const { clock, jump } = yield* jumpingClock
        const { called, calls, task } = yield* handTask({ deadlineMillis: 10_000 })
        const journal = slowMemory()
        const { sessions } = yield* Effect.withClock(boot(journal, { flow: flowOf(task) }), clock)
        const checkoutSessionId = yield* opened(sessions)
        yield* sessions.update(buyer, { checkoutSessionId, ...start })
        yield* called(0)
        yield* TestClock.adjust("4 seconds")
        yield* jump(jumpMillis)
        yield* TestClock.adjust("5900 millis")
        yield* nextTick
        assert.isTrue((yield* sessions.get(admin, { checkoutSessionId })).isProcessing)
        yield* TestClock.adjust("100 millis")
        assert.deepInclude(yield* settled(sessions, checkoutSessionId), { state: "Error" })
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(calls.length, 1)
        assert.deepStrictEqual(yield* types(journal, checkoutSessionId), ["Opened", "Claimed", "TaskFailed"])
      })
    )

  it.scoped("an expired session is archived by the clock, and its cart is free", () =>
    Effect.gen(function* () {
      const { sessions } = yield* boot(JournalMemory.make(), { flow: Flow.b2b })
      const checkoutSessionId = yield* opened(sessions, "cart-1", { expiresInMillis: 5_000 })
      yield* TestClock.adjust("4 seconds")
      assert.isFalse((yield* sessions.get(admin, { checkoutSessionId })).isArchived)
      yield* TestClock.adjust("2 seconds")
      yield* until(sessions.get(admin, { checkoutSessionId }), ({ isArchived }) => isArchived)
      assert.notStrictEqual(yield* opened(sessions, "cart-1"), checkoutSessionId)
    })
  )

  it.scoped("a clock that jumps over many expiries loses none and doubles none", () =>
    Effect.gen(function* () {
      const journal = JournalMemory.make()
      const { clock, jump } = yield* jumpingClock
      const { sessions } = yield* Effect.withClock(boot(journal, { flow: Flow.b2b }), clock)
      const ids: Array<string> = []
      for (let n = 0; n < pageEntries + 50; n++)
        ids.push(yield* opened(sessions, `cart-${n}`, { expiresInMillis: 1_000 + n }))
      yield* jump(86_400_000)
      yield* TestClock.adjust("1 second")
      for (const id of ids) {
        yield* until(sessions.get(admin, { checkoutSessionId: id }), ({ isArchived }) => isArchived)
        assert.deepStrictEqual(yield* types(journal, id), ["Opened", "Expired"])
      }
      yield* TestClock.adjust("3 seconds")
      for (const id of ids) assert.deepStrictEqual(yield* types(journal, id), ["Opened", "Expired"])
    })
  )
})
