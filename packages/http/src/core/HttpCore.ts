/**
 * HttpCore: turns a request into its answer, for every route and every listener (`adapters/`): both formats, the host's
 * formats and pages, and the documentation.
 *
 * Owns which format answers a path. `Exchange` checks the request; the listener owns ports, timeouts and connections.
 */
import { type CheckoutEngine, CheckoutSessions, Flow } from "@onelane/checkout"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type * as Documentation from "../contract/Documentation.js"
import * as WireError from "../contract/WireError.js"
import * as NativeFormat from "../formats/NativeFormat.js"
import * as SessionEvents from "../formats/SessionEvents.js"
import * as StandardActions from "../formats/StandardActions.js"
import type * as StandardDescribe from "../formats/StandardDescribe.js"
import type { Operation, WireFormat } from "../formats/WireFormat.js"
import * as Admission from "./Admission.js"
import { Authentication } from "./Authentication.js"
import * as Cors from "./Cors.js"
import * as Documents from "./Documents.js"
import * as DoorMetrics from "./DoorMetrics.js"
import * as Exchange from "./Exchange.js"
import * as HttpLimits from "./HttpLimits.js"
import * as PulledStreams from "./PulledStreams.js"
import * as RequestLog from "./RequestLog.js"
import * as SharedPage from "./SharedPage.js"
import * as TokenVigil from "./TokenVigil.js"
import * as Tracing from "./Tracing.js"
import * as WireAnswer from "./WireAnswer.js"
import * as WireRequest from "./WireRequest.js"

/** What a host may set. */
export interface Options {
  /** The flow the service runs, for the pick lists of the describe route. Default `Flow.b2b`. */
  readonly flow?: StandardDescribe.States | undefined
  /** Bounds that differ from `HttpLimits.defaults`. */
  readonly limits?: Partial<HttpLimits.HttpLimits> | undefined
  /**
   * The share of requests that get spans from the current tracer, 0 to 1; true is 1. It applies to requests without a
   * `traceparent`; otherwise the flag of that header decides. Default false: no tracing.
   */
  readonly tracing?: boolean | number | undefined
  /** Whether to log each request: true uses the current loggers, a sink receives the lines. Default false. */
  readonly logRequests?: boolean | RequestLog.Sink | undefined
  /** Origins whose pages may call from a browser. Default none. */
  readonly corsOrigins?: ReadonlyArray<string> | undefined
  /** The metrics to update. */
  readonly metrics?: DoorMetrics.DoorMetrics | undefined
  /** The host's own pages, `GET` only, without a token: path to answer. */
  readonly pages?: Pages | undefined
  /** The host's own formats, with the same authentication, each for the paths that begin with its prefix. */
  readonly formats?: ReadonlyArray<{ readonly prefix: string; readonly format: WireFormat }> | undefined
  /** Their part of the OpenAPI document. Run on the first request for it. */
  readonly additions?: Effect.Effect<Documentation.Additions> | undefined
  /** Whether the service is shutting down: every request is then refused with that reason. Default: never. */
  readonly isClosing?: (() => boolean) | undefined
  /** Runs updates without a fiber, if the service is an engine in this process. */
  readonly startUpdate?: CheckoutEngine.CheckoutEngineShape["startUpdate"] | undefined
}

type Pages = Readonly<Record<string, Effect.Effect<WireAnswer.WireAnswer>>>

/**
 * Answers a request: `onAnswer` is called once, synchronously or later. Call the returned function when the client
 * disconnects: the request is cancelled, or finishes if its turn has begun, and is not answered. The rest of its body
 * is the adapter's concern.
 */
export type HttpCore = (request: WireRequest.WireRequest, onAnswer: Exchange.OnAnswer) => () => void

