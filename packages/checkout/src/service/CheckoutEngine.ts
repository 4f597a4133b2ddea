/**
 * CheckoutEngine: the embedded implementation of `CheckoutSessions`: puts rules, ports, tasks and alarms together over a
 * journal. Does not load `Stream` itself: a program that opens an engine and watches nothing need not pay for it.
 */
import {
  ActorSystem,
  type AsyncContext,
  type EngineConfig,
  EngineError,
  EngineMetrics,
  GroupCommit,
  type Journal,
  Timer
} from "@onelane/engine"
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { cartBehavior } from "../commands/CartBehavior.js"
import * as CheckoutBehavior from "../commands/CheckoutBehavior.js"
import type { AccessError } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import * as Flow from "../flow/Flow.js"
import * as Access from "../ports/Access.js"
import * as CartBook from "../ports/CartBook.js"
import * as Carts from "../ports/Carts.js"
import * as Guard from "../ports/Guard.js"
import { SessionLists, type SessionListsShape } from "../ports/SessionLists.js"
import * as Ids from "../session/Ids.js"
import type { SessionState } from "../session/SessionState.js"
import * as Alarms from "../work/Alarms.js"
import * as ClockWatch from "../work/ClockWatch.js"
import type * as Operation from "../work/Operation.js"
import * as Sessions from "../work/Sessions.js"
import type * as TaskReports from "../work/TaskReports.js"
import * as Tasks from "../work/Tasks.js"
import * as Announcing from "./Announcing.js"
import * as CallValues from "./CallValues.js"
import * as Service from "./CheckoutService.js"
import { CheckoutSessions, type SessionCalls } from "./CheckoutSessions.js"
import * as Erasing from "./Erasing.js"
import * as LateResults from "./LateResults.js"
import * as Listing from "./Listing.js"
import * as ListWriter from "./ListWriter.js"
import * as MigrationLog from "./MigrationLog.js"
import * as OpenClaims from "./OpenClaims.js"
import * as Pruning from "./Pruning.js"
import { type Bounds, Retention, type RetentionShape } from "./Retention.js"
import * as Starts from "./Starts.js"
import * as Vigil from "./Vigil.js"

export type { Custodian, Custody } from "../work/Alarms.js"

/** Options of a host. */
export interface CheckoutEngineOptions {
  /** Default: the `b2b` preset, without tasks. */
  readonly flow?: Flow.Flow | undefined
  /** Default lifetime of a new session, milliseconds. Default: it never expires. */
  readonly expiresInMillis?: number | undefined
  /** How long a port may take, milliseconds. Default 5,000. */
  readonly portMillis?: number | undefined
  /** Interval of the search for expired sessions and abandoned claims, milliseconds. Default 1,000. */
  readonly alarmMillis?: number | undefined
  /** Concurrent tasks; further ones wait while their deadlines run. Default 10,000. */
  readonly taskCapacity?: number | undefined
  /** The async context that tasks begin in, where the host's platform has contexts. Default: that of a call that claimed. */
  readonly taskContext?: AsyncContext.Run | undefined
  /** How long running tasks may finish when the engine closes, milliseconds. Default 5,000. */
  readonly taskDrainMillis?: number | undefined
  /** Most bytes of a session's data and of a patch, as JSON in UTF-8, 1..1,048,576. Default 65,536. */
  readonly dataMaxBytes?: number | undefined
  /** The sessions whose tasks and expiries this engine handles. Default: all, if the journal is exclusive. */
  readonly custody?: Alarms.Custody | undefined
  /** Is told of each change that this engine committed, after its commit, at most once (`Announcing`). Default: nobody is. */
  readonly onEvent?: Announcing.OnEvent | undefined
  /** How much is kept of what is finished, by an engine whose journal begins empty. Default: everything, until it is pruned. */
  readonly retention?: Bounds | undefined
  /**
   * True leaves every session at the version of the flow that wrote it, whatever that is, and migrates none. For tools that look
   * after a storage without knowing its flow. Default false.
   */
  readonly keepsFlow?: boolean | undefined
  /** Limits of the engine. */
  readonly engine?: Partial<EngineConfig.EngineConfig> | undefined
}

