import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Caller, CheckoutEngine, CheckoutSessions } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import * as Folder from "@onelane/testkit/Folder"
import * as Program from "@onelane/testkit/Program"
import * as Record from "@onelane/testkit/Record"
import { Deferred, Effect, Exit, Fiber, ManagedRuntime } from "effect"
import { engineOver, openThrough } from "../src/subjects/Onelane.js"
import { type Call, type Cost, costOf } from "./Counts.js"

/** What an update may cost: about twice what it did when these were written. */
const bounds = {
  accepted: { operations: 2, fibers: 0, bytes: 4_000 },
  refused: { operations: 2, fibers: 0, bytes: 3_000 },
  "accepted without a fiber": { operations: 0, fibers: 0, bytes: 3_300 },
  "refused without a fiber": { operations: 0, fibers: 0, bytes: 2_500 }
} satisfies Record<string, Cost>

const tooMuch = (cost: Cost, bound: Cost): ReadonlyArray<string> =>
  (["operations", "fibers", "bytes"] as const)
    .filter((each) => cost[each] > bound[each])
    .map((each) => `${each}: ${cost[each]}, ${bound[each]} at most`)

/** Our engine in memory; the valve, which is about time, is off. */
const opened = async () => {
  const engine = { valveMillis: Number.POSITIVE_INFINITY }
  const runtime = ManagedRuntime.make(engineOver(JournalMemory.layer, undefined, { engine }))
  const sessions = await runtime.runPromise(CheckoutSessions.CheckoutSessions)
  const { startUpdate } = await runtime.runPromise(CheckoutEngine.CheckoutEngine)
  const [id] = await runtime.runPromise(openThrough(sessions, 1))
  const inputOf = (expCurrentState: string, nextState: string) => ({
    checkoutSessionId: id!,
    expCurrentState,
    nextState
  })
  const update: Call = (expected, next) => sessions.update(Caller.host, inputOf(expected, next))
  const now: Call = (expected, next) => {
    const started = startUpdate(Caller.host, inputOf(expected, next))
    return "listen" in started ? Exit.die("not answered on the spot") : started
  }
  return { update, now, close: () => runtime.dispose() }
}

/** What has crept into hot paths before, planted around ours. */
const planted: Readonly<Record<string, (update: Call) => Call>> = {
  "a Deferred": (update) => (expected, next) =>
    Effect.flatMap(Deferred.make<unknown, unknown>(), (answer) =>
      Effect.zipRight(Deferred.complete(answer, update(expected, next)), Deferred.await(answer))
    ),
  "a fiber": (update) => (expected, next) => Effect.flatMap(Effect.fork(update(expected, next)), Fiber.join),
  "a span": (update) => (expected, next) => Effect.withSpan(update(expected, next), "update"),
  "an operation or two": (update) => (expected, next) => Effect.map(update(expected, next), (answer) => answer)
}

const timeout = 60_000

/** Appends and syncs of durable updates by 100 callers. */
const syncsOf = (updatesEach: number, batchCapacity: number) =>
  Effect.gen(function* () {
    const [folder, beside] = [yield* Folder.make(), yield* Folder.make()]
    const record = join(beside, "record")
    const env = yield* Record.recording(folder, record)
    const script = fileURLToPath(new URL("programs/durable.mjs", import.meta.url))
    const program = yield* Program.node([script, folder, "100", String(updatesEach), String(batchCapacity)], { env })
    const counted = yield* program.firstLine
    yield* program.ended
    const syncs = Record.read(record).filter(({ what, name }) => what === "sync" && name.endsWith("-wal")).length
    return { ...(JSON.parse(counted) as { readonly appends: number; readonly entries: number }), syncs }
  })

describe("Guard", () => {
  it(
    "an update costs no fiber and hardly an operation, and allocates little, accepted or refused",
    async () => {
      const { update, now, close } = await opened()
      const costs = {
        accepted: await costOf(update, true),
        refused: await costOf(update, false),
        "accepted without a fiber": await costOf(now, true),
        "refused without a fiber": await costOf(now, false)
      }
      for (const [name, cost] of Object.entries(costs))
        assert.deepStrictEqual(tooMuch(cost, bounds[name as keyof typeof bounds]), [], name)
      await close()
    },
    timeout
  )

  for (const [name, plant] of Object.entries(planted))
    it(
      `notices ${name} more an update`,
      async () => {
        const { update, close } = await opened()
        assert.isNotEmpty(tooMuch(await costOf(plant(update), true), bounds.accepted))
        await close()
      },
      timeout
    )

  it(
    "notices an Error with a stack in a refusal",
    async () => {
      const { update, close } = await opened()
      // @effect-diagnostics-next-line globalErrorInEffectFailure:off
      const failing: Call = (expected, next) => Effect.mapError(update(expected, next), () => new Error("refused"))
      assert.isNotEmpty(tooMuch(await costOf(failing, false), bounds.refused))
      await close()
    },
    timeout
  )

  it.scoped(
    "100 callers share their syncs: one an append, and an append for many updates",
    () =>
      Effect.gen(function* () {
        const { appends, entries, syncs } = yield* syncsOf(20, 1_024)
        assert.isAtLeast(entries, 2_000)
        assert.isAtMost(appends, entries / 10)
        assert.isAtLeast(syncs, appends)
        assert.isAtMost(syncs, appends + 20)
      }),
    timeout
  )

  it.scoped(
    "notices a sync for each update",
    () =>
      Effect.gen(function* () {
        const { entries, syncs } = yield* syncsOf(3, 1)
        assert.isAbove(syncs, entries / 10)
      }),
    timeout
  )
})
