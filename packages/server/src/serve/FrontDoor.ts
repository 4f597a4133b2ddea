/**
 * FrontDoor: the door of a server as its settings say: who is let in, how much at once, what is told to those who run it.
 * Owns the putting together; each part is a file of its own.
 */
import type { Server } from "node:http"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import { Access, CheckoutEngine, type CheckoutSessions, Flow } from "@onelane/checkout"
import { Journal } from "@onelane/engine"
import { CheckoutServer, DoorMetrics } from "@onelane/http"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Identity from "../identity/Identity.js"
import type { SettingRefused } from "../identity/JwtKeys.js"
import * as Admin from "../operations/Admin.js"
import * as AdminLane from "../operations/AdminLane.js"
import * as Operations from "../operations/Operations.js"
import * as Samples from "../operations/Samples.js"
import { isLoopback } from "../settings/DoorSettings.js"
import type { ServeConfig } from "../settings/ServeConfig.js"
import * as Listener from "./Listener.js"
import type * as Store from "./Store.js"

/** What stands behind the door. */
export interface Behind {
  readonly engine: Context.Context<CheckoutSessions.CheckoutSessions | CheckoutEngine.CheckoutEngine>
  readonly kept: Context.Context<Store.Kept | Journal.Journal>
  /** Why no work should be sent here; null when it should. */
  readonly refusing: () => string | null
}

/** Puts the door on a listener, until the scope closes. */
export const open = (
  listener: Server,
  config: ServeConfig,
  { engine, kept, refusing }: Behind
): Effect.Effect<void, SettingRefused, Scope.Scope> => {
  const { door, flow, host, tokens } = config
  const counted = DoorMetrics.make()
  const { metrics, updateNow } = Context.get(engine, CheckoutEngine.CheckoutEngine)
  const parts: Operations.Parts = {
    journal: Context.get(kept, Journal.Journal),
    access: Context.get(kept, Access.Access),
    refusing,
    samples: () => Samples.read(metrics, counted)
  }
  const metricsFor = door.metricsFor ?? (isLoopback(host) ? "everybody" : "operators")
  const lanes = [{ prefix: Admin.prefix, lane: AdminLane.make(kept, door.limits) }]
  if (metricsFor === "operators") lanes.push({ prefix: "/metrics", lane: Operations.metricsLane(parts) })
  const ways = CheckoutServer.ways({
    flow: Flow.presets[flow],
    limits: door.limits,
    lanes,
    pages: Operations.pages(parts, metricsFor),
    metrics: counted,
    corsOrigins: door.corsOrigins,
    logRequests: door.logRequests,
    tracing: door.otlp !== null,
    additions,
    // A node among others has the turns of some sessions only.
    updateNow: config.cluster === null ? updateNow : undefined
  })
  const opened = Effect.gen(function* () {
    const identity = yield* Layer.build(Identity.layer({ ...door, tokens }))
    yield* Listener.answer(listener, yield* Effect.provide(ways, identity))
  }).pipe(
    HttpMiddleware.withTracerDisabledWhenEffect(() => door.otlp === null),
    Effect.provide(Context.merge(engine, kept))
  )
  return door.otlp === null ? opened : Effect.zipRight(opened, fed(parts))
}

const additions = Effect.map(
  Effect.promise(() => import("../operations/AdminApi.js")),
  ({ additions }) => additions
)

const fed = ({ samples }: Operations.Parts): Effect.Effect<void, never, Scope.Scope> =>
  Effect.flatMap(
    Effect.promise(() => import("../operations/Telemetry.js")),
    ({ feed }) => feed(samples)
  )
