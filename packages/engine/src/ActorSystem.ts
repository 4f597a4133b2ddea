/**
 * ActorSystem: the API of all actors of one behavior. Typed outside; types are erased inside (Turn).
 *
 * `send` runs the turn on the caller's stack when the address is free. **Cancellation**: an ask interrupted while its
 * command waits for its turn is dropped and certainly not applied. Once its turn has begun, the ask finishes first.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Activation } from "./actor/Activation.js"
import * as ActiveActors from "./actor/ActiveActors.js"
import * as Answer from "./actor/Answer.js"
import type * as Envelope from "./actor/Envelope.js"
import * as Feeds from "./actor/Feeds.js"
import { activateMade } from "./actor/Loading.js"
import { advance, peek, submit } from "./actor/Turn.js"
import { readCommand, type TurnContext, TurnInput } from "./actor/TurnContext.js"
import * as Watchers from "./actor/Watchers.js"
import type { Behavior } from "./Behavior.js"
import * as EngineError from "./EngineError.js"
import { GroupCommit, type GroupCommitShape } from "./journal/GroupCommit.js"
import {
  failure,
  type JournalAlarm,
  type JournalEvent,
  type JournalFailure,
  type JournalRemoval
} from "./journal/Journal.js"
import { attempt, mapErrorNow, mapNow, runWith } from "./runtime/EffectRunner.js"
import * as Metrics from "./runtime/EngineMetrics.js"
import * as FairnessValve from "./runtime/FairnessValve.js"
import * as QuietTimer from "./runtime/QuietTimer.js"
import * as Supervision from "./runtime/Supervision.js"

/** An active actor, found by its id. */
export type Found = Activation

/** State and sequence of one address, durable. */
export interface Snapshot<State> {
  readonly state: State
  readonly sequence: number
}

/** Part of the addresses that are stored. `next`: where the next part begins; null at the end. */
export interface Selection<State> {
  readonly found: ReadonlyArray<Snapshot<State> & { readonly id: string }>
  readonly next: string | null
}

/**
 * All actors of one behavior over one journal. `Unavailable`: the engine's own errors, in the behavior's error type.
 */
export interface ActorSystem<State, Command, Reply, Refusal, Unavailable = Refusal> {
  /**
   * Sends a command. Returns its durable answer, or a `Waiting` that calls back with it. `ask` is the same as an
   * effect.
   */
  readonly send: (id: string, command: Command, found?: Found) => Answer.Answer<Reply, Refusal>
  /** Sends a command when the effect is run, and succeeds with its durable answer. */
  readonly ask: (id: string, command: Command) => Effect.Effect<Reply, Refusal>
  /** `send` for the engine itself (a clock, a task): not limited, and still accepted while draining. */
  readonly sendInternal: (id: string, command: Command) => Answer.Answer<Reply, Refusal>
  /** `sendInternal` as an effect. */
  readonly askInternal: (id: string, command: Command) => Effect.Effect<Reply, Refusal>
  /** Finds an active actor, whose state is in memory. Pass it to `send` in the same call stack; do not keep it. */
  readonly find: (id: string) => Found | undefined
  /**
   * Activates an address whose id was just generated, without reading the journal. If something is stored there after
   * all, the fence refuses the first commit (A4) and the turn is repeated on the stored state. Pass the result to
   * `send`, as with `find`; undefined at the limit of active actors.
   */
  readonly made: (id: string) => Found | undefined
  /** Returns the state of an idle address if the journal answers synchronously; undefined: use `read`. */
  readonly peek: (id: string) => State | undefined
  /** Reads an address. */
  readonly read: (id: string) => Effect.Effect<Snapshot<State>, Unavailable>
  /**
   * Follows an address: its durable events, in order, without gap or duplicate. When the system drains, a feed ends
   * with `SystemDraining`, after all committed events. Call `leave` after an error, too.
   */
  readonly follow: (id: string) => Feeds.Feed<Unavailable>
  /**
   * Calls `hear` with each change of an address, until the returned function is called. `hear` runs on the engine's
   * stack: it must be quick. Needs no fiber and no read: a change committed here comes with its state. Null if the
   * system drains or too many wait (`mailboxCapacity` per address; `systemCapacity` together with all unanswered
   * messages).
   */
  readonly attend: (id: string, hear: (signal: Signal<State>) => void) => (() => void) | null
  /**
   * A page of committed events. A page shorter than `limit` need not be the last (`Journal.pageBytes`); an empty one
   * is.
   */
  readonly events: (
    id: string,
    afterSequence: number,
    limit: number
  ) => Effect.Effect<ReadonlyArray<JournalEvent>, Unavailable>
  /** Ids whose alarm is due, earliest first; the next page starts after `after`. */
  readonly alarms: (
    beforeMillis: number,
    limit: number,
    after?: JournalAlarm
  ) => Effect.Effect<ReadonlyArray<JournalAlarm>, Unavailable>
  /**
   * Scans the next part of the stored addresses, those after `after` ("" for the first part), and returns the ones that
   * `wanted` accepts. States come without their body (`Behavior.body`).
   */
  readonly select: (
    after: string,
    wanted: (id: string, state: State) => boolean
  ) => Effect.Effect<Selection<State>, Unavailable>
  /**
   * Removes addresses that are at these sequences, with their events and records. Returns one answer per address: true
   * if it is gone. It is dropped from memory, too: the fence refuses a turn in progress (A4), and its followers end
   * with `JournalUnavailable`, reason `REMOVED`.
   */
  readonly remove: (removals: ReadonlyArray<JournalRemoval>) => Effect.Effect<ReadonlyArray<boolean>, Unavailable>
  /** Accepts no new work and waits, at most `drainMillis`, until all started work is answered; true if it is. */
  readonly drain: Effect.Effect<boolean>
  readonly metrics: Readonly<Metrics.EngineMetrics>
}