/** The engine behind the service, for its host: metrics and shutdown. */
export interface CheckoutEngineShape extends Starts.Starts {
  /** The service without streams. */
  readonly calls: SessionCalls
  readonly flow: Flow.Flow
  readonly metrics: {
    readonly sessions: Readonly<EngineMetrics.EngineMetrics>
    readonly carts: Readonly<EngineMetrics.EngineMetrics>
    readonly commit: Readonly<EngineMetrics.CommitMetrics>
    /** Running tasks of this process, including those that the host runs elsewhere. */
    readonly tasks: () => number
    /** How far the store's clock is ahead of this process's, milliseconds; 0 if the store has no clock. */
    readonly clockOffsetMillis: () => number
  }
  /** What removes for good. */
  readonly retention: RetentionShape
  /** Accepts no new work and lets turns and tasks finish within their limits; true if all started work was answered. */
  readonly drain: Effect.Effect<boolean>
}

/** The engine. */
export class CheckoutEngine extends Context.Tag("@onelane/checkout/CheckoutEngine")<
  CheckoutEngine,
  CheckoutEngineShape
>() {}

const closing = Refusal.fromEngine(EngineError.systemDraining({ kind: "session", id: "" }))

// Checks the rights of watchers, at once if the port announces a change.
const watching = ({ onChange }: Access.AccessShape): Effect.Effect<Service.Watching, never, Scope.Scope> =>
  Effect.tap(Vigil.make<AccessError, AccessError>(closing), ({ signal }) =>
    onChange === undefined
      ? Effect.void
      : Effect.acquireRelease(
          Effect.sync(() => onChange(signal)),
          (leave) => Effect.sync(leave)
        )
  )

const inBackground = (...works: ReadonlyArray<Effect.Effect<void>>): Effect.Effect<void, never, Scope.Scope> =>
  Effect.forEach(works, (work) => Effect.forkScoped(work), { discard: true })

// Once its schema can be asked.
const compiled = (flow: Flow.Flow, dataMaxBytes: number | undefined): Effect.Effect<Flow.Flow> => {
  const ready = flow.data?.ready ?? null
  return Effect.map(ready === null ? Effect.void : Effect.promise(() => ready), () => Flow.compile(flow, dataMaxBytes))
}

const build = (options: CheckoutEngineOptions) =>
  Effect.gen(function* () {
    const shown: Flow.Flow = options.flow ?? Flow.b2b
    const flow = yield* compiled(shown, options.dataMaxBytes)
    const commit = yield* GroupCommit.GroupCommit
    const unavailable = Refusal.fromEngine
    const access = Access.byValue(yield* Access.Access)
    const vigil = yield* watching(access)
    const carts: CartBook.CartActors = yield* ActorSystem.make(cartBehavior, { unavailable, onCommitted: vigil.signal })
    const ports: Guard.Ports = {
      access,
      carts: CartBook.make(Carts.byValue(yield* Carts.Carts), carts),
      portMillis: options.portMillis ?? 5_000
    }
    const { alarmMillis = 1_000, custody = commit.journal.exclusive, taskCapacity, taskContext } = options
    const isMine = typeof custody === "boolean" ? null : custody.isMine
    const keeper = Pruning.makeKeeper(options.retention, commit.nowMillis)
    const hasChanged: Operation.HasChanged = (cartId, revision) => Guard.hasChanged(ports, cartId, revision)
    const tell: TaskReports.Tell = (...told) => LateResults.tell({ carts, sessions }, ...told)
    const tasks = yield* Tasks.make({ flow, tell, commit, context: taskContext, capacity: taskCapacity, hasChanged })
    const migrations = MigrationLog.make(flow)
    const { lists, writer } = yield* listed
    const announcer = yield* announcing(options, commit.config.defer)
    const system = yield* ActorSystem.make(CheckoutBehavior.make(flow, ports, options.keepsFlow), {
      unavailable,
      // A claim made here on a session of another engine is found, and run, by that one.
      onCommitted: (id, events, state: SessionState) => {
        tasks.onCommitted(id, events, state, isMine === null || isMine(id))
        if (events[0]?.type === "Migrated") migrations.onMigrated(events[0])
        if (state.session!.isArchived) keeper.finished(id)
        announcer?.committed(id, events, state)
        writer?.committed(state.session!)
      }
    })
    const sessions: Sessions.Sessions = Sessions.typed(system)
    const clockOffsetMillis = offsetOf(commit, yield* Effect.clock)
    const rounds = Alarms.rounds(sessions, tasks, custody, commit.nowMillis, alarmMillis)
    const inRounds = writer === null ? [rounds] : [rounds, writer.writing]
    yield* inBackground(keeper.keeping({ sessions, carts }), migrations.writing, ...inRounds)
    if (commit.journal.nowMillis !== undefined) yield* inBackground(ClockWatch.watch(clockOffsetMillis, alarmMillis))
    const drain = Effect.zipLeft(sessions.drain, tasks.drain(options.taskDrainMillis ?? 5_000))
    yield* Effect.addFinalizer(() => drain)
    const parts: Service.Parts = {
      flow,
      ports,
      sessions,
      carts,
      ids: yield* Ids.Ids,
      expiresInMillis: options.expiresInMillis ?? null,
      asyncContext: commit.config.asyncContext,
      defer: commit.config.defer,
      timer: yield* Timer.make,
      nowMillis: commit.nowMillis,
      vigil
    }
    const metrics = metricsOf(parts, commit, tasks.running, clockOffsetMillis)
    const calls = CallValues.make({ ...Service.make(parts), ...listing(parts, lists, commit.journal) })
    const starts = Starts.make(parts, calls, yield* Effect.runtime<never>())
    return { flow: shown, calls, metrics, ...starts, drain, retention: retentionOf(parts, commit.journal) }
  })

