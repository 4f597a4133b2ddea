/**
 * ActorSystem: the door to all actors of one behavior. Typed outside, erased inside (Turn).
 *
 * `ask` runs the turn on the caller's stack when the lane is free. **Cancellation**: an ask interrupted while its command
 * waits for the lane is dropped, certainly not applied; once its turn has begun the ask finishes first.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { Activation } from "./Activation.js"
import { type Asked, ask, askNow, type Waiting } from "./Asking.js"
import { peekAtRest } from "./AtRest.js"
import type { Behavior } from "./Behavior.js"
import * as Directory from "./Directory.js"
import * as EngineError from "./EngineError.js"
import * as Metrics from "./EngineMetrics.js"
import * as Envelope from "./Envelope.js"
import * as FairnessValve from "./FairnessValve.js"
import { GroupCommit, type GroupCommitShape } from "./GroupCommit.js"
import type { JournalAlarm, JournalEvent, JournalFailure } from "./Journal.js"
import { Knowledge } from "./Knowledge.js"
import type { Lanes } from "./Lanes.js"
import * as QuietTimer from "./QuietTimer.js"
import { runWith } from "./Running.js"
import * as Supervision from "./Supervision.js"
import { advance, readCommand, submit } from "./Turn.js"
import * as Watchers from "./Watchers.js"

export type { Waiting } from "./Asking.js"

/** An address that was found awake. */
export type Found = Activation

/** State and sequence of one address, durable. */
export interface Snapshot<State> {
  readonly state: State
  readonly sequence: number
}

/** All actors of one behavior over one journal. */
export interface ActorSystem<State, Command, Reply, Refusal> {
  /** Sends a command and waits for the answer to be durable. */
  readonly ask: (id: string, command: Command) => Effect.Effect<Reply, Refusal>
  /** The same, begun when called instead of when run: for a door that is inside an effect already. Run the result once. */
  readonly unsafeAsk: (id: string, command: Command, found?: Found) => Effect.Effect<Reply, Refusal>
  /** The same without a fiber, for a Promise door: the answer, or what it is waited for with. */
  readonly askNow: (id: string, command: Command, found?: Found) => Exit.Exit<Reply, Refusal> | Waiting<Reply, Refusal>
  /** The address if it is awake: its id is known, its state in memory. To be handed on at once, or not at all. */
  readonly find: (id: string) => Found | undefined
  /** Sends a command and does not wait; for the host itself (a clock, a task): no bound, and still taken while draining. */
  readonly tell: (id: string, command: Command) => void
  /** The same, but waits for the answer. */
  readonly askInternal: (id: string, command: Command) => Effect.Effect<Reply, Refusal>
  /** The state of an address that has nothing in flight, where the journal answers on the spot; undefined: ask `read`. */
  readonly peek: (id: string) => State | undefined
  /** Looks at an address. */
  readonly read: (id: string) => Effect.Effect<Snapshot<State>, Refusal>
  /**
   * Watches an address while the scope is open. The effect it gives waits for the next page of committed events after
   * `afterSequence`, never an empty one: in order, without gap or duplicate, nothing before it is durable. It fails with
   * `SystemDraining` when the system drains.
   */
  readonly follow: (
    id: string,
    afterSequence: number
  ) => Effect.Effect<Effect.Effect<ReadonlyArray<JournalEvent>, Refusal>, never, Scope.Scope>
  /** A page of committed events. */
  readonly events: (
    id: string,
    afterSequence: number,
    limit: number
  ) => Effect.Effect<ReadonlyArray<JournalEvent>, Refusal>
  /** Ids whose alarm is due, earliest first; the next page begins behind `after`. */
  readonly alarms: (
    beforeMillis: number,
    limit: number,
    after?: JournalAlarm
  ) => Effect.Effect<ReadonlyArray<JournalAlarm>, Refusal>
  /** Takes no new work and waits, at most `drainMillis`, until everything begun is answered; true when it is. */
  readonly drain: Effect.Effect<boolean>
  readonly metrics: Readonly<Metrics.EngineMetrics>
}

/** What a host may hook in. */
export interface ActorSystemOptions<State, Event, Refusal> {
  /** Says the engine's own answers (full, draining, no journal) in the behavior's words. */
  readonly unavailable: (error: EngineError.EngineError) => Refusal
  /** Called after a change is durable, on the engine's stack: must be quick. A defect in it is supervised. */
  readonly onCommitted?: ((id: string, events: ReadonlyArray<Event>, state: State) => void) | undefined
}

interface System extends Asked {
  readonly kind: string
  readonly commit: GroupCommitShape
  readonly watchers: Watchers.Watchers
}

