/**
 * Simulation: one run of one seed, which determines callers, faults, kills and the order of everything. The run is
 * synchronous and then checked. The same seed gives the same history, so a failing one is a bug report.
 *
 * Owns the sequence of a run and what counts as a problem. Does not own the choices (Scenario, SimulatedCaller) or the
 * check of the history (Linearizable).
 */
import { Caller, type CheckoutError, CheckoutSession, type CheckoutSessions } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import { checkHistory, type History, Recorder, TimeLine, type Verdict } from "@onelane/history"
import type { Fault } from "@onelane/testing/JournalFaults"
import * as Seeded from "@onelane/testing/Seeded"
import * as SeededScheduler from "@onelane/testing/SeededScheduler"
import type { VirtualClock } from "@onelane/testing/VirtualClock"
import { Effect, Exit, Logger, Schedule } from "effect"
import * as Chains from "./Chains.js"
import { draw, type Scenario } from "./Scenario.js"
import * as SimulatedCaller from "./SimulatedCaller.js"
import * as SimulatedData from "./SimulatedData.js"
import * as World from "./World.js"

/** The result of one seed. `problems` is empty if everything held. */
export interface Outcome {
  readonly seed: number
  readonly scenario: Scenario
  readonly history: History.History
  readonly verdict: Verdict.Verdict | null
  readonly faults: ReadonlyMap<Fault, number>
  readonly problems: ReadonlyArray<string>
}

const limits: SeededScheduler.RunLimits = { steps: 200_000, millis: 3_600_000 }

/** Runs a seed; `overrides` replace parts of what it draws, without changing the rest. */
export const run = (seed: number, overrides: Partial<Scenario> = {}): Outcome => {
  const seeded = Seeded.make(seed)
  const scenario: Scenario = { ...draw(seeded.split()), ...overrides }
  const scheduler = SeededScheduler.make(seeded.split(), scenario.yieldOperations)
  const recorder = Recorder.make()
  const problems: Array<string> = []
  const faults = new Map<Fault, number>()
  const course = Effect.gen(function* () {
    const world = yield* World.make(scenario, seeded.split(), scheduler.defer)
    yield* open(world, recorder, scenario)
    world.plan.enabled = true
    const callers = Array.from({ length: scenario.clients }, (_, index) => {
      const choice = seeded.split()
      const service = () => recorder.client(index + 1, choice.pick(world.services()))
      return SimulatedCaller.live(index + 1, scenario, choice, service)
    })
    const disturbances: Array<Effect.Effect<unknown>> = [kills(world, scenario, seeded.split())]
    if (scenario.clockJumps > 0) disturbances.push(clockJumps(scenario, seeded.split()))
    yield* Effect.all([Effect.all(callers, { concurrency: "unbounded" }), ...disturbances], {
      concurrency: "unbounded"
    })
    world.plan.enabled = false
    for (const [fault, count] of world.plan.counts) faults.set(fault, count)
    problems.push(...(yield* inspect(world, recorder, scenario)), ...new Set(world.broken))
  })
  let verdict: Verdict.Verdict | null = null
  try {
    const exit = SeededScheduler.runToEnd(quiet(Effect.scoped(course)), scheduler, seeded.split(), limits)
    if (Exit.isFailure(exit)) problems.push(`the run ended in ${exit.cause}`)
    verdict = judge(recorder.history(), scenario)
    problems.push(
      ...verdict.violations.map(TimeLine.toText),
      ...verdict.undecided.map((session) => `${session}: undecided`)
    )
  } catch (hung) {
    problems.push(String(hung))
  }
  return { seed, scenario, history: recorder.history(), verdict, faults, problems }
}

/** Faults are expected here; their effects are checked, not logged. */
const quiet = Effect.provide(Logger.remove(Logger.defaultLogger))

const judge = (
  history: History.History,
  { chains, data, migrates, tasks, expiresInMillis }: Scenario
): Verdict.Verdict =>
  checkHistory(history, {
    ...(chains && { proceed: Chains.proceed }),
    ...(chains && tasks && { choices: Object.fromEntries(World.states.map((state) => [state, World.states])) }),
    spontaneous: [...(tasks ? (["task"] as const) : []), ...(expiresInMillis === null ? [] : (["expiry"] as const))],
    ...(migrates && !chains && { migrate: World.renamed }),
    finals: [],
    taskData: data === "callers and tasks",
    initial: "A"
  })

const { host } = Caller

/** No task of the simulated flow may hold its claim for longer, retries and a restart included. */
const longestClaimMillis = 1_000
const mostBackMillis = 500
const lookMillis = 50

const idsOf = (scenario: Scenario): ReadonlyArray<string> =>
  Array.from({ length: scenario.sessions }, (_, index) => `s${index}`)

const open = (world: World.World, recorder: Recorder.Recorder, scenario: Scenario) => {
  world.plan.enabled = false
  return Effect.forEach(idsOf(scenario), (id) =>
    recorder.client(0, world.services()[0]!).open(host, { cartId: `cart-${id}`, checkoutSessionId: id })
  )
}

const kills = (world: World.World, scenario: Scenario, seeded: Seeded.Seeded) =>
  Effect.repeatN(
    Effect.suspend(() => Effect.delay(world.kill, seeded.between(1, scenario.slowMillis * 5))),
    scenario.kills - 1
  ).pipe(Effect.when(() => scenario.kills > 0))

