/**
 * CheckoutServer: both lanes and the documentation behind one door, for any server of `@effect/platform`.
 *
 * Owns the order of the first checks: token, then route, method, media type, size, JSON (SEMANTICS §3, step 0); every
 * error has a body in the format of its lane. Does not own the listener: ports, time-outs, connections are the host's.
 *
 * A caller who hangs up interrupts its call; the service then drops it or, once its turn has begun, finishes it.
 */
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { CheckoutSessions, Flow } from "@onelane/checkout"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as AdapterError from "./AdapterError.js"
import * as Admission from "./Admission.js"
import { Authentication, type AuthenticationShape } from "./Authentication.js"
import * as Cors from "./Cors.js"
import type * as Documentation from "./Documentation.js"
import * as DoorMetrics from "./DoorMetrics.js"
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
}

/** Answers requests, whichever server heard them. Never fails. The scope is that of the request, its stream included. */
export type Door = (request: WireRequest.WireRequest) => Effect.Effect<WireAnswer.WireAnswer, never, Scope.Scope>

/** Makes the door. Closing its scope ends the event streams; their clients come back to another server. */
export const make = (
  options: Options = {}
): Effect.Effect<Door, never, CheckoutSessions.CheckoutSessions | Authentication | Scope.Scope> =>
  Effect.gen(function* () {
    const service = yield* CheckoutSessions.CheckoutSessions
    const sessions = options.tracing === true ? Tracing.sessions(service) : service
    const limits = { ...HttpLimits.defaults, ...options.limits }
    const admission = Admission.make(limits)
    const metrics = options.metrics ?? DoorMetrics.make()
    metrics.inside = admission.now
    const parts: Parts = {
      authentication: yield* Authentication,
      admission,
      metrics,
      clock: yield* Clock.clockWith(Effect.succeed)
    }
    const closed = yield* Effect.acquireRelease(Deferred.make<void>(), (closed) => Deferred.succeed(closed, undefined))
    const { heartbeatMillis } = limits
    const streams = { heartbeatMillis, closed: Deferred.await(closed), take: admission.stream }
    const native = guarded(parts, NativeLane.make(sessions, limits, streams))
    const standard = guarded(
      parts,
      StandardActions.make(sessions, options.flow ?? Flow.b2b, limits, (error) =>
        DoorMetrics.countRefusal(metrics, error)
      )
    )
    const hosts = (options.lanes ?? []).map(({ prefix, lane }) => ({ prefix, door: guarded(parts, lane) }))
    const open = opened({ ...(yield* documentation(options)), ...options.pages })
    return Cors.allow(options.corsOrigins ?? [], (request) => {
      if (request.path.startsWith("/v1/")) return native(request)
      if (request.path === "/services/data" || request.path.startsWith("/services/data/")) return standard(request)
      const host = hosts.find(({ prefix }) => request.path.startsWith(prefix))
      return host === undefined ? open(request) : host.door(request)
    })
  })

interface Parts {
  readonly authentication: AuthenticationShape
  readonly admission: Admission.Admission
  readonly metrics: DoorMetrics.DoorMetrics
  readonly clock: Clock.Clock
}

type Refusal = Parameters<Lane["refuse"]>[0]

/** Puts the limits and the token before a lane, and the lane's own format around everything that goes wrong in it. */
const guarded = ({ admission, authentication, clock, metrics }: Parts, lane: Lane): Door => {
  const refuse = (error: Refusal, request: WireRequest.WireRequest): WireAnswer.WireAnswer => {
    DoorMetrics.countRefusal(metrics, error)
    return lane.refuse(error, request)
  }
  const served: Door = (request) => {
    const token = WireRequest.bearerOf(request)
    if (token === undefined) return Effect.succeed(refuse(AdapterError.tokenMissing, request))
    return authenticated(authentication, token, request).pipe(
      Effect.flatMap((caller) => {
        const refused = admission.call(caller, clock.unsafeCurrentTimeMillis())
        return refused === null ? lane.serve(caller, admitted(admission, request)) : Effect.fail(refused)
      }),
      Effect.catchAll((error) => Effect.sync(() => refuse(error, request))),
      Effect.catchAllDefect((cause) =>
        Effect.as(
          RequestLog.about(Effect.logError("A request died", Cause.die(cause)), request),
          refuse(WireError.defect(request.method === "POST" ? "unknown" : "no"), request)
        )
      )
    )
  }
  return (request) => admission.request(served(request), () => refuse(AdapterError.overloaded, request))
}

const authenticated = (authentication: AuthenticationShape, token: string, request: WireRequest.WireRequest) =>
  Effect.catchTags(authentication.authenticate(token), {
    TokenRefused: ({ final, reason }) =>
      Effect.zipRight(
        RequestLog.about(Effect.annotateLogs(Effect.logInfo("Token refused"), { reason }), request),
        Effect.fail(AdapterError.tokenRefused(final))
      ),
    PortUnavailable: ({ cause, port }) =>
      Effect.zipRight(
        RequestLog.about(Effect.logWarning(`${port} gave no answer`, String(cause)), request),
        Effect.fail(AdapterError.authenticationUnavailable)
      )
  })

/** The request, its body counted while it is read. */
const admitted = (admission: Admission.Admission, request: WireRequest.WireRequest): WireRequest.WireRequest =>
  request.method === "POST"
    ? {
        ...request,
        text: (maxBytes) => {
          const length = Number(request.headers["content-length"] ?? maxBytes)
          return admission.body(length > maxBytes ? 0 : length, request.text(maxBytes))
        }
      }
    : request

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

/** The door as an app of `@effect/platform`. */
export const httpApp = (options: Options = {}) =>
  Effect.map(make(options), (door) => {
    const answered = RequestLog.around(door, options)
    return Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
      Effect.map(Effect.interruptible(answered(fromPlatform(request))), toPlatform)
    )
  })

/** Serves the door on the `HttpServer` in force. */
export const layer = (
  options: Options = {}
): Layer.Layer<never, never, HttpServer.HttpServer | CheckoutSessions.CheckoutSessions | Authentication> =>
  Layer.unwrapScoped(Effect.map(httpApp(options), (app) => HttpServer.serve(app))).pipe(
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
