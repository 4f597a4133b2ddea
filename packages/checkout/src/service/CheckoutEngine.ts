/**
 * CheckoutEngine: the embedded implementation of `CheckoutSessions`: composes rules, ports, tasks and alarms over a
 * journal. It does not load `Stream`, so a program that watches nothing does not pay for it.
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
import type { SessionEvent } from "../session/SessionEvent.js"
import type { SessionState } from "../session/SessionState.js"
import * as Alarms from "../work/Alarms.js"
import * as ClockWatch from "../work/ClockWatch.js"
import type * as Operation from "../work/Operation.js"
import * as Sessions from "../work/Sessions.js"
import type * as TaskReports from "../work/TaskReports.js"
import * as Tasks from "../work/Tasks.js"
import * as Announcing from "./Announcing.js"
import * as Attempts from "./Attempts.js"
import * as CallValues from "./CallValues.js"
import * as Service from "./CheckoutService.js"
import { CheckoutSessions, type SessionCalls } from "./CheckoutSessions.js"
import * as Erasing from "./Erasing.js"
import * as LateResults from "./LateResults.js"
import * as Listing from "./Listing.js"
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
  /**
   * Interval of the search for expired sessions and abandoned claims, milliseconds. If only this engine writes its
   * journal, it searches when a session is due, and this is the shortest pause between two searches. Default 1,000.
   */
  readonly alarmMillis?: number | undefined
  /** Concurrent tasks; further ones wait while their deadlines run. Default 10,000. */
  readonly taskCapacity?: number | undefined
  /**
   * The async context in which tasks begin, if the host's platform has async contexts. Default: that of a call that
   * claimed.
   */
  readonly taskContext?: AsyncContext.Run | undefined
  /** How long running tasks may finish when the engine closes, milliseconds. Default 5,000. */
  readonly taskDrainMillis?: number | undefined
  /** Most bytes of a session's data and of a patch, as JSON in UTF-8, 1..1,048,576. Default 65,536. */
  readonly dataMaxBytes?: number | undefined
  /** The sessions whose tasks and expiries this engine handles. Default: all, if the journal is exclusive. */
  readonly custody?: Alarms.Custody | undefined
  /**
   * Called for each change that this engine committed, after its commit, at most once (`Announcing`). Default: none.
   */
  readonly onEvent?: Announcing.OnEvent | undefined
  /** Keeps the last refused calls of each session in memory (`Attempts`). Default false. */
  readonly attempts?: boolean | undefined
  /**
   * Limits for finished sessions, for an engine whose journal starts empty. Default: everything is kept until it is
   * pruned.
   */
  readonly retention?: Bounds | undefined
  /**
   * True keeps every session at the flow version that wrote it, and migrates none. For tools that maintain a storage
   * without knowing its flow. Default false.
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
    /** Running tasks of this process, including external work. */
    readonly tasks: () => number
    /** How far the store's clock is ahead of this process's, milliseconds; 0 if the store has no clock. */
    readonly clockOffsetMillis: () => number
    /** Refused calls that are kept; null: not kept. */
    readonly attempts: (() => ReturnType<Attempts.Ring["size"]> & { readonly since: number }) | null
  }
  /**
   * What this process knows about a session and does not store: refused calls, and the tries of its task. Checks no
   * rights.
   */
  readonly inspect: (checkoutSessionId: string) => Attempts.Inspection
  /** Permanent removal of data. */
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