/** Forward beyond every deadline, or back by less than `mostBackMillis`. */
const clockJumps = ({ clockJumps: count, slowMillis }: Scenario, seeded: Seeded.Seeded) =>
  Effect.gen(function* () {
    // The clock of every run: SeededScheduler.runToEnd.
    const clock = (yield* Effect.clock) as VirtualClock
    for (let jumped = 0; jumped < count; jumped++) {
      yield* Effect.sleep(seeded.between(1, slowMillis * 5))
      clock.jump(seeded.chance(0.5) ? seeded.between(1_000, 600_000) : -seeded.below(mostBackMillis))
    }
  })

/** If only one session may be active, one that is just expiring may leave no capacity for a read. */
const untilRoom = {
  while: ({ _tag }: CheckoutError.CheckoutError) => _tag === "Overloaded",
  schedule: Schedule.spaced(lookMillis),
  times: 20
}

/** After the last fault and a final kill: every engine must return every session exactly as stored. */
const inspect = (world: World.World, recorder: Recorder.Recorder, scenario: Scenario) =>
  Effect.gen(function* () {
    const problems: Array<string> = []
    yield* Effect.sleep(scenario.slowMillis * 2)
    yield* world.kill
    if (scenario.tasks) yield* settled(world, scenario)
    for (const id of idsOf(scenario)) {
      for (const service of world.services()) {
        const told = yield* Effect.retry(recorder.client(0, service).get(host, { checkoutSessionId: id }), untilRoom)
        problems.push(...CheckoutSession.violations(told).map((each) => `${id}: ${each}`))
        if (told.isProcessing) problems.push(`${id}: a claim outlived its deadline`)
        problems.push(...(yield* onDisk(world, recorder, scenario, told)))
      }
    }
    return problems
  })

/**
 * Waits until no session has a claim, or one has had it for too long. A read that is refused as overloaded counts as a
 * running session.
 */
const settled = (world: World.World, scenario: Scenario) =>
  Effect.gen(function* () {
    const looks = (longestClaimMillis + scenario.clockJumps * mostBackMillis) / lookMillis
    const service = world.services()[0]!
    for (let look = 0; look < looks; look++) {
      const processing = yield* Effect.forEach(idsOf(scenario), (id) =>
        Effect.match(service.get(host, { checkoutSessionId: id }), {
          onFailure: () => true,
          onSuccess: ({ isProcessing }) => isProcessing
        })
      )
      if (!processing.includes(true)) return
      yield* Effect.sleep(lookMillis)
    }
  })

/** Keys of things that a stored event may do only once: close an operation, keep a late success of it. */
const closes = (event: unknown): ReadonlyArray<string> => {
  const { operationId, orderId, type } = event as Readonly<Record<"type" | "operationId" | "orderId", unknown>>
  if (typeof operationId !== "string" || type === "Claimed") return []
  return type === "LateResult" ? [`late ${operationId} ${orderId}`] : [operationId]
}

// No simulated result has an order.
const keyOf = (late: string): string => late.replace(/^late (.*) null$/, "completeTask $1 ")

/**
 * A result that chooses another state than the first one is answered as recorded: its order is in the history, with the
 * first one.
 */
const completes = (event: unknown): ReadonlyArray<string> => {
  const { operationId, type } = event as Readonly<Record<"type" | "operationId", unknown>>
  return type === "TaskCompleted" ? [`completeTask ${operationId} `] : []
}

const onDisk = (
  world: World.World,
  recorder: Recorder.Recorder,
  scenario: Scenario,
  told: CheckoutSessions.Changed["session"]
) =>
  Effect.gen(function* () {
    const address = { kind: "session", id: told.id }
    const row = yield* world.disk.load(address)
    // Up to the row that was read: the session may expire between the two reads.
    // Memory keeps the last of them.
    const kept = Math.min(row?.sequence ?? 0, JournalMemory.historyCapacity)
    const events = yield* world.disk.events(address, (row?.sequence ?? 0) - kept, kept)
    const problems: Array<string> = []
    if (row === null || row.sequence < told.version) problems.push(`${told.id}: the disk is behind what was told`)
    if (row !== null && events.length !== kept) problems.push(`${told.id}: the events have a gap`)
    const closed = events.flatMap(({ event }) => closes(event))
    if (new Set(closed).size < closed.length) problems.push(`${told.id}: one operation was closed twice`)
    problems.push(...Chains.faultsOf(told.id, events, scenario))
    if (scenario.data !== "nobody" && row !== null && kept === row.sequence && row.sequence === told.version)
      problems.push(...SimulatedData.faultsOf(told.id, events, told.data))
    const completed = events.flatMap(({ event }) => completes(event))
    for (const { key, late, observed, session } of recorder.history()) {
      if (late !== true || session !== told.id || observed?.archived !== false) continue
      if (completed.some((each) => key?.startsWith(each))) continue
      if (!closed.some((each) => each.startsWith("late ") && key?.startsWith(keyOf(each))))
        problems.push(`${told.id}: a late success was told as kept, and is not`)
    }
    return problems
  })
