/**
 * Serve: the composition root of `onelane serve`, in the order in which things are opened: store, directory, engine,
 * listener. They close in the reverse order, so that nobody who was promised an answer loses it.
 */
import type * as HttpServerError from "@effect/platform/HttpServerError"
import { type Access, CheckoutEngine, type CheckoutSessions, type Directory, Flow } from "@onelane/checkout"
import type { PeerServer } from "@onelane/cluster"
import { Authentication, CheckoutServer } from "@onelane/http"
import type { DatabaseRefused } from "@onelane/sql"
import { Context, Deferred, Effect, Layer } from "effect"
import * as Admin from "./Admin.js"
import * as AdminLane from "./AdminLane.js"
import * as Fence from "./Fence.js"
import * as Listener from "./Listener.js"
import * as Node from "./Node.js"
import * as Seed from "./Seed.js"
import type { ServeConfig } from "./ServeConfig.js"
import * as Store from "./Store.js"
import * as Tokens from "./Tokens.js"

/** A database server heals by itself; only a file that is ours alone is fenced. */
const store = (storage: string, fenced: Deferred.Deferred<never, Fence.StoreFenced>) =>
  Store.isServer(storage) ? Store.layer(storage) : Fence.layer(fenced).pipe(Layer.provideMerge(Store.layer(storage)))

const door = (
  { flow, tokens }: ServeConfig,
  sessions: Context.Context<CheckoutSessions.CheckoutSessions>,
  kept: Context.Context<Store.Kept>
) =>
  CheckoutServer.layer({
    flow: Flow.presets[flow],
    lanes: [{ prefix: Admin.prefix, lane: AdminLane.make(kept) }]
  }).pipe(
    Layer.provide(Authentication.layerStatic(Tokens.callersOf(tokens))),
    Layer.provide(Layer.succeedContext(sessions))
  )

/** Why serving ended, or never began. */
export type ServeFailure =
  | Fence.StoreFenced
  | DatabaseRefused.DatabaseRefused
  | HttpServerError.ServeError
  | PeerServer.NodeRefused
  | Access.PortUnavailable
  | Directory.UnknownEntry

/**
 * Serves until it is interrupted (it then finishes what has begun) or the store fences itself.
 * `onListening` is given the url once requests are answered.
 */
export const serve = (
  config: ServeConfig,
  onListening: (url: string) => Effect.Effect<void>
): Effect.Effect<never, ServeFailure> =>
  Effect.gen(function* () {
    const fenced = yield* Deferred.make<never, Fence.StoreFenced>()
    const stored = yield* Layer.build(store(config.storage, fenced))
    if (config.seed !== null) yield* Effect.provide(Seed.put(config.seed), stored)
    const { context: engine } = yield* Effect.provide(Node.make(config, { flow: Flow.presets[config.flow] }), stored)
    const listener = yield* Listener.make
    const http = Listener.layer(listener, config.host, config.port)
    yield* Layer.build(Layer.provide(door(config, engine, stored), http))
    const { drain } = Context.get(engine, CheckoutEngine.CheckoutEngine)
    yield* Effect.addFinalizer(() => Effect.zipRight(drain, Listener.close(listener)))
    yield* onListening(Listener.urlOf(listener))
    return yield* Deferred.await(fenced)
  }).pipe(Effect.scoped)
