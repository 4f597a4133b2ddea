/**
 * Embedded: opens the engine in this process: in memory, on a file, on PostgreSQL, or as a node of a cluster.
 *
 * Owns the composition: store, ports, engine, `Retry`. To start fast in memory it loads a database only when one is
 * opened, and no HTTP at all.
 */

import type { Announcing } from "@onelane/checkout"
import * as Caller from "@onelane/checkout/Caller"
import * as CheckoutEngine from "@onelane/checkout/CheckoutEngine"
import type * as CheckoutSessions from "@onelane/checkout/CheckoutSessions"
import type * as Flow from "@onelane/checkout/Flow"
import * as Retention from "@onelane/checkout/Retention"
import * as Directory from "@onelane/directory/Directory"
import { type EngineConfig, Journal } from "@onelane/engine"
import type { DatabaseRefused, StoreBackup } from "@onelane/sql"
import * as Storage from "@onelane/sql/Storage"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Behind from "../door/Behind.js"
import * as Calls from "../door/Calls.js"
import * as Checkout from "../door/Checkout.js"
import type * as DirectoryDoor from "../door/DirectoryDoor.js"
import * as Mountable from "../door/Mountable.js"
import type { Aborted, Result } from "../door/Result.js"
import type { FlowOf } from "../door/Typed.js"
import * as Retry from "../retry/Retry.js"
import * as RetryOptions from "../retry/RetryOptions.js"
import * as App from "./App.js"
import * as Backups from "./Backups.js"
import * as ClusterNode from "./ClusterNode.js"
import * as HostLogger from "./HostLogger.js"
import * as Options from "./Options.js"
import * as Stores from "./Stores.js"

/** How an embedded engine is opened. */
export interface EmbeddedOptions<X extends Flow.PresetName | Flow.Flow = Flow.PresetName | Flow.Flow>
  extends App.App<X> {
  /**
   * `":memory:"`; the path of an SQLite file (created when it does not exist; one process at a time); or
   * `postgres://…`, which several processes may share (install `pg` and `@effect/sql-pg`). In memory a session keeps
   * its last 64 events; `history` and `changes` that ask for older ones get `StorageUnavailable`, reason
   * `HISTORY_FORGOTTEN`.
   */
  readonly storage: string
  /**
   * Makes this program a node of a cluster over its PostgreSQL (install `@onelane/cluster`). Each node runs the tasks
   * of a part of the sessions and forwards calls to their owners; the others take over when it dies. Without it several
   * processes share the work without owners, and a claim of a dead process waits for its deadline. Default: none.
   */
  readonly cluster?: ClusterNode.ClusterOptions | undefined
  /** Connections to PostgreSQL, 1 to 1,000. Default 10; a node of a cluster has four more. */
  readonly connections?: number | undefined
  /**
   * Only on PostgreSQL: how often this process looks for expired sessions and abandoned claims, 10 to 60,000
   * milliseconds. Default 1,000; 500 in a cluster. In memory and on a file an engine wakes up when one is due.
   */
  readonly alarmMillis?: number | undefined
  /**
   * Only in memory: how many finished sessions are kept, how long, and how many carts remember their order after that.
   * Default 10,000, 24 hours, 100,000; each is a whole number from 1. A database keeps everything until it is pruned.
   */
  readonly retention?: Partial<Retention.Bounds> | undefined
  readonly retry?: RetryOptions.RetryOptions | undefined
  /**
   * Called after each change that this process committed (opened, updated, claimed, task completed or failed,
   * cancelled, expired, moved, migrated, …). It gets a copy of the history entry with `checkoutSessionId` and `cartId`,
   * on a later stack. Calls are sequential: the next one waits for a returned Promise. Errors are logged and have no
   * other effect.
   *
   * **At most once**: changes that are still queued when the process ends, or that exceed 10,000 queued ones, are lost.
   * For guaranteed delivery, read `history` or write an outbox row in a task. Default: none.
   */
  readonly onEvent?: Announcing.OnEvent | undefined
  /** Receives the log lines. Default: no logging. `layer` does not use it: an Effect program has its own loggers. */
  readonly logger?: HostLogger.HostLogger | undefined
}

const options: Options.Options<EmbeddedOptions> = {
  storage: {
    is: Storage.is.replace(/^must be /, ""),
    check: (value) => typeof value === "string" && value !== "",
    required: true
  },
  cluster: ClusterNode.option,
  connections: Options.whole(1, 1_000),
  alarmMillis: Options.whole(10, 60_000),
  ...App.fields,
  retention: Options.nested<Retention.Bounds>({
    finishedCapacity: Options.whole(1, Number.MAX_SAFE_INTEGER),
    finishedMillis: Options.whole(1, Number.MAX_SAFE_INTEGER),
    completedCapacity: Options.whole(1, Number.MAX_SAFE_INTEGER)
  }),
  retry: RetryOptions.option,
  onEvent: HostLogger.option,
  logger: HostLogger.option
}

