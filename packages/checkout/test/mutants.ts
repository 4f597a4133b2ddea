/**
 * Engines and journals with one guard taken out. `bootMutant` puts the engine together as CheckoutEngine does, around a
 * behavior that a test may spoil; every other function here is one missing guard.
 */
import { Access, Carts, type CheckoutSessions, type Task } from "@onelane/checkout"
import { ActorSystem, GroupCommit, Journal, Timer } from "@onelane/engine"
import { Effect, Exit, Scope } from "effect"
import { cartBehavior } from "../src/commands/CartBehavior.js"
import * as CheckoutBehavior from "../src/commands/CheckoutBehavior.js"
import type { SessionCommand } from "../src/commands/SessionCommand.js"
import * as Refusal from "../src/errors/Refusal.js"
import * as Flow from "../src/flow/Flow.js"
import * as CartBook from "../src/ports/CartBook.js"
import * as Changes from "../src/service/Changes.js"
import * as Service from "../src/service/CheckoutService.js"
import * as LateResults from "../src/service/LateResults.js"
import * as Vigil from "../src/service/Vigil.js"
import * as Ids from "../src/session/Ids.js"
import type { SessionState } from "../src/session/SessionState.js"
import * as Alarms from "../src/work/Alarms.js"
import * as AllSessions from "../src/work/Sessions.js"
import type * as TaskReports from "../src/work/TaskReports.js"
import * as Tasks from "../src/work/Tasks.js"
import { type ProcessOptions, type Sessions, seenBy } from "./fixture.js"

type Behavior = CheckoutBehavior.CheckoutBehavior
export type Mutate = (behavior: Behavior) => Behavior

const assemble = (mutate: Mutate, options: ProcessOptions) =>
  Effect.gen(function* () {
    const flow: Flow.Flow = options.flow ?? Flow.b2b
    const unavailable = Refusal.fromEngine
    const carts = yield* ActorSystem.make(cartBehavior, { unavailable })
    const port = options.carts ?? (yield* Effect.provide(Carts.Carts, Carts.layerTrusted))
    const ports = {
      access: options.access ?? (yield* Effect.provide(Access.Access, Access.layerTrusted)),
      carts: CartBook.make(port, carts),
      portMillis: 5_000
    }
    const commit = yield* GroupCommit.GroupCommit
    const tell: TaskReports.Tell = (...told) => LateResults.tell({ carts, sessions }, ...told)
    const tasks = yield* Tasks.make({ flow, tell, commit })
    const system = yield* ActorSystem.make(mutate(CheckoutBehavior.make(flow, ports)), {
      unavailable,
      onCommitted: tasks.onCommitted
    })
    const sessions: AllSessions.Sessions = AllSessions.typed(system)
    yield* Effect.forkScoped(
      Alarms.polling({ sessions, tasks, custody: true, now: commit.nowMillis, everyMillis: 1_000 })
    )
    yield* Effect.addFinalizer(() => tasks.drain(0))
    const parts = {
      flow,
      ports,
      sessions,
      carts,
      ids: yield* Ids.makeRandom,
      expiresInMillis: null,
      asyncContext: null,
      defer: commit.config.defer,
      timer: yield* Timer.make,
      nowMillis: commit.nowMillis,
      vigil: yield* Vigil.make<any, any>(null)
    }
    const unused = () => Effect.die("not asked")
    return Changes.withStreams({ ...Service.make(parts), sessions: unused, claims: unused })
  })

/** As `boot`, with a spoilt behavior. */
export const bootMutant = (mutate: Mutate, journal: Journal.JournalShape, options: ProcessOptions = {}) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const life = { dead: false }
    const commit = yield* Effect.provideService(GroupCommit.make(), Journal.Journal, seenBy(journal, life))
    const sessions = yield* assemble(mutate, options).pipe(
      Effect.provideService(GroupCommit.GroupCommit, commit),
      Scope.extend(scope)
    )
    const stop = Scope.close(scope, Exit.void)
    yield* Effect.addFinalizer(() => stop)
    return {
      sessions,
      crash: Effect.zipRight(
        Effect.sync(() => (life.dead = true)),
        stop
      )
    }
  })