// Waits until the flow's schema is ready.
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
    const watch = custody === true && commit.journal.exclusive ? Alarms.makeWatch() : null
    const onDoubt = (): void => watch?.doubted()
    const given = { context: taskContext, capacity: taskCapacity, hasChanged, onUntaken: onDoubt }
    const tasks = yield* Tasks.make({ flow, tell, commit, ...given })
    const migrations = MigrationLog.make(flow)
    const { lists, writer } = yield* listed
    const announcer = yield* announcing(options, commit.config.defer)
    const ring = options.attempts === true ? Attempts.make(commit.nowMillis) : null
    const system = yield* ActorSystem.make(CheckoutBehavior.make(flow, ports, options.keepsFlow), {
      unavailable,
      onDoubt,
      onCommitted: committing({ announcer, isMine, keeper, migrations, tasks, watch, writer }),
      onRefused: ring?.refused
    })
    const sessions: Sessions.Sessions = Sessions.typed(ring === null ? system : forgetting(system, ring))
    const clockOffsetMillis = offsetOf(commit, yield* Effect.clock)
    const attending = { sessions, tasks, custody, now: commit.nowMillis, everyMillis: alarmMillis }
    const inRounds = [Alarms.rounds(watch, attending), ...(writer === null ? [] : [writer.writing])]
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
    const metrics = metricsOf(parts, commit, tasks.running, clockOffsetMillis, ring)
    const inspect = (id: string) => Attempts.inspect(ring, id, tasks.triesOf(id))
    const calls = CallValues.make({ ...Service.make(parts), ...listing(parts, lists, commit.journal) })
    const starts = Starts.make(parts, calls, yield* Effect.runtime<never>())
    return { flow: shown, calls, metrics, inspect, ...starts, drain, retention: retentionOf(parts, commit.journal) }
  })

interface Told {
  readonly announcer: Announcing.Announcer | null
  readonly isMine: ((id: string) => boolean) | null
  readonly keeper: ReturnType<typeof Pruning.makeKeeper>
  readonly migrations: ReturnType<typeof MigrationLog.make>
  readonly tasks: Tasks.Tasks
  readonly watch: Alarms.Watch | null
  readonly writer: Listing.Writer | null
}

// If another engine owns the session, that engine finds and runs a claim made here.
const committing =
  ({ announcer, isMine, keeper, migrations, tasks, watch, writer }: Told) =>
  (id: string, events: ReadonlyArray<SessionEvent>, state: SessionState): void => {
    tasks.onCommitted(id, events, state, isMine === null || isMine(id))
    if (watch !== null) watch.committed(state)
    if (events[0]?.type === "Migrated") migrations.onMigrated(events[0])
    if (state.session!.isArchived) keeper.finished(id)
    announcer?.committed(id, events, state)
    writer?.committed(state.session!)
  }

// Removing a session also removes its attempts from memory.
const forgetting = <S extends Pick<Sessions.Sessions, "remove">>(system: S, { forget }: Attempts.Ring): S => ({
  ...system,
  remove: (removals) =>
    Effect.tap(system.remove(removals), (gone) =>
      Effect.sync(() => {
        for (let index = 0; index < removals.length; index++) if (gone[index]) forget(removals[index]!.id)
      })
    )
})

const listed = Effect.map(Effect.serviceOption(SessionLists), (found) => {
  const lists = Option.getOrNull(found)
  return { lists, writer: lists === null ? null : Listing.makeWriter(lists) }
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
  clockOffsetMillis: () => number,
  ring: Attempts.Ring | null
): CheckoutEngineShape["metrics"] =>
  Object.freeze({
    sessions: sessions.metrics,
    carts: carts.metrics,
    commit: EngineMetrics.view(commit.metrics),
    tasks,
    clockOffsetMillis,
    attempts: ring === null ? null : () => ({ ...ring.size(), since: ring.since })
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

/** Makes the engine over the provided journal and ports, without streams; closing the scope drains it. */
export const makeCalls = (
  options: CheckoutEngineOptions = {}
): Effect.Effect<CheckoutEngineShape, never, Journal.Journal | Access.Access | Carts.Carts | Scope.Scope> =>
  build(options).pipe(
    Effect.provideServiceEffect(GroupCommit.GroupCommit, GroupCommit.make(options.engine)),
    Effect.provideServiceEffect(Ids.Ids, Ids.makeRandom)
  )

/** Makes the service with streams, the engine and the retention. */
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
