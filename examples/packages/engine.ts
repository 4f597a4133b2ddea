/** An actor of your own on the engine: two pure functions, one turn at a time. */
import { ActorSystem, Behavior, GroupCommit, JournalMemory } from "@onelane/engine"
import { Effect, Exit, Layer } from "effect"

const counter: Behavior.Behavior<number, number, number, number, string> = {
  kind: "counter",
  initial: 0,
  prepare: () => Exit.void,
  digestsOf: () => Behavior.noDigests,
  decide: (count, by) =>
    by < 1 ? Exit.fail(`cannot add ${by} to ${count}`) : { events: [by], reply: (after) => after },
  evolve: (count, by) => count + by,
  decode: Number,
  alarm: () => null
}

const program = Effect.gen(function* () {
  const counters = yield* ActorSystem.make(counter, { unavailable: ({ _tag }) => _tag })
  yield* Effect.all(
    [1, 2, 3].map((by) => counters.ask("visits", by)),
    { concurrency: "unbounded" }
  )
  const refused = yield* Effect.flip(counters.ask("visits", 0))
  const { sequence, state } = yield* counters.read("visits")
  console.log(`${state} after ${sequence} events; ${refused}`)
})

const engine = Layer.provide(GroupCommit.layer(), JournalMemory.layer)
await Effect.runPromise(Effect.scoped(Effect.provide(program, engine)))