/** Spoils what a rule is told. */
const deciding =
  (
    spoil: (
      state: SessionState,
      command: SessionCommand,
      nowMillis: number
    ) => readonly [SessionState, SessionCommand, number]
  ): Mutate =>
  (behavior) => ({
    ...behavior,
    decide: (state, command, turn) => {
      const [seen, told, nowMillis] = spoil(state, command, turn.nowMillis)
      return behavior.decide(seen, told, { ...turn, nowMillis })
    }
  })

/** An update may come while a task runs. */
export const withoutProcessingGuard = deciding((state, command, nowMillis) =>
  command.tag === "Update" && state.session !== null
    ? [{ ...state, session: { ...state.session, isProcessing: false, nextState: null } }, command, nowMillis]
    : [state, command, nowMillis]
)

/** An update moves the session from wherever it is. */
export const withoutExpectedState = deciding((state, command, nowMillis) =>
  command.tag === "Update" && state.session !== null
    ? [
        state,
        {
          ...command,
          transition: { ...command.transition, from: state.session.state }
        },
        nowMillis
      ]
    : [state, command, nowMillis]
)

/** A task result counts for whichever operation runs. */
export const withoutOperationFence = deciding((state, command, nowMillis) =>
  (command.tag === "CompleteTask" || command.tag === "FailTask") && state.session?.operationId
    ? [state, { ...command, operationId: state.session.operationId }, nowMillis]
    : [state, command, nowMillis]
)

/** Whoever opens a cart gets its session, expired or not. */
export const withoutExpiryAtOpen = deciding((state, command, nowMillis) => [
  state,
  command,
  command.tag === "Open" || command.tag === "Expire" ? 0 : nowMillis
])

/** A claim is not in the index: nobody finds it after a crash. */
export const withoutAlarm: Mutate = (behavior) => ({ ...behavior, alarm: () => null })

/** A refusal says no, and nothing of the session. */
export const withoutCurrent: Mutate = (behavior) => ({
  ...behavior,
  decide: (state, command, turn) => {
    const decided = behavior.decide(state, command, turn)
    return "events" in decided
      ? decided
      : Exit.mapError(decided, (error) => ({ ...error, current: undefined }) as never)
  }
})

/** A journal without the fence (A4): whoever writes last is right. */
export const withoutFence = (journal: Journal.JournalShape): Journal.JournalShape => ({
  ...journal,
  append: (batch) =>
    Effect.flatMap(
      Effect.forEach(batch, (entry) =>
        Effect.map(journal.load(entry.address), (row) => ({
          ...entry,
          expectedSequence: row?.sequence ?? 0,
          records: []
        }))
      ),
      journal.append
    )
})

/** A journal that says "committed" first and writes when told: replies leave before the commit. */
export const writeBehind = (journal: Journal.JournalShape) => {
  const unwritten: Array<ReadonlyArray<Journal.JournalEntry>> = []
  const flush = Effect.suspend(() => Effect.forEach(unwritten.splice(0), journal.append, { discard: true }))
  const append: Journal.JournalShape["append"] = (batch) =>
    Effect.sync(() => {
      unwritten.push(batch)
      return batch.map(() => "committed" as const)
    })
  return { journal: { ...journal, append }, flush }
}

/** A door that remembers every answer under its key, refusals too. */
export const rememberingEverything = (sessions: Sessions): Sessions => {
  const answers = new Map<string, Exit.Exit<CheckoutSessions.Updated, any>>()
  return {
    ...sessions,
    update: (caller, input) =>
      Effect.suspend(() => {
        const key = `${caller.userId} ${input.idempotencyKey}`
        const known = answers.get(key)
        if (known !== undefined) return known
        return Effect.onExit(sessions.update(caller, input), (exit) => Effect.sync(() => answers.set(key, exit)))
      })
  }
}

/** A task that is told another request id at every run. */
export const withFreshRequestIds = (task: Task.Task): Task.Task => {
  let runs = 0
  return { ...task, run: (context) => task.run!({ ...context, requestId: `${context.requestId}-${++runs}` }) }
}
