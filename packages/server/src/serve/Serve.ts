/**
 * Serve: the composition root of `onelane serve`. Opens store, directory, engine and listener in this order and closes
 * them in reverse, so that no promised answer is lost.
 */
import type * as HttpServerError from "@effect/platform/HttpServerError"
import { type Access, type Carts, CheckoutEngine, Retention } from "@onelane/checkout"
import type { PeerServer } from "@onelane/cluster"
import type { Directory } from "@onelane/directory"
import { Journal } from "@onelane/engine"
import * as App from "@onelane/sdk/app"
import { type DatabaseRefused, Storage } from "@onelane/sql"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { SettingRefused } from "../identity/JwtKeys.js"
import * as Logs from "../operations/Logs.js"
import * as Seed from "../operations/Seed.js"
import type { ServeConfig } from "../settings/ServeConfig.js"
import * as Commits from "./Commits.js"
import * as Fence from "./Fence.js"
import * as FrontDoor from "./FrontDoor.js"
import * as Listener from "./Listener.js"
import * as Node from "./Node.js"
import * as Store from "./Store.js"

/** A database server recovers by itself; only a file that this process owns is fenced. */
const store = (storage: string, fenced: Deferred.Deferred<never, Fence.StoreFenced>) =>
  Storage.isServer(storage) ? Store.layer(storage) : Fence.layer(fenced).pipe(Layer.provideMerge(Store.layer(storage)))

/** Why serving ended or did not start. */
export type ServeFailure =
  | Fence.StoreFenced
  | DatabaseRefused.DatabaseRefused
  | HttpServerError.ServeError
  | PeerServer.NodeRefused
  | Access.PortUnavailable
  | Directory.UnknownEntry
  | SettingRefused

/**
 * Serves until it is interrupted (it then finishes what has started) or the store is fenced. `onListening` gets the URL
 * once requests are answered. `app`: what to serve; by default the flow of the settings, and the rights of the
 * directory.
 */
export const serve = (
  config: ServeConfig,
  onListening: (url: string) => Effect.Effect<void>,
  app: App.App = { flow: config.flow, directory: true }
): Effect.Effect<never, ServeFailure> =>
  Effect.gen(function* () {
    const fenced = yield* Deferred.make<never, Fence.StoreFenced>()
    const opened = yield* Layer.build(store(config.storage, fenced))
    const commits = yield* Commits.watch(Context.get(opened, Journal.Journal))
    const watched = Context.add(opened, Journal.Journal, commits.journal)
    const kept = config.door.otlp === null ? watched : yield* traced(watched, config.door.traceRatio)
    const stored = Context.merge(kept, yield* Layer.build(App.ports(app)))
    if (config.seed !== null) yield* Effect.provide(Seed.put(config.seed), stored)
    const { limits } = config.door
    const retention = config.storage === ":memory:" ? Retention.memoryBounds : undefined
    const options = { ...App.engineOptions(app), attempts: true, retention, engine: mailboxes(limits) }
    const { cluster, context: engine, isReady } = yield* Effect.provide(Node.make(config, options), stored)
    const listener = yield* Listener.make(limits)
    let ending = false
    const refusing = (): string | null => (ending ? "ending" : isReady() ? null : "joining")
    const flow = App.flowOf(app)
    yield* FrontDoor.open(listener, config, { flow, engine, cluster, failing: commits.failing, kept: stored, refusing })
    yield* Listener.listen(listener, config.host, config.port)
    const { drain } = Context.get(engine, CheckoutEngine.CheckoutEngine)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        ending = true
      }).pipe(
        Effect.zipRight(Listener.leave(listener)),
        Effect.zipRight(Effect.sleep(limits.farewellMillis)),
        Effect.zipRight(drain),
        Effect.zipRight(Listener.close(listener, limits))
      )
    )
    yield* onListening(Listener.urlOf(listener))
    return yield* Deferred.await(fenced)
  }).pipe(Effect.scoped, Effect.provide(observed(config)))

const mailboxes = ({ mailboxCapacity, systemCapacity }: ServeConfig["door"]["limits"]) => ({
  mailboxCapacity,
  systemCapacity
})

/** Logs, and traces if configured: the tracing library is loaded only then, and the tracer is disabled otherwise. */
const observed = ({ door }: ServeConfig): Layer.Layer<never> => {
  const logs = Logs.layer(door.logLevel, door.logFormat)
  const { otlp } = door
  if (otlp === null) return Layer.merge(logs, Layer.setTracerEnabled(false))
  return Layer.provideMerge(Layer.unwrapEffect(Effect.map(telemetry, ({ layer }) => layer(otlp))), logs)
}

const telemetry = Effect.promise(() => import("../operations/Telemetry.js"))

/** The store with a traced journal. */
const traced = (kept: Context.Context<Store.Kept | Carts.Carts | Journal.Journal>, ratio: number) =>
  Effect.map(telemetry, ({ traced }) =>
    Context.add(kept, Journal.Journal, traced(Context.get(kept, Journal.Journal), ratio))
  )