/** Makes the actor system of a behavior; it drains when the scope closes. */
export const make = <State, Command, Event, Reply, Refusal, Facts>(
  behavior: Behavior<State, Command, Event, Reply, Refusal, Facts>,
  options: ActorSystemOptions<State, Event, Refusal>
): Effect.Effect<ActorSystem<State, Command, Reply, Refusal>, never, GroupCommit | Scope.Scope> =>
  Effect.gen(function* () {
    const commit = yield* GroupCommit
    const { config } = commit
    const metrics = Metrics.make()
    const watchers = Watchers.make()
    const supervision = yield* Supervision.make(metrics)
    const lanes: Lanes = {
      behavior,
      directory: Directory.make(behavior.kind, behavior.initial, config.liveCapacity, metrics),
      commit,
      supervision,
      metrics,
      knowledge: new Knowledge(commit.nowMillis),
      run: runWith(yield* Effect.runtime<never>()),
      onDoubt: (address) => Watchers.signal(watchers, address.id),
      onCommitted: (address, events, state) => {
        Watchers.signal(watchers, address.id)
        try {
          options.onCommitted?.(address.id, events as ReadonlyArray<Event>, state as State)
        } catch (defect) {
          supervision.onDefect(address, defect)
        }
      },
      unavailable: options.unavailable,
      advance: (activation) => advance(lanes, activation),
      draining: false
    }
    const valve = FairnessValve.make(config.valveMillis, config.defer)
    const system: System = { kind: behavior.kind, lanes, commit, valve, watchers }
    yield* Effect.forkScoped(sweeping(system))
    const drain = drainOf(system)
    yield* Effect.addFinalizer(() => drain)
    return {
      ask: (id, command) => Effect.suspend(() => ask(system, id, command, false)),
      askInternal: (id, command) => Effect.suspend(() => ask(system, id, command, true)),
      unsafeAsk: (id, command, found) => ask(system, id, command, false, found),
      askNow: (id, command, found) => askNow(system, id, command, found),
      find: (id) => lanes.directory.awake.get(id),
      tell: (id, command) => submit(lanes, id, Envelope.make(command, true)),
      peek: (id) => peekAtRest(lanes, id) as State | undefined,
      read: (id) => Effect.suspend(() => ask(system, id, readCommand, true)),
      follow: (id, afterSequence) => follow(system, id, afterSequence),
      events: (id, afterSequence, limit) => eventsOf(system, id, afterSequence, limit),
      alarms: (beforeMillis, limit, after) => alarmsOf(system, beforeMillis, limit, after),
      drain,
      metrics: Metrics.view(metrics)
    }
  })

const orUnavailable =
  (system: System, id: string) =>
  <A>(self: Effect.Effect<A, JournalFailure>): Effect.Effect<A, any> =>
    Effect.mapError(self, ({ reason, cause }) =>
      system.lanes.unavailable(EngineError.journalUnavailable({ kind: system.kind, id }, reason, "no", cause))
    )

const eventsOf = (system: System, id: string, afterSequence: number, limit: number) =>
  system.commit.journal.events({ kind: system.kind, id }, afterSequence, limit).pipe(orUnavailable(system, id))

const alarmsOf = (system: System, beforeMillis: number, limit: number, after: JournalAlarm | undefined) =>
  system.commit.journal.alarms(system.kind, beforeMillis, limit, after).pipe(orUnavailable(system, ""))

const drainingOf = ({ kind, lanes }: System, id: string): unknown =>
  lanes.unavailable(EngineError.systemDraining({ kind, id }))

// A watcher holds a signal and a cursor, no buffer: it reads what it emits from the journal. A slow consumer therefore
// costs nothing and misses nothing. The signal is closed before the read, so a commit in between is not overlooked. A
// system that drains ends its watchers, once they have seen what is committed.
const follow = (system: System, id: string, afterSequence: number) =>
  Effect.map(
    Effect.acquireRelease(Watchers.add(system.watchers, id), (held) => Watchers.remove(system.watchers, id, held)),
    (latch) => {
      const { config, journal } = system.commit
      const signal = journal.exclusive ? latch.await : Effect.timeoutOption(latch.await, config.pollMillis)
      let cursor = afterSequence
      const pull: Effect.Effect<ReadonlyArray<JournalEvent>, any> = Effect.gen(function* () {
        while (true) {
          yield* latch.close
          const page = yield* eventsOf(system, id, cursor, config.changesPage)
          if (page.length > 0) {
            cursor = page[page.length - 1]!.sequence
            return page
          }
          if (system.lanes.draining) return yield* Effect.fail(drainingOf(system, id))
          yield* signal
        }
      })
      return pull
    }
  )

const sweeping = ({ lanes, commit: { config } }: System): Effect.Effect<void> => {
  const epochs = Math.ceil(config.idleMillis / config.sweepMillis)
  const pause = Effect.async<void>((resume) => config.defer(() => resume(Effect.void)))
  const round: Effect.Effect<void> = Effect.suspend(() =>
    Directory.sweep(lanes.directory, config.sweepSlice, epochs) ? Effect.void : Effect.zipRight(pause, round)
  )
  const begin = Effect.sync(() => Directory.nextEpoch(lanes.directory))
  return Effect.forever(QuietTimer.sleep(config.sweepMillis).pipe(Effect.zipRight(begin), Effect.zipRight(round)))
}

const drainOf = ({ lanes, commit, watchers }: System): Effect.Effect<boolean> =>
  Effect.suspend(() => {
    lanes.draining = true
    Watchers.signalAll(watchers)
    if (commit.isIdle()) return Effect.succeed(true)
    const idle = Effect.async<true>((resume) => {
      const forget = commit.onIdle(() => resume(Effect.succeed(true)))
      return Effect.sync(forget)
    })
    // A finalizer runs uninterruptibly, and a bound that cannot interrupt is none.
    return Effect.timeoutTo(Effect.interruptible(idle), {
      duration: commit.config.drainMillis,
      onTimeout: () => false,
      onSuccess: (done) => done
    })
  })