/** Creates the core. Closing the scope ends the event streams; their clients reconnect to another server. */
export const make = (
  options: Options = {}
): Effect.Effect<HttpCore, never, CheckoutSessions.CheckoutSessions | Authentication | Scope.Scope> =>
  Effect.gen(function* () {
    const limits = { ...HttpLimits.defaults, ...options.limits }
    const metrics = options.metrics ?? DoorMetrics.make()
    const admission = Admission.make(limits)
    metrics.inside = admission.now
    const cors = Cors.make(options.corsOrigins ?? [])
    const parts: Exchange.Parts = {
      sessions: yield* CheckoutSessions.CheckoutSessions,
      startUpdate: options.startUpdate ?? null,
      authentication: yield* Authentication,
      admission,
      metrics,
      limits,
      clock: yield* Clock.clockWith(Effect.succeed),
      runtime: yield* Effect.runtime<never>(),
      ...(yield* told(options)),
      isClosing: options.isClosing ?? null,
      headersFor: cors === null ? null : cors.headersFor
    }
    const tokens = yield* TokenVigil.make(parts.authentication)
    const pulled = yield* PulledStreams.make(SessionEvents.heartbeat, SessionEvents.farewell, limits.heartbeatMillis)
    const formatOf = router(
      NativeFormat.make({ pulled, admission, tokens }),
      StandardActions.make(options.flow ?? Flow.b2b, limits, (error) => DoorMetrics.countRefusal(metrics, error)),
      options.formats ?? [],
      openPages(options.pages ?? {}, yield* Documents.make(options.additions ?? noAdditions))
    )
    return (request, onAnswer) => {
      const format = cors?.isPreflight(request) === true ? Cors.preflight : formatOf(request.path)
      return Exchange.begin(parts, format, request, onAnswer)
    }
  })

/** Runs the core as an effect; interrupting it means that the client disconnected. */
export const ask = (core: HttpCore, request: WireRequest.WireRequest): Effect.Effect<WireAnswer.WireAnswer> =>
  Effect.async((resume) => {
    let endStream = (): void => {}
    const leave = core(request, (answer) => {
      const { body } = answer
      if (WireAnswer.isPull(body)) endStream = () => body.leave()
      resume(Effect.succeed(answer))
    })
    return Effect.sync(() => {
      leave()
      endStream()
    })
  })

/** The request log and the spans of a core. */
const told = ({ logRequests, tracing }: Options): Effect.Effect<Pick<Exchange.Parts, "log" | "spans">> =>
  Effect.gen(function* () {
    const ratio = Number(tracing ?? false)
    const clock = yield* Clock.clockWith(Effect.succeed)
    const log = logRequests === true ? yield* RequestLog.toLoggers() : logRequests || null
    if (ratio === 0 && tracing !== 0) return { log, spans: null }
    return { log, spans: Tracing.spans(yield* Effect.tracer, ratio, () => clock.unsafeCurrentTimeNanos()) }
  })

const router =
  (native: WireFormat, standard: WireFormat, hosts: NonNullable<Options["formats"]>, pages: WireFormat) =>
  (path: string): WireFormat => {
    if (path.startsWith("/v1/checkout-sessions")) return native
    if (path === "/services/data" || path.startsWith("/services/data/")) return standard
    for (const { format, prefix } of hosts) if (path.startsWith(prefix)) return format
    return path.startsWith("/v1/") ? native : pages
  }

const openPages = (pages: Pages, documents: Documents.Documents): WireFormat => {
  const operations: Record<string, Operation> = {}
  for (const path of Documents.paths) {
    operations[path] = {
      body: "none",
      run: ({ request }) =>
        Effect.map(documents(path, WireRequest.baseOf(request)), (shared) => SharedPage.answer(shared, request))
    }
  }
  // A page that is ready already (an `Exit`) is answered even under overload: it shows that the process is alive.
  for (const [path, page] of Object.entries(pages)) {
    operations[path] = { body: "none", isInstant: Exit.isExit(page), run: () => page }
  }
  const routes = Object.keys(operations).map((path) => WireRequest.route(path, "GET", path))
  return {
    isOpen: true,
    route: (request) => {
      const found = WireRequest.match(routes, request)
      return "name" in found ? operations[found.name]! : found
    },
    refuse: (error) => WireError.problem(error)
  }
}

const noAdditions = Effect.succeed<Documentation.Additions>({ groups: [], bodies: {}, open: [] })