const callerParts: Options.Options<Caller.Caller> = {
  userId: Options.text,
  roles: Options.roles,
  actingAccountId: { is: "text or null", check: (value) => value === null || typeof value === "string", required: true }
}

/** An embedded engine: `Checkout` for the program itself, and `as` for the people it serves. */
export interface EmbeddedCheckout<F> extends Checkout.Checkout<F> {
  /**
   * Acts on behalf of a user. Without ports and directory a buyer owns the carts it opens and does not see those of
   * others. Closing either object closes both.
   */
  readonly as: (caller: Caller.Caller) => Checkout.Checkout<F>
  /** Removes sessions that finished before an instant, with their history. Effect: the service `Retention`. */
  readonly prune: (
    input: Retention.PruneInput,
    options?: Checkout.CallOptions
  ) => Promise<Result<Retention.Pruned, Retention.PruneError | Aborted>>
  /**
   * Erases everything of one buyer: by cart, or by owner. Live sessions refuse it (`InvalidInput`, field `force`)
   * unless `force` cancels them. Afterwards an SQLite file contains no byte of it; rewriting the file takes a while,
   * and calls wait meanwhile. Effect: the service `Retention`.
   */
  readonly erase: (
    input: Retention.EraseInput,
    options?: Checkout.CallOptions
  ) => Promise<Result<Retention.Erased, Retention.EraseError | Aborted>>
  /** This node of a cluster, as an operator sees it; null without a cluster. */
  readonly cluster: ClusterNode.ClusterNodeShape | null
  /**
   * Copies the SQLite file to `path`, which must not exist, while updates continue. Everything acknowledged before the
   * call is in the copy. It is verified and synced before it gets its name. Use it with `onelane restore`, or open it.
   *
   * **Errors**: rejects with `BackupRefused`, whose `reason` says why no backup was made.
   */
  readonly backup: (path: string) => Promise<StoreBackup.Backup>
}

/** An embedded engine with a directory. */
export interface DirectoryCheckout<F> extends EmbeddedCheckout<F> {
  readonly directory: DirectoryDoor.DirectoryDoor
}

/** Why an engine was not opened. */
export type OpenRefused = DatabaseRefused.DatabaseRefused | ClusterNode.ClusterRefused

type Served = CheckoutSessions.CheckoutSessions | Directory.Directory | Retention.Retention

// A copy: the host may change its own object afterwards.
const take = <O extends EmbeddedOptions>(options: O): O => {
  if (typeof options !== "object" || options === null) return options // reported by `check`
  const given = App.copyOf(options)
  return {
    ...given,
    retry: Options.copyOf(given.retry),
    retention: Options.copyOf(given.retention),
    cluster: Options.copyOf(given.cluster)
  }
}

const present = (bounds: Partial<Retention.Bounds> = {}): Partial<Retention.Bounds> =>
  Object.fromEntries(Object.entries(bounds).filter(([, bound]) => bound !== undefined))

/** Options that belong to one kind of storage. */
const fitting = { retention: "memory", connections: "postgres", alarmMillis: "postgres", cluster: "postgres" } as const

const kinds = { memory: '":memory:"', postgres: "postgres://…" } as const

/** Throws unless the options are valid, and fit the storage. */
const check = (given: EmbeddedOptions): void => {
  Options.check("Onelane.open", given, options)
  const fault = Storage.faultOf(given.storage)
  if (fault !== null) throw new TypeError(`Onelane.open: storage ${fault}`)
  const kind = Storage.kindOf(given.storage)
  for (const [name, fits] of Object.entries(fitting) as ReadonlyArray<[keyof typeof fitting, "memory" | "postgres"]>)
    if (given[name] !== undefined && kind !== fits)
      throw new TypeError(`Onelane.open: ${name} is for the storage ${kinds[fits]} only`)
}

type Built = Calls.Calls | Directory.Directory | CheckoutEngine.CheckoutEngine | Backups.Backups

/** The environment of an engine in tests (`@onelane/testing`). */
export interface Surroundings {
  /** The current clock, scheduler and randomness. */
  readonly layer?: Layer.Layer<never> | undefined
  /** The journal, instead of the storage's own. */
  readonly journal?: Journal.JournalShape | undefined
  /** Limits of the engine. */
  readonly engine?: Partial<EngineConfig.EngineConfig> | undefined
}

