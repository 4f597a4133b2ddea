/**
 * CheckoutServer: both lanes and the documentation behind one door, for any server of `@effect/platform`.
 *
 * Owns the order of the first checks: token, then route, method, media type, size, JSON (SEMANTICS §3, step 0); every
 * error has a body in the format of its lane. Does not own the listener: ports, time-outs, connections are the host's.
 *
 * A caller who hangs up interrupts its call; the service then drops it or, once its turn has begun, finishes it.
 */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { type CheckoutEngine, CheckoutSessions, Flow } from "@onelane/checkout"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as AdapterError from "./AdapterError.js"
import * as Admission from "./Admission.js"
import { Authentication } from "./Authentication.js"
import * as Cors from "./Cors.js"
import type * as Documentation from "./Documentation.js"
import * as DoorMetrics from "./DoorMetrics.js"
import * as GuardedLane from "./GuardedLane.js"
import * as HotLane from "./HotLane.js"
import * as HttpLimits from "./HttpLimits.js"
import type { Lane } from "./Lane.js"
import * as NativeLane from "./NativeLane.js"
import * as RequestLog from "./RequestLog.js"
import * as StandardActions from "./StandardActions.js"
import type * as StandardDescribe from "./StandardDescribe.js"
import * as Tracing from "./Tracing.js"
import type * as WireAnswer from "./WireAnswer.js"
import * as WireError from "./WireError.js"
import * as WireRequest from "./WireRequest.js"

/** What a host may set. */
export interface Options {
  /** The flow the service runs, for the pick lists of the describe route. Default `Flow.b2b`. */
  readonly flow?: StandardDescribe.States | undefined
  /** Bounds that differ from `HttpLimits.defaults`. */
  readonly limits?: Partial<HttpLimits.HttpLimits> | undefined
  /** Spans for each request and its calls of the service. Default false: they are the largest single cost of a request. */
  readonly tracing?: boolean | undefined
  /** A line in the log for each request. Default false. */
  readonly logRequests?: boolean | undefined
  /** Origins whose pages may call from a browser. Default none. */
  readonly corsOrigins?: ReadonlyArray<string> | undefined
  /** Where to count. */
  readonly metrics?: DoorMetrics.DoorMetrics | undefined
  /** The host's own pages, open to everybody: path to answer, `GET` only. */
  readonly pages?: Readonly<Record<string, Effect.Effect<WireAnswer.WireAnswer>>> | undefined
  /** The host's own lanes, behind the same token, each under a prefix that ends in `/`. */
  readonly lanes?: ReadonlyArray<{ readonly prefix: string; readonly lane: Lane }> | undefined
  /** What the document says of them. Asked when somebody first reads it. */
  readonly additions?: Effect.Effect<Documentation.Additions> | undefined
  /** The way of an update without a fiber, where the service is an engine in this process. */
  readonly updateNow?: CheckoutEngine.CheckoutEngineShape["updateNow"] | undefined
}

/** Answers requests, whichever server heard them. Never fails. The scope is that of the request, its stream included. */
export type Door = (request: WireRequest.WireRequest) => Effect.Effect<WireAnswer.WireAnswer, never, Scope.Scope>

/** Makes the door. Closing its scope ends the event streams; their clients come back to another server. */
export const make = (
  options: Options = {}
): Effect.Effect<Door, never, CheckoutSessions.CheckoutSessions | Authentication | Scope.Scope> =>
  Effect.map(build(options), ({ door }) => door)

const build = (options: Options) =>
  Effect.gen(function* () {
    const service = yield* CheckoutSessions.CheckoutSessions
    const sessions = options.tracing === true ? Tracing.sessions(service) : service
    const limits = { ...HttpLimits.defaults, ...options.limits }
    const admission = Admission.make(limits)
    const metrics = options.metrics ?? DoorMetrics.make()
    metrics.inside = admission.now
    const parts: GuardedLane.Parts = {
      authentication: yield* Authentication,
      admission,
      metrics,
      clock: yield* Clock.clockWith(Effect.succeed)
    }
    const closed = yield* Effect.acquireRelease(Deferred.make<void>(), (closed) => Deferred.succeed(closed, undefined))
    const { heartbeatMillis } = limits
    const streams = { heartbeatMillis, closed: Deferred.await(closed), take: admission.stream }
    const native = GuardedLane.make(parts, NativeLane.make(sessions, limits, streams))
    const standard = GuardedLane.make(
      parts,
      StandardActions.make(sessions, options.flow ?? Flow.b2b, limits, (error) =>
        DoorMetrics.countRefusal(metrics, error)
      )
    )
    const hosts = (options.lanes ?? []).map(({ prefix, lane }) => ({
      prefix,
      door: GuardedLane.make(parts, lane).door
    }))
    const open = opened({ ...(yield* documentation(options)), ...options.pages })
    const door = Cors.allow(options.corsOrigins ?? [], (request) => {
      if (request.path.startsWith("/v1/")) return native.door(request)
      if (request.path === "/services/data" || request.path.startsWith("/services/data/")) return standard.door(request)
      const host = hosts.find(({ prefix }) => request.path.startsWith(prefix))
      return host === undefined ? open(request) : host.door(request)
    })
    return { door, parts: { ...parts, limits }, lanes: [native, standard] }
  })