/**
 * A change of an attended address. `Look`: something may have changed. `Removed` and `Draining` are the last signals.
 */
export type Signal<State> =
  | (Extract<Watchers.Signal, { readonly _tag: "Committed" }> & { readonly state: State })
  | Exclude<Watchers.Signal, { readonly _tag: "Committed" }>

/** A feed of an address, its callback and its pages. */
export type { Feed, OnPage, Page } from "./actor/Feeds.js"

/** Callbacks of the host. */
export interface ActorSystemOptions<State, Command, Event, Refusal, Unavailable> {
  /** Maps engine errors (full, draining, no journal) to the behavior's error type. */
  readonly unavailable: (error: EngineError.EngineError) => Unavailable
  /** Called after a change is durable, on the engine's stack: must be quick. A defect is logged and counted. */
  readonly onCommitted?: ((id: string, events: ReadonlyArray<Event>, state: State) => void) | undefined
  /**
   * Called with a command that a rule or a port refused, once the refusal is final, with the durable state it is based
   * on. On the engine's stack: must be quick. A defect is logged and counted.
   */
  readonly onRefused?: ((id: string, command: Command, refusal: Refusal, state: State) => void) | undefined
  /**
   * Called after a commit that was not confirmed: it may be stored all the same. On the engine's stack: must be quick.
   */
  readonly onDoubt?: (() => void) | undefined
}

interface System {
  readonly kind: string
  readonly context: TurnContext
  readonly valve: FairnessValve.FairnessValve
  readonly commit: GroupCommitShape
  readonly watchers: Watchers.Watchers
  readonly feeds: Feeds.Feeds<any>
}

/** Makes the actor system of a behavior; it drains when the scope closes. */
export const make = <State, Command, Event, Reply, Refusal, Facts, Unavailable extends Refusal>(
  behavior: Behavior<State, Command, Event, Reply, Refusal, Facts>,
  options: ActorSystemOptions<State, Command, Event, Refusal, Unavailable>
): Effect.Effect<ActorSystem<State, Command, Reply, Refusal, Unavailable>, never, GroupCommit | Scope.Scope> =>
  Effect.gen(function* () {
    const commit = yield* GroupCommit
    const { config } = commit
    const metrics = Metrics.make()
    const watchers = Watchers.make()
    const supervision = yield* Supervision.make(metrics)
    const context: TurnContext = {
      behavior,
      actors: ActiveActors.make(behavior.kind, behavior.initial, config, metrics, commit.journal.immediate === true),
      commit,
      supervision,
      metrics,
      input: new TurnInput(commit.nowMillis),
      run: runWith(yield* Effect.runtime<never>()),
      onDoubt: doubtsTo(options.onDoubt, watchers),
      onCommitted: (address, events, state, sequence) => {
        if (watchers.waiting.size > 0) Watchers.committed(watchers, address.id, events, state, sequence)
        try {
          options.onCommitted?.(address.id, events as ReadonlyArray<Event>, state as State)
        } catch (defect) {
          supervision.onDefect(address, defect)
        }
      },
      onRefused: refusalsTo(options.onRefused as Refused | undefined, supervision),
      unavailable: options.unavailable,
      advance,
      draining: false
    }
    const valve = FairnessValve.make(config.valveMillis, config.defer)
    const { kind } = behavior
    const feeds = Feeds.make(sourceOf(kind, context, watchers))
    const system: System = { kind, context, commit, valve, watchers, feeds }
    yield* Effect.forkScoped(sweeping(system))
    if (!commit.journal.exclusive) yield* Effect.forkScoped(polling(system))
    const drain = drainOf(system)
    yield* Effect.addFinalizer(() => drain)
    return {
      send: (id, command, found) => send(system, id, command, false, found),
      ask: (id, command) => ask(system, id, command, false),
      sendInternal: (id, command) => send(system, id, command, true),
      askInternal: (id, command) => ask(system, id, command, true),
      find: (id) => context.actors.awake.get(id),
      made: (id) => activateMade(context, id),
      peek: (id) => peek(context, id) as State | undefined,
      read: (id) => ask(system, id, readCommand, true),
      follow: (id) => Feeds.follow(feeds, id),
      attend: (id, hear) => attend(system, id, hear as Watchers.Watcher["hear"]),
      events: (id, afterSequence, limit) => eventsOf(system, id, afterSequence, limit),
      alarms: (beforeMillis, limit, after) => alarmsOf(system, beforeMillis, limit, after),
      select: (after, wanted) => selectOf(system, after, wanted as (id: string, state: unknown) => boolean),
      remove: (removals) => removeOf(system, removals),
      drain,
      metrics: Metrics.view(metrics)
    }
  })

