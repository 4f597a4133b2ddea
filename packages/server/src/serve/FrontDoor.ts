/**
 * FrontDoor: assembles the HTTP side of a server from its settings: authentication, admission limits, logs, metrics,
 * pages. Each part is a file of its own.
 */
import type { Server } from "node:http"
import { Access, CheckoutEngine, CheckoutSessions, type Flow, type Retention } from "@onelane/checkout"
import type { Cluster } from "@onelane/cluster"
import { Journal } from "@onelane/engine"
import { CheckoutServer, DoorMetrics } from "@onelane/http"
import { StoreHealth } from "@onelane/sql"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Identity from "../identity/Identity.js"
import type { SettingRefused } from "../identity/JwtKeys.js"
import * as Admin from "../operations/Admin.js"
import * as AdminFormat from "../operations/AdminFormat.js"
import * as BackupFolder from "../operations/BackupFolder.js"
import * as ConsoleFormat from "../operations/ConsoleFormat.js"
import * as Logs from "../operations/Logs.js"
import * as Operations from "../operations/Operations.js"
import * as Running from "../operations/Running.js"
import * as Samples from "../operations/Samples.js"
import { isLoopback } from "../settings/DoorSettings.js"
import type { ServeConfig } from "../settings/ServeConfig.js"
import * as Listener from "./Listener.js"
import type * as Store from "./Store.js"

/** The parts of the server behind the HTTP side. */
export interface Behind {
  readonly flow: Flow.Flow
  readonly engine: Context.Context<
    CheckoutSessions.CheckoutSessions | CheckoutEngine.CheckoutEngine | Retention.Retention
  >
  /** The node in its cluster; null: no cluster. */
  readonly cluster: Cluster.ClusterShape | null
  readonly kept: Context.Context<Store.Kept | Journal.Journal>
  /** Why the last commit failed; null if it succeeded. */
  readonly failing: () => string | null
  /** Why no traffic should be sent here; null if it should. */
  readonly refusing: () => string | null
}

/** Connects it to a listener until the scope closes. */
export const open = (
  listener: Server,
  config: ServeConfig,
  behind: Behind
): Effect.Effect<void, SettingRefused, Scope.Scope> => {
  const { engine, failing, flow, kept, refusing } = behind
  const { backupFolder, door, host, tokens } = config
  const counted = DoorMetrics.make()
  const { metrics, startUpdate } = Context.get(engine, CheckoutEngine.CheckoutEngine)
  const parts: Operations.Parts = {
    journal: Context.get(kept, Journal.Journal),
    access: Context.get(kept, Access.Access),
    failing,
    refusing,
    samples: () => Samples.read(metrics, counted, Context.get(kept, StoreHealth.StoreHealth))
  }
  const metricsFor = door.metricsFor ?? (isLoopback(host) ? "everybody" : "operators")
  const opened = Effect.gen(function* () {
    const operated = Context.merge(engine, kept).pipe(
      Context.add(BackupFolder.BackupFolder, backupFolder),
      Context.add(Running.Running, runningOf(listener, behind, counted, yield* Clock.currentTimeMillis))
    )
    const formats = [{ prefix: Admin.prefix, format: AdminFormat.make(operated) }]
    if (!config.noConsole)
      formats.push({ prefix: ConsoleFormat.path, format: ConsoleFormat.make(yield* consoleAssets) })
    if (metricsFor === "operators") formats.push({ prefix: "/metrics", format: Operations.metricsFormat(parts) })
    const identity = yield* Layer.build(Identity.layer({ ...door, tokens }))
    const core = CheckoutServer.core({
      flow,
      limits: door.limits,
      formats,
      pages: Operations.pages(parts, metricsFor),
      metrics: counted,
      corsOrigins: door.corsOrigins,
      logRequests: door.logRequests && (yield* logOf(door)),
      tracing: door.otlp === null ? false : door.traceRatio,
      additions,
      startUpdate
    })
    yield* Listener.answer(listener, yield* Effect.provide(core, identity), door.limits)
  }).pipe(Effect.provide(Context.merge(engine, kept)))
  return door.otlp === null ? opened : Effect.zipRight(opened, fed(parts))
}

const runningOf = (
  listener: Server,
  { cluster, engine, flow, kept }: Behind,
  door: DoorMetrics.DoorMetrics,
  startedAt: number
): Running.RunningServer => {
  const { inspect, metrics } = Context.get(engine, CheckoutEngine.CheckoutEngine)
  const node = cluster === null ? () => new URL(Listener.urlOf(listener)).host : () => nameOf(cluster.address)
  const alone = (id: string) => Effect.sync(() => ({ found: [{ node: node(), inspection: inspect(id) }], missing: [] }))
  return {
    node,
    startedAt,
    sessions: Context.get(engine, CheckoutSessions.CheckoutSessions),
    flow,
    metrics,
    door,
    store: Context.get(kept, StoreHealth.StoreHealth),
    inspect: cluster === null ? alone : cluster.inspect,
    cluster: () =>
      cluster === null ? null : { nodes: cluster.nodes(), heldShards: cluster.heldShards(), shards: cluster.shards }
  }
}

const nameOf = ({ host, port }: Cluster.ClusterShape["address"]): string => `${host}:${port}`

// Without the console package there is no page.
const consoleAssets = Effect.orElseSucceed(
  Effect.tryPromise(() => import("@onelane/console").then(({ assets }) => assets)),
  (): ReadonlyArray<ConsoleFormat.Asset> => []
)

const logOf = ({ logFormat, logLevel }: ServeConfig["door"]) =>
  Effect.map(Logs.requestsAndMore(logLevel, logFormat), (sink) => sink ?? false)

const additions = Effect.map(
  Effect.promise(() => import("../operations/AdminApi.js")),
  ({ additions }) => additions
)

const fed = ({ samples }: Operations.Parts): Effect.Effect<void, never, Scope.Scope> =>
  Effect.flatMap(
    Effect.promise(() => import("../operations/Telemetry.js")),
    ({ feed }) => feed(samples)
  )
