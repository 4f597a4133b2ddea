/**
 * CheckoutServer: the HTTP API for three hosts: a server of `@effect/platform` (`layer`), a web-standard host (`web`)
 * and Node's HTTP server (`NodeListener` with `core`).
 */
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServer from "@effect/platform/HttpServer"
import type { CheckoutSessions } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as PlatformApp from "./adapters/PlatformApp.js"
import * as WebHandler from "./adapters/WebHandler.js"
import type { Authentication } from "./core/Authentication.js"
import * as HttpCore from "./core/HttpCore.js"

/** What a host may set. */
export type Options = HttpCore.Options

/** The core, for an adapter. Closing its scope ends the event streams. */
export const core = HttpCore.make

/** A function from `Request` to `Response`. Closing its scope ends the event streams. */
export const web = (
  options: Options = {}
): Effect.Effect<
  (request: Request) => Promise<Response>,
  never,
  CheckoutSessions.CheckoutSessions | Authentication | Scope.Scope
> => Effect.map(HttpCore.make(options), WebHandler.make)

/** Serves on the `HttpServer` in the context. The core traces requests; the platform does not. */
export const layer = (
  options: Options = {}
): Layer.Layer<never, never, HttpServer.HttpServer | CheckoutSessions.CheckoutSessions | Authentication> =>
  Layer.unwrapScoped(Effect.map(HttpCore.make(options), (made) => HttpServer.serve(PlatformApp.make(made)))).pipe(
    HttpMiddleware.withTracerDisabledWhen(() => true)
  )