const doubtsTo =
  (listener: (() => void) | undefined, watchers: Watchers.Watchers): TurnContext["onDoubt"] =>
  ({ id }) => {
    Watchers.signal(watchers, id)
    listener?.()
  }

type Refused = (id: string, command: unknown, refusal: unknown, state: unknown) => void

const refusalsTo = (listener: Refused | undefined, supervision: Supervision.Supervision): TurnContext["onRefused"] =>
  listener === undefined
    ? null
    : (address, command, refusal, state) => {
        try {
          listener(address.id, command, refusal, state)
        } catch (defect) {
          supervision.onDefect(address, defect)
        }
      }

const send = (
  { context, valve }: System,
  id: string,
  command: unknown,
  internal: boolean,
  found?: Found
): Answer.Answer<any, any> => {
  const answered = submit(context, id, command, internal, found)
  const exit = "turns" in answered ? answered.exit : answered
  if (exit === null) return Answer.ofEnvelope(context, answered as Envelope.Envelope)
  return valve.pass() ? exit : Answer.afterValve(valve, exit)
}

const ask = (system: System, id: string, command: unknown, internal: boolean): Effect.Effect<any, any> =>
  Effect.suspend(() => Answer.toEffect(send(system, id, command, internal)))

const orUnavailable =
  ({ context, kind }: Pick<System, "context" | "kind">, id: string) =>
  <A>(self: Effect.Effect<A, JournalFailure>): Effect.Effect<A, any> =>
    mapErrorNow(self, ({ reason, cause }) =>
      context.unavailable(EngineError.journalUnavailable({ kind, id }, reason, "no", cause))
    )

const eventsOf = ({ context, kind }: Pick<System, "context" | "kind">, id: string, after: number, limit: number) =>
  context.commit.journal.events({ kind, id }, after, limit).pipe(orUnavailable({ context, kind }, id))

// A2 for followers: an event that is in the journal but not yet confirmed is delivered with its commit, or read again
// if that fails.
const acknowledged = ({ actors }: TurnContext, id: string, page: Feeds.Page): Feeds.Page => {
  const oldest = actors.awake.get(id)?.inFlight?.oldest ?? null
  return oldest === null ? page : page.filter(({ sequence }) => sequence <= oldest.expectedSequence)
}

const sourceOf = (kind: string, context: TurnContext, watchers: Watchers.Watchers): Feeds.Source<any> => {
  const { commit, run, supervision, unavailable } = context
  const { config, journal } = commit
  return {
    watchers,
    isExclusive: journal.exclusive,
    pageCapacity: config.changesPage,
    defer: config.defer,
    read: (id, after, limit) =>
      mapNow(
        attempt(() => eventsOf({ context, kind }, id, after, limit)),
        (page) => acknowledged(context, id, page)
      ),
    // If the journal fails, assume that it is stored.
    isStored: (id) =>
      attempt(() => Effect.orElseSucceed(journal.load({ kind, id }), () => ({}))).pipe(
        Effect.map((row) => row !== null)
      ),
    run,
    onDefect: (id, defect) => void supervision.onDefect({ kind, id }, defect),
    isDraining: () => context.draining,
    removed: (id) => unavailable(EngineError.journalUnavailable({ kind, id }, "REMOVED", "no")),
    draining: (id) => unavailable(EngineError.systemDraining({ kind, id }))
  }
}

