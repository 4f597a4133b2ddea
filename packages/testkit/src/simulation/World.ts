/**
 * World: the service under simulation: engines over one faulty journal, slow and failing ports and tasks, and a way to
 * kill and restart all of it. The journal's memory is the disk: it survives.
 */
import { CheckoutEngine, type CheckoutSessions, Flow, type Task } from "@onelane/checkout"
import * as Changes from "@onelane/checkout/Changes"
import { Journal, JournalMemory } from "@onelane/engine"
import * as JournalFaults from "@onelane/testing/JournalFaults"
import type { Seeded } from "@onelane/testing/Seeded"
import { type Clock, Context, Effect, ExecutionStrategy, Exit, Fiber, identity, Scope } from "effect"
import * as Chains from "./Chains.js"
import type { Scenario } from "./Scenario.js"
import * as SimulatedData from "./SimulatedData.js"
import * as SimulatedPorts from "./SimulatedPorts.js"
import * as StoreTime from "./StoreTime.js"

/** States of the simulated flow: each leads to all others, so states repeat and a stale answer looks plausible. */
export const states = ["A", "B", "C", "D"] as const

/** What the second version of the flow calls a state of the first. */
export const renamed: Readonly<Record<string, string>> = { D: "E" }

type Service = CheckoutSessions.CheckoutSessionsShape

/** The running service. */
export interface World {
  /** The engines that run now. */
  readonly services: () => ReadonlyArray<Service>
  /**
   * Disconnects every engine from its journal at once, and starts new ones. The outcome of running calls is unknown.
   */
  readonly kill: Effect.Effect<void>
  /** The plan of faults, and their counts. */
  readonly plan: JournalFaults.SeededPlan
  /** The journal without faults, to look at what is there. */
  readonly disk: Journal.JournalShape
  /** Problems that the ports observed. */
  readonly broken: ReadonlyArray<string>
}

interface Running {
  readonly service: Service
  readonly stop: Effect.Effect<Fiber.Fiber<unknown>>
}

/** Makes a world and starts its engines; they stop with the scope. */
export const make = (
  scenario: Scenario,
  seeded: Seeded,
  defer: (task: () => void) => void
): Effect.Effect<World, never, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Effect.clock
    const disk = JournalMemory.make()
    const plan = JournalFaults.seeded(seeded.split(), scenario.faults, scenario.slowMillis)
    const broken: Array<string> = []
    const portSeeds = seeded.split()
    const ports = () => SimulatedPorts.make(scenario, portSeeds, plan, (problem) => void broken.push(problem))
    const watched =
      scenario.engines === 1 ? disk : StoreTime.watched(disk, clock, (problem) => void broken.push(problem))
    const parts = { scenario, disk: watched, plan, ports, defer, clock }
    const flowSeeds = seeded.split()
    let flow = flowOf(scenario, flowSeeds, states, {})
    const outer = yield* Effect.scope
    const startAll = Effect.forEach(Array.from({ length: scenario.engines }), (_, place) =>
      Effect.suspend(() => start(parts, flow, outer, scenario.skewsMillis[place] ?? 0))
    )
    // Killed engines drain in the background, with a disconnected journal; a run ends when all have drained.
    const closing: Array<Fiber.Fiber<unknown>> = []
    yield* Effect.addFinalizer(() => Fiber.awaitAll(closing))
    let running = yield* startAll
    return {
      services: () => running.map((each) => each.service),
      kill: Effect.gen(function* () {
        for (const each of running) closing.push(yield* each.stop)
        if (scenario.migrates && !scenario.chains)
          flow = flowOf(scenario, flowSeeds, ["A", "B", "C", "E"], { version: 2, migrate: renamed })
        running = yield* startAll
      }),
      plan,
      disk,
      broken
    }
  })

interface Parts {
  readonly scenario: Scenario
  readonly disk: Journal.JournalShape
  readonly plan: JournalFaults.SeededPlan
  /** The ports of one engine. */
  readonly ports: () => ReturnType<typeof SimulatedPorts.make>
  readonly defer: (task: () => void) => void
  readonly clock: Clock.Clock
}

const start = (parts: Parts, flow: Flow.Flow, outer: Scope.Scope, skewMillis: number) =>
  Effect.gen(function* () {
    const { scenario, disk, plan, ports, defer, clock } = parts
    const connection = JournalFaults.cuttable(disk)
    const { appendsAtOnce, engines, immediate } = scenario
    const traits = { immediate, exclusive: engines === 1, appendsAtOnce }
    const faulty = JournalFaults.wrap(connection.journal, plan, traits)
    const journal = engines > 1 && scenario.storeTime ? StoreTime.kept(faulty, clock) : faulty
    const scope = yield* Scope.fork(outer, ExecutionStrategy.sequential)
    const { calls } = yield* CheckoutEngine.makeCalls({
      flow,
      expiresInMillis: scenario.expiresInMillis ?? undefined,
      alarmMillis: 100,
      taskDrainMillis: 50,
      engine: { ...scenario.engine, drainMillis: 100, valveMillis: Number.POSITIVE_INFINITY, defer }
    }).pipe(
      Effect.provide(Context.add(ports(), Journal.Journal, journal)),
      Scope.extend(scope),
      engines > 1 ? Effect.withClock(StoreTime.skewed(clock, skewMillis)) : identity
    )
    const stop = Effect.zipRight(Effect.sync(connection.cut), Effect.forkDaemon(Scope.close(scope, Exit.void)))
    const running: Running = { service: Changes.withStreams(calls), stop }
    return running
  })

/**
 * State A runs its task here, B waits for a host to close its claim; both only if the scenario has tasks. With chains,
 * C runs A's work, too, and results of both may choose a state, sometimes one that may not follow.
 */
const flowOf = (
  { chains, data, tasks, slowMillis }: Scenario,
  seeded: Seeded,
  states: ReadonlyArray<string>,
  version: Pick<Flow.FlowDefinition<Flow.Transitions>, "version" | "migrate">
): Flow.Flow => {
  const transitions = Object.fromEntries(states.map((state) => [state, states.filter((other) => other !== state)]))
  const flow: Flow.Flow = Flow.defineFlow<Flow.Transitions, typeof SimulatedData.schema>({
    ...version,
    name: "ring",
    initial: "A",
    transitions,
    proceed: chains ? Chains.proceed : {},
    data: data === "nobody" ? undefined : SimulatedData.schema
  })
  if (!tasks) return flow
  const chosen = () => ({
    ...(chains && seeded.chance(0.4) && { next: seeded.pick([...states, "Error"]) }),
    ...(data === "callers and tasks" && seeded.chance(0.7) && { data: SimulatedData.patchOf(seeded, 0) })
  })
  const result = Effect.suspend(() =>
    seeded.chance(0.2)
      ? Effect.fail({ code: "FAILED", message: "drawn", final: seeded.chance(0.5) })
      : Effect.succeed(chosen())
  )
  const task: Task.Task = {
    run: () => Effect.delay(result, seeded.between(0, slowMillis)),
    deadlineMillis: 500,
    retry: { limit: 2, baseMillis: 10 }
  }
  const host: Task.Task = { deadlineMillis: 200 }
  if (!chains) return Flow.withTasks(flow, { A: task, B: host })
  const { A, B, C } = Chains.nextStates
  const forSome = (one: Task.Task, nextStates: ReadonlyArray<string> | null | undefined): Task.Task =>
    nextStates == null ? one : { ...one, nextStates }
  return Flow.withTasks(flow, { A: forSome(task, A), B: forSome(host, B), C: forSome(task, C) })
}