type Pages = NonNullable<Options["pages"]>

const noAdditions = Effect.succeed<Documentation.Additions>({ groups: [], bodies: {}, open: [] })

const documentation = ({ additions = noAdditions }: Options): Effect.Effect<Pages> =>
  Effect.map(
    Effect.cached(
      Effect.flatMap(
        Effect.promise(() => import("./Documentation.js")),
        ({ make }) => Effect.flatMap(additions, make)
      )
    ),
    (made) => ({
      "/openapi.json": Effect.map(made, ({ openApi }) => openApi),
      "/docs": Effect.map(made, ({ page }) => page)
    })
  )

const opened = (pages: Pages): Door => {
  const routes = Object.keys(pages).map((path) => WireRequest.route(path, "GET", path))
  return (request) =>
    Effect.catchAll(
      Effect.flatMap(WireRequest.match(routes, request), ({ name }) => pages[name]!),
      (error) => Effect.succeed(WireError.problem(error))
    )
}

/** The two ways in that a listener of Node can offer. */
export interface Ways {
  /** The door as an app of `@effect/platform`. */
  readonly app: HttpApp.Default<never, Scope.Scope>
  /** Takes updates before the app gets to see them. Null without `updateNow`, or when requests are logged or traced. */
  readonly hot: HotLane.HotLane | null
}

/** Makes both. */
export const ways = (
  options: Options = {}
): Effect.Effect<Ways, never, CheckoutSessions.CheckoutSessions | Authentication | Scope.Scope> =>
  Effect.gen(function* () {
    const { door, lanes, parts } = yield* build(options)
    const answered = RequestLog.around(door, options)
    const app = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
      Effect.map(Effect.interruptible(answered(fromPlatform(request))), toPlatform)
    )
    const { logRequests, tracing, updateNow } = options
    if (updateNow === undefined || logRequests === true || tracing === true) return { app, hot: null }
    const headersFor = Cors.headersFor(options.corsOrigins ?? [])
    const runtime = yield* Effect.runtime<never>()
    return { app, hot: HotLane.make({ ...parts, lanes, updateNow, headersFor, runtime }) }
  })

/** Serves the door on the `HttpServer` in force. */
export const layer = (
  options: Options = {}
): Layer.Layer<never, never, HttpServer.HttpServer | CheckoutSessions.CheckoutSessions | Authentication> =>
  Layer.unwrapScoped(Effect.map(ways(options), ({ app }) => HttpServer.serve(app))).pipe(
    HttpMiddleware.withTracerDisabledWhen(() => options.tracing !== true)
  )

const fromPlatform = (request: HttpServerRequest.HttpServerRequest): WireRequest.WireRequest => ({
  method: request.method,
  ...WireRequest.splitTarget(request.url),
  headers: request.headers,
  text: (maxBytes) => {
    const length = request.headers["content-length"]
    if (length === undefined) return textOf(request.stream, maxBytes)
    if (Number(length) > maxBytes) return Effect.fail(AdapterError.bodyTooLarge(maxBytes))
    return Effect.mapError(request.text, () => AdapterError.bodyBroken)
  }
})

/** Reads a body that does not say how long it is. What is over the limit is read and dropped, up to four times the limit. */
const textOf = <E>(
  body: Stream.Stream<Uint8Array, E>,
  maxBytes: number
): Effect.Effect<string, AdapterError.AdapterError> => {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
  return Stream.runFoldWhile(
    body,
    { bytes: 0, text: "" },
    ({ bytes }) => bytes <= 4 * maxBytes,
    (read, chunk) => {
      const bytes = read.bytes + chunk.length
      return { bytes, text: bytes > maxBytes ? "" : read.text + decoder.decode(chunk, { stream: true }) }
    }
  ).pipe(
    Effect.mapError(() => AdapterError.bodyBroken),
    Effect.flatMap(({ bytes, text }) =>
      bytes > maxBytes ? Effect.fail(AdapterError.bodyTooLarge(maxBytes)) : Effect.succeed(text + decoder.decode())
    )
  )
}

const toPlatform = ({ status, headers, body }: WireAnswer.WireAnswer): HttpServerResponse.HttpServerResponse => {
  if (body === "") return HttpServerResponse.empty({ status, headers })
  const contentType = headers["content-type"] ?? "application/octet-stream"
  return typeof body === "string"
    ? HttpServerResponse.text(body, { status, headers, contentType })
    : HttpServerResponse.stream(Stream.encodeText(body), { status, headers, contentType })
}
