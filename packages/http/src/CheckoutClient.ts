/**
 * CheckoutClient: the `CheckoutSessions` service over HTTP, for Effect programs. It wraps `@onelane/client` and fails
 * with the typed errors of the server's engine. The token identifies the caller; the `caller` argument is ignored.
 *
 * One call is one request, unless `retry` is set. A write without an answer is `applied: "unknown"`, unless the
 * connection was refused before anything was sent: retry with the same idempotency key.
 */
import * as HttpTraceContext from "@effect/platform/HttpTraceContext"
import {
  type Caller,
  type CheckoutError,
  type CheckoutSession,
  CheckoutSessions,
  Subscription
} from "@onelane/checkout"
import * as Changes from "@onelane/checkout/Changes"
import * as ErrorSchema from "@onelane/checkout/CheckoutErrorSchema"
import type { ClientOptions, OnelaneError, Result, Token } from "@onelane/client"
import * as Closable from "@onelane/client/closable"
import type { HostClient } from "@onelane/client/host"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import { splitTarget } from "./core/WireRequest.js"

/** The server's URL, and the token of the caller. */
export interface Options {
  /** Base URL of the server, such as `https://checkout.example`; a path in it is kept. */
  readonly url: string
  /**
   * The token, or a function that returns it. The function is called for the first request, and again after an answer
   * of 401; in between the token is cached.
   */
  readonly token: Exclude<Token, undefined>
  /**
   * Timeout of an attempt in milliseconds, in addition to the wait that it asks for; event streams have none. Default
   * 30,000.
   */
  readonly timeoutMillis?: number | undefined
  /** Retries after the first attempt, and the pauses between them. Default: none. */
  readonly retry?: ClientOptions["retry"]
  /** The `fetch` to use. Default: the global one. */
  readonly fetch?: typeof fetch | undefined
}

/**
 * The service over the wire. When the layer is released, open streams and later calls fail with `Overloaded`, reason
 * `DRAINING`.
 */
export const layer = (options: Options): Layer.Layer<CheckoutSessions.CheckoutSessions> =>
  Layer.scoped(
    CheckoutSessions.CheckoutSessions,
    Effect.map(
      Effect.acquireRelease(connect(options), ({ close }) => Effect.sync(close)),
      serviceOf(options)
    )
  )

/** Creates the service without a scope: it is never closed. */
export const make = (options: Options): Effect.Effect<CheckoutSessions.CheckoutSessionsShape> =>
  Effect.map(connect(options), serviceOf(options))

const draining: CheckoutError.Overloaded = {
  _tag: "Overloaded",
  message: "This client was closed",
  reason: "DRAINING",
  retryable: false,
  applied: "no",
  retryAfterMillis: 0
}

class Failed extends Error {
  constructor(readonly error: CheckoutError.CheckoutError) {
    super(error.message)
  }
}

const connect = ({ retry = { limit: 0 }, ...options }: Options): Effect.Effect<Closable.Closable> =>
  Effect.sync(() => Closable.connect({ ...options, retry }, { draining, closed: () => new Failed(draining) }))

type Call = (caller: Caller.Caller, input: any, wait?: object) => Effect.Effect<any, any>

type Name = Exclude<keyof HostClient, "changes">

type Sent = (input: unknown, options: object) => Promise<Result<unknown>>

/** A call with a copy of its input. A getter that throws is a defect of the call, not an exception. */
const byValue = <I, A, E>(input: I, send: (taken: I) => Effect.Effect<A, E>): Effect.Effect<A, E> => {
  try {
    return send(Closable.copyOf(input))
  } catch (unreadable) {
    return Effect.die(unreadable)
  }
}