/** The calls, the directory and the engine, for copied options. */
const whole = (given: EmbeddedOptions, around: Surroundings = {}): Layer.Layer<Built, OpenRefused> =>
  Layer.suspend(() => {
    check(given)
    const { alarmMillis, cluster, connections, retry = {}, storage } = given
    const journal = around.journal === undefined ? Layer.empty : Layer.succeed(Journal.Journal, around.journal)
    const stored = Layer.merge(Stores.layer(storage, connections), journal as Layer.Layer<Stores.Stored>)
    const store = Layer.merge(stored, App.ports(given))
    const asyncContext = App.captureOf(given) ?? null
    const retention =
      storage === Storage.memory ? { ...Retention.memoryBounds, ...present(given.retention) } : undefined
    const { onEvent } = given
    const limits = {
      ...App.engineOptions(given),
      ...(alarmMillis !== undefined && { alarmMillis }),
      onEvent,
      retention,
      engine: { asyncContext, ...around.engine }
    }
    const engine: Layer.Layer<CheckoutEngine.CheckoutEngine, OpenRefused, Stores.Stored> =
      cluster === undefined
        ? Layer.scoped(CheckoutEngine.CheckoutEngine, CheckoutEngine.makeCalls(limits))
        : Layer.scopedContext(ClusterNode.make(storage, cluster, limits))
    const calls = Layer.scoped(
      Calls.Calls,
      Effect.flatMap(CheckoutEngine.CheckoutEngine, ({ calls }) =>
        Retry.makeScoped(calls, retry, false, losesAnswers(given))
      )
    )
    return calls.pipe(
      Layer.provideMerge(engine),
      Layer.provideMerge(store),
      Layer.provideMerge(around.layer ?? Layer.empty)
    )
  })

/** Whether an answer can be lost, as one of another node can be. */
const losesAnswers = ({ cluster }: EmbeddedOptions): boolean => cluster !== undefined

/** The service and its directory as a layer. Without `directory: true` the directory exists but is not used. */
export const layerWithDirectory = (options: EmbeddedOptions): Layer.Layer<Served, OpenRefused> =>
  Layer.provideMerge(Layer.merge(Calls.layerSessions, retained), whole(take(options)))

/**
 * The service in memory as a layer for the tests of an Effect program; it needs only an app. It follows the clock of
 * the test: an hour of `TestClock` costs nothing if nothing is due.
 */
export const layerTest = (app: App.App = {}): Layer.Layer<Served> =>
  Layer.orDie(layerWithDirectory({ ...app, storage: Storage.memory }))

const retained: Layer.Layer<Retention.Retention, never, CheckoutEngine.CheckoutEngine> = Layer.effect(
  Retention.Retention,
  Effect.map(CheckoutEngine.CheckoutEngine, ({ retention }) => retention)
)

/** The service as a layer. */
export const layer: (
  options: EmbeddedOptions
) => Layer.Layer<CheckoutSessions.CheckoutSessions | Retention.Retention, OpenRefused> = layerWithDirectory

/**
 * Opens an engine in this process.
 *
 * **Errors**: rejects with `DatabaseRefused` (its `reason` says why the storage was not opened), with `ClusterRefused`,
 * or with a `TypeError` for invalid options.
 */
export const open = <X extends Flow.PresetName | Flow.Flow = "b2b", D extends boolean = false>(
  options: EmbeddedOptions<X> & { readonly directory?: D | undefined }
): Promise<D extends true ? DirectoryCheckout<FlowOf<X>> : EmbeddedCheckout<FlowOf<X>>> => openIn(options, {})

/** `open`, in another environment. **Errors**: as `open`. */
export const openIn = async <X extends Flow.PresetName | Flow.Flow = "b2b", D extends boolean = false>(
  options: EmbeddedOptions<X> & { readonly directory?: D | undefined },
  around: Surroundings
): Promise<D extends true ? DirectoryCheckout<FlowOf<X>> : EmbeddedCheckout<FlowOf<X>>> => {
  const given = take(options)
  const { behind: built, context } = await Behind.build(whole(given, around), given?.logger)
  const engine = Context.get(context, CheckoutEngine.CheckoutEngine)
  const capture = around.engine?.asyncContext === null ? undefined : App.captureOf(given)
  const embeddedIn = { ...built, capture }
  const starts = Retry.makeStarts(engine, given.retry ?? {}, embeddedIn)
  const behind: Behind.Behind = { ...embeddedIn, starts: losesAnswers(given) ? Retry.keyed(starts) : starts }
  const as = (caller: Caller.Caller): Checkout.Checkout<FlowOf<X>> => {
    const given = Options.copyOf(caller)
    Options.check("as", given, callerParts)
    return Checkout.make(behind, Caller.copyOf(given))
  }
  const { retention } = engine
  const embedded: EmbeddedCheckout<FlowOf<X>> = {
    ...as(Caller.host),
    as,
    cluster: Option.getOrNull(Context.getOption(context, ClusterNode.ClusterNode)),
    backup: Backups.door(behind, Context.get(context, Backups.Backups)),
    prune: (input, options) =>
      Checkout.run(behind, () => retention.prune(Options.copyOf(input)), "unknown", options?.signal),
    erase: (input, options) =>
      Checkout.run(behind, () => retention.erase(Options.copyOf(input)), "unknown", options?.signal)
  }
  Mountable.put(embedded, { engine, behind })
  if (!given.directory) return embedded as DirectoryCheckout<FlowOf<X>>
  const door = await import("../door/DirectoryDoor.js")
  const directory = door.make(Context.get(context, Directory.Directory), behind.runtime)
  return { ...embedded, directory } as DirectoryCheckout<FlowOf<X>>
}