const listed = Effect.map(Effect.serviceOption(SessionLists), (found) => {
  const lists = Option.getOrNull(found)
  return { lists, writer: lists === null ? null : ListWriter.make(lists) }
})

const announcing = (
  { onEvent, taskContext: context }: CheckoutEngineOptions,
  defer: EngineConfig.EngineConfig["defer"]
): Effect.Effect<Announcing.Announcer | null, never, Scope.Scope> =>
  onEvent === undefined ? Effect.succeed(null) : Announcing.make({ onEvent, defer, context })

const metricsOf = (
  { carts, sessions }: Pick<Service.Parts, "carts" | "sessions">,
  commit: GroupCommit.GroupCommitShape,
  tasks: () => number,
  clockOffsetMillis: () => number
): CheckoutEngineShape["metrics"] =>
  Object.freeze({
    sessions: sessions.metrics,
    carts: carts.metrics,
    commit: EngineMetrics.view(commit.metrics),
    tasks,
    clockOffsetMillis
  })

const offsetOf =
  ({ nowMillis }: GroupCommit.GroupCommitShape, clock: Clock.Clock) =>
  (): number =>
    nowMillis() - clock.unsafeCurrentTimeMillis()

const listing = (
  { ports, sessions, ...parts }: Service.Parts,
  lists: SessionListsShape | null,
  journal: Journal.JournalShape
): Pick<SessionCalls, "sessions" | "claims"> => {
  const { access } = ports
  const get: SessionCalls["get"] = (caller, input) => Service.get({ ports, sessions, ...parts }, caller, input)
  return { sessions: Listing.make({ lists, sessions, access }), claims: OpenClaims.make({ journal, access, get }) }
}

const retentionOf = (parts: Service.Parts, { compact }: Journal.JournalShape): RetentionShape => ({
  prune: Pruning.prune(parts),
  erase: Erasing.erase({ ...parts, compact: Effect.mapError(compact, compactFailed) })
})

const compactFailed = ({ cause, reason }: Journal.JournalFailure) =>
  Refusal.fromEngine(EngineError.journalUnavailable({ kind: "session", id: "" }, reason, "unknown", cause))

/** The engine over the journal and ports in force, without streams; closing the scope drains it. */
export const makeCalls = (
  options: CheckoutEngineOptions = {}
): Effect.Effect<CheckoutEngineShape, never, Journal.Journal | Access.Access | Carts.Carts | Scope.Scope> =>
  build(options).pipe(
    Effect.provideServiceEffect(GroupCommit.GroupCommit, GroupCommit.make(options.engine)),
    Effect.provideServiceEffect(Ids.Ids, Ids.makeRandom)
  )

/** The service, its streams, and the engine behind it. */
export const make = (
  options: CheckoutEngineOptions = {}
): Effect.Effect<
  Context.Context<CheckoutSessions | CheckoutEngine | Retention>,
  never,
  Journal.Journal | Access.Access | Carts.Carts | Scope.Scope
> =>
  Effect.flatMap(
    Effect.promise(() => import("./Changes.js")),
    ({ withStreams }) =>
      Effect.map(makeCalls(options), (engine) =>
        Context.make(CheckoutSessions, withStreams(engine.calls)).pipe(
          Context.add(CheckoutEngine, engine),
          Context.add(Retention, engine.retention)
        )
      )
  )

/** The layer of `make`. */
export const layer = (
  options: CheckoutEngineOptions = {}
): Layer.Layer<CheckoutSessions | CheckoutEngine | Retention, never, Journal.Journal | Access.Access | Carts.Carts> =>
  Layer.scopedContext(make(options))