const alarmsOf = (system: System, beforeMillis: number, limit: number, after: JournalAlarm | undefined) =>
  system.commit.journal.alarms(system.kind, beforeMillis, limit, after).pipe(orUnavailable(system, ""))

const selectOf = (system: System, after: string, wanted: (id: string, state: unknown) => boolean) => {
  const { context, commit, kind } = system
  const { decode } = context.behavior
  return Effect.suspend(() => commit.journal.select(kind, after, (id, state) => wanted(id, decode(state)))).pipe(
    Effect.map(({ found, next }) => ({ found: found.map((one) => ({ ...one, state: decode(one.state) })), next })),
    Effect.catchAllDefect((defect) =>
      Effect.fail(failure("no", defect instanceof EngineError.UnknownFormat ? "FORMAT" : "CORRUPT", defect))
    ),
    orUnavailable(system, "")
  )
}

// A busy activation is dropped as well: the fence refuses its commits (A4), because their row is gone. The next command
// finds the address as the journal has it.
const removeOf = (system: System, removals: ReadonlyArray<JournalRemoval>) =>
  Effect.suspend(() => system.commit.journal.remove(system.kind, removals)).pipe(
    Effect.tap((gone) =>
      Effect.sync(() => {
        for (let index = 0; index < removals.length; index++) if (gone[index]) forget(system, removals[index]!.id)
      })
    ),
    orUnavailable(system, "")
  )

const forget = ({ context, feeds, watchers }: System, id: string): void => {
  feeds.removals += 1
  const activation = context.actors.awake.get(id)
  if (activation !== undefined) ActiveActors.passivate(context.actors, activation)
  Watchers.remove(watchers, id)
}

// The limits of commands count for attendants as well.
const attend = (
  { commit, context, watchers }: System,
  id: string,
  hear: Watchers.Watcher["hear"]
): (() => void) | null => {
  const { mailboxCapacity, systemCapacity } = commit.config
  const { metrics } = context
  if (context.draining || commit.metrics.held + metrics.attendants >= systemCapacity) return null
  const leave = Watchers.attend(watchers, id, hear, mailboxCapacity)
  if (leave === null) return null
  metrics.attendants += 1
  return () => {
    metrics.attendants -= 1
    leave()
  }
}

// A shared journal is polled, for a part of the watchers at a time.
const polling = ({ commit: { config }, watchers }: System): Effect.Effect<void> => {
  const pause = QuietTimer.sleep(config.pollMillis / Watchers.slots)
  const poll = Effect.sync(() => Watchers.signalSlot(watchers))
  return Effect.forever(watchers.somebody.await.pipe(Effect.zipRight(pause), Effect.zipRight(poll)))
}

// Runs only while an actor is active, so an idle engine has no timer.
const sweeping = ({ context, commit: { config } }: System): Effect.Effect<void> => {
  const epochs = Math.ceil(config.idleMillis / config.sweepMillis)
  const pause = Effect.async<void>((resume) => config.defer(() => resume(Effect.void)))
  const round: Effect.Effect<void> = Effect.suspend(() =>
    ActiveActors.sweep(context.actors, config.sweepSlice, epochs) ? Effect.void : Effect.zipRight(pause, round)
  )
  const begin = Effect.sync(() => ActiveActors.nextEpoch(context.actors))
  const sweep = QuietTimer.sleep(config.sweepMillis).pipe(Effect.zipRight(begin), Effect.zipRight(round))
  return Effect.forever(Effect.zipRight(context.actors.somebody.await, sweep))
}

const drainOf = ({ context, commit, watchers }: System): Effect.Effect<boolean> =>
  Effect.suspend(() => {
    context.draining = true
    Watchers.drain(watchers)
    if (commit.isIdle()) return Effect.succeed(true)
    const idle = Effect.async<true>((resume) => {
      const forget = commit.onIdle(() => resume(Effect.succeed(true)))
      return Effect.sync(forget)
    })
    // Finalizers run uninterruptibly; a timeout needs interruption.
    return Effect.timeoutTo(Effect.interruptible(idle), {
      duration: commit.config.drainMillis,
      onTimeout: () => false,
      onSuccess: (done) => done
    })
  })