const serviceOf =
  (options: Options) =>
  (closable: Closable.Closable): CheckoutSessions.CheckoutSessionsShape => {
    const using = clientIn(closable, options)
    const call =
      (name: Name, known: Schema.Schema.AnyNoContext, doubt: "no" | "unknown"): Call =>
      (_, input, wait) =>
        byValue(input, (taken) =>
          Effect.flatMap(using, (client) =>
            Effect.mapError(
              answerOf((signal) => (client[name] as Sent)(taken, { ...wait, signal })),
              (error) => (Schema.is(known)(error) ? error : unreadable(doubt))
            )
          )
        )
    return Changes.withStreams({
      open: call("open", ErrorSchema.OpenError, "unknown"),
      update: call("update", ErrorSchema.UpdateError, "unknown"),
      get: call("get", ErrorSchema.AccessError, "no"),
      find: call("find", ErrorSchema.AccessError, "no"),
      cancel: call("cancel", ErrorSchema.CancelError, "unknown"),
      history: call("history", ErrorSchema.HistoryError, "no"),
      completeTask: call("completeTask", ErrorSchema.CompleteError, "unknown"),
      failTask: call("failTask", ErrorSchema.OperationError, "unknown"),
      releaseClaim: call("releaseClaim", ErrorSchema.OperationError, "unknown"),
      move: call("move", ErrorSchema.MoveError, "unknown"),
      sessions: call("sessions", ErrorSchema.AccessError, "no"),
      claims: call("claims", ErrorSchema.AccessError, "no"),
      follow: (_, input) => byValue(input, (taken) => Effect.flatMap(using, (client) => followed(client, taken)))
    })
  }

/** The error for an answer that this service does not give. */
const unreadable = (applied: "no" | "unknown"): CheckoutError.StorageUnavailable => ({
  _tag: "StorageUnavailable",
  message: "The answer is not one of this service",
  retryable: true,
  applied,
  reason: "UNREADABLE_ANSWER",
  retryAfterMillis: 100
})

const answerOf = (call: (signal: AbortSignal) => Promise<Result<unknown>>): Effect.Effect<unknown, unknown> =>
  Effect.async((resume, signal) => {
    call(signal).then(
      (result) => resume(result.ok ? Exit.succeed(result.value) : Exit.fail(result.error)),
      (defect) => resume(Exit.die(defect))
    )
  })

const isKnown = Schema.is(ErrorSchema.HistoryError)

const knownIn = (thrown: unknown): CheckoutError.HistoryError => {
  const { error } = thrown as Failed | OnelaneError
  return isKnown(error) ? error : unreadable("no")
}

/** A subscription to a server's stream, which begins with the first page. The server checks the rights. */
const followed = (client: HostClient, input: CheckoutSessions.ChangesInput): Subscription.Follow =>
  Effect.map(Effect.runtime<never>(), (runtime) => {
    const leaving = new AbortController()
    const entries = client.changes(input, { signal: leaving.signal })[Symbol.asyncIterator]()
    const next = Effect.tryPromise({ try: () => entries.next(), catch: knownIn })
    return Subscription.ofPages(runtime, {
      next: Effect.map(next, ({ done, value }) =>
        done === true ? null : Subscription.pageOf([value as CheckoutSession.HistoryEntry])
      ),
      check: Effect.void,
      leave: Effect.sync(() => leaving.abort())
    })
  })

/**
 * A call inside a span gets a child span for each request and propagates the trace (`traceparent`). A call outside a
 * span starts none. The span has method, path and status only: headers and queries may hold secrets.
 */
const clientIn = (
  { client, through }: Closable.Closable,
  { fetch: send = fetch, url }: Options
): Effect.Effect<HostClient> => {
  const pathOf = (request: string): string => splitTarget(request.slice(url.replace(/\/+$/, "").length)).path
  const traced = (parent: Tracer.AnySpan) =>
    Effect.map(Effect.runtime<never>(), (runtime) =>
      through(async (request, init = {}) => {
        const { method = "GET" } = init
        const sending = Effect.useSpan(
          `http.client ${method}`,
          { kind: "client", captureStackTrace: false, parent },
          (span) => {
            span.attribute("http.request.method", method)
            span.attribute("url.path", pathOf(String(request)))
            const headers = { ...(init.headers as Record<string, string>), ...HttpTraceContext.toHeaders(span) }
            return Effect.tap(
              Effect.tryPromise({ try: () => send(request, { ...init, headers }), catch: (error) => error }),
              ({ status }) => span.attribute("http.response.status_code", status)
            )
          }
        )
        const exit = await Runtime.runPromiseExit(runtime)(sending)
        if (Exit.isSuccess(exit)) return exit.value
        throw Cause.squash(exit.cause)
      })
    )
  return Effect.contextWithEffect((context: Context.Context<never>) =>
    Option.match(Context.getOption(context, Tracer.ParentSpan), {
      onNone: () => Effect.succeed(client),
      onSome: traced
    })
  )
}
