/**
 * CheckoutClient: the `CheckoutSessions` service over HTTP. Errors arrive as the typed errors that the server's engine made. The
 * token says who the caller is; the `caller` argument is ignored.
 *
 * One call is one request; the SDK retries. A write without an answer is `applied: "unknown"`, unless the connection was refused
 * before anything was sent: retry with the same idempotency key.
 */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpTraceContext from "@effect/platform/HttpTraceContext"
import {
  Arrival,
  type CheckoutError,
  type CheckoutSession,
  CheckoutSessions,
  Ids,
  Json,
  MergePatch,
  Refusal,
  Subscription
} from "@onelane/checkout"
import * as Changes from "@onelane/checkout/Changes"
import * as ErrorSchema from "@onelane/checkout/CheckoutErrorSchema"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as WireError from "./contract/WireError.js"
import * as WireSession from "./contract/WireSession.js"
import * as Deadline from "./core/Deadline.js"
import * as Preference from "./core/Preference.js"
import { splitTarget } from "./core/WireRequest.js"
import * as SessionEvents from "./formats/SessionEvents.js"

/** The server's URL, and the token of the caller. */
export interface Options {
  /** Base URL of the server, such as `https://checkout.example`; a path in it is kept. */
  readonly url: string
  readonly token: string
  /** Timeout of a call in milliseconds; one that waits has as much more, event streams have none. Default 30,000. */
  readonly timeoutMillis?: number | undefined
}

/** The service over the wire. */
export const layer = (options: Options): Layer.Layer<CheckoutSessions.CheckoutSessions, never, HttpClient.HttpClient> =>
  Layer.effect(CheckoutSessions.CheckoutSessions, make(options))

/** Creates the service on the `HttpClient` in the context. */
export const make = (
  options: Options
): Effect.Effect<CheckoutSessions.CheckoutSessionsShape, never, HttpClient.HttpClient> =>
  Effect.map(HttpClient.HttpClient, (client) => {
    const wire = wireOf(client, options)
    return Changes.withStreams({
      open: (_, input, wait) =>
        withPatch(input, (body) => wire.write(Effect.succeed("/v1/checkout-sessions"), body, Opened, wait)),
      update: (_, input, wait) =>
        withPatch(input, (body) => wire.write(pathOf(body, "/update"), rest(body), Updated, wait)),
      get: (_, input, wait) =>
        wire.read(pathOf(input, "", { ...rest(input), afterVersion: wait?.afterVersion }), Session, wait),
      cancel: (_, input) => wire.write(Effect.succeed("/v1/checkout-sessions/cancel"), input, Cancelled),
      history: (_, input) => Effect.map(wire.read(pathOf(input, "/history", rest(input)), History), (_) => _.entries),
      follow: (_, input) => wire.follow(pathOf(input, "/events", rest(input))),
      completeTask: (_, input, wait) =>
        withPatch(input, (body) => wire.write(operationPath(body, "complete"), rest(body), Completed, wait)),
      failTask: (_, input) => wire.write(operationPath(input, "fail"), rest(input), Changed),
      releaseClaim: (_, input) => wire.write(operationPath(input, "release"), rest(input), Changed),
      move: (_, input) => wire.write(pathOf(input, "/move"), rest(input), Moved)
    })
  })

type AccessError = CheckoutError.AccessError
type Path = Effect.Effect<string, AccessError>

/** The answers that a call may have; anything else is unreadable. */
interface Reply<A, E> {
  readonly decode: (body: unknown) => Either.Either<A, unknown>
  readonly isError: (error: CheckoutError.CheckoutError) => error is E & CheckoutError.CheckoutError
}

const reply = <A, I, E extends CheckoutError.CheckoutError>(
  success: Schema.Schema<A, I>,
  failure: Schema.Schema<E>
): Reply<A, E> => ({ decode: Schema.decodeUnknownEither(success), isError: Schema.is(failure) })

const Opened = reply(WireSession.Opened, ErrorSchema.OpenError)
const Updated = reply(WireSession.Updated, ErrorSchema.UpdateError)
const Cancelled = reply(WireSession.Cancelled, ErrorSchema.CancelError)
const Changed = reply(WireSession.Changed, ErrorSchema.OperationError)
const Completed = reply(WireSession.Changed, ErrorSchema.CompleteError)
const Moved = reply(WireSession.Changed, ErrorSchema.MoveError)
const Session = reply(WireSession.Session, ErrorSchema.AccessError)
const History = reply(WireSession.History, ErrorSchema.HistoryError)
const Entry = reply(WireSession.HistoryEntry, ErrorSchema.HistoryError)

const wireOf = (client: HttpClient.HttpClient, options: Options) => {
  const base = options.url.replace(/\/+$/, "")
  const timeoutMillis = options.timeoutMillis ?? 30_000
  const execute = (request: HttpClientRequest.HttpClientRequest) =>
    traced(
      client,
      HttpClientRequest.bearerToken(HttpClientRequest.prependUrl(request, base), options.token),
      request.url
    )
  const call = <A, E>(
    asked: HttpClientRequest.HttpClientRequest,
    reply: Reply<A, E>,
    doubt: "no" | "unknown",
    wait: CheckoutSessions.WaitAfter | undefined
  ): Effect.Effect<A, E | AccessError> => {
    const malformed = wait === undefined ? null : doubt === "no" ? Arrival.checkAfter(wait) : Arrival.check(wait)
    if (malformed !== null) return Effect.fail(malformed)
    const waitMillis = wait === undefined ? 0 : Arrival.millisOf(wait)
    const request =
      waitMillis === 0 ? asked : HttpClientRequest.setHeader(asked, "prefer", Preference.waitText(waitMillis))
    const duration = timeoutMillis + waitMillis
    return execute(request).pipe(
      Effect.flatMap((response) => Effect.map(textOf(response), (text) => [response.status, text] as const)),
      Effect.mapError((error) => (error === tooLong ? unreadable(doubt) : lost(error, doubt))),
      Effect.flatMap(([status, text]) => answerOf(status, text, reply, doubt)),
      Deadline.within(duration, () => unavailable("TIMEOUT", `No answer within ${duration} ms`, doubt))
    )
  }
  return {
    read: <A, E>(path: Path, reply: Reply<A, E>, wait?: CheckoutSessions.WaitAfter) =>
      Effect.flatMap(path, (path) => call(HttpClientRequest.get(path), reply, "no", wait)),
    write: <A, E>(path: Path, body: object, reply: Reply<A, E>, wait?: CheckoutSessions.Wait) =>
      Effect.flatMap(path, (path) =>
        call(
          HttpClientRequest.bodyText(HttpClientRequest.post(path), jsonText(body), "application/json"),
          reply,
          "unknown",
          wait
        )
      ),
    follow: (path: Path): Subscription.Follow =>
      Effect.flatMap(path, (path) =>
        Effect.mapBoth(execute(HttpClientRequest.get(path)), {
          onSuccess: (response) => eventsOf(response, Entry),
          onFailure: (error) => lost(error, "no")
        })
      ).pipe(Stream.unwrap, subscribed)
  }
}

/** A subscription to a server's stream, which begins with the first page. The server checks the rights. */
const subscribed = (
  entries: Stream.Stream<CheckoutSession.HistoryEntry, CheckoutError.HistoryError>
): Subscription.Follow =>
  Effect.flatMap(Effect.runtime<never>(), (runtime) =>
    Effect.map(Scope.make(), (scope) => {
      let pull: Effect.Effect<
        Chunk.Chunk<CheckoutSession.HistoryEntry>,
        Option.Option<CheckoutError.HistoryError>
      > | null = null
      const opened = Effect.suspend(() =>
        pull !== null
          ? pull
          : Effect.flatMap(Scope.extend(Stream.toPull(entries), scope), (made) => {
              pull = made
              return made
            })
      )
      return Subscription.ofPages(runtime, {
        next: Effect.matchEffect(opened, {
          onSuccess: (page) => Effect.succeed(Subscription.pageOf(Chunk.toReadonlyArray(page))),
          onFailure: Option.match({ onNone: () => Effect.succeed(null), onSome: (error) => Effect.fail(error) })
        }),
        check: Effect.void,
        leave: Scope.close(scope, Exit.void)
      })
    })
  )

/**
 * A call inside a span gets a span of its own and takes the trace along (`traceparent`); one that nobody traces begins none.
 * The span says method, path and status: headers and queries, here or of a proxy on the way, may hold secrets.
 */
const traced = (client: HttpClient.HttpClient, request: HttpClientRequest.HttpClientRequest, target: string) => {
  const execute = HttpClient.withTracerDisabledWhen(client, () => true).execute
  const below = (parent: Tracer.AnySpan) =>
    Effect.useSpan(`http.client ${request.method}`, { kind: "client", captureStackTrace: false, parent }, (span) => {
      span.attribute("http.request.method", request.method)
      span.attribute("url.path", splitTarget(target).path)
      return Effect.tap(
        execute(HttpClientRequest.setHeaders(request, HttpTraceContext.toHeaders(span))),
        ({ status }) => span.attribute("http.response.status_code", status)
      )
    })
  return Effect.contextWithEffect((context: Context.Context<never>) =>
    Option.match(Context.getOption(context, Tracer.ParentSpan), { onNone: () => execute(request), onSome: below })
  )
}

const eventsOf = <A, E>(
  response: HttpClientResponse.HttpClientResponse,
  reply: Reply<A, E>
): Stream.Stream<A, E | AccessError> => {
  const cut = unavailable("CONNECTION_LOST", "The event stream was cut", "no")
  if (response.status === 204) return Stream.empty
  if (response.status !== 200) {
    const text = Effect.mapError(textOf(response), () => cut)
    return Stream.fromEffect(Effect.flatMap(text, (text) => Effect.fail(errorOf(text, reply, "no"))))
  }
  return Stream.decodeText(response.stream).pipe(
    withoutLongLines,
    SessionEvents.parse,
    Stream.mapError(() => cut),
    Stream.concat(Stream.fail(cut)),
    Stream.takeWhile(({ name }) => name !== "end"),
    Stream.mapEffect(({ name, body }) =>
      name === "change" ? answerOf(200, body, reply, "no") : Effect.fail(errorOf(body, reply, "no"))
    )
  )
}

/** Most bytes of an answer, and characters of an event: more than any page of a server of this release. */
export const answerMaxBytes = 16_777_216

const tooLong = "too long"

/** The text of an answer. One that says its length is read at once, any other piece by piece as long as there is room. */
const textOf = (
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<string, HttpClientError.ResponseError | typeof tooLong> => {
  const { "content-length": length, "content-encoding": encoding } = response.headers
  if (length !== undefined && encoding === undefined)
    return Number(length) <= answerMaxBytes ? response.text : Effect.fail(tooLong)
  const chunks: Array<Uint8Array> = []
  let bytes = 0
  const take = (chunk: Uint8Array): Effect.Effect<void, typeof tooLong> => {
    bytes += chunk.length
    if (bytes > answerMaxBytes) return Effect.fail(tooLong)
    chunks.push(chunk)
    return Effect.void
  }
  const read = Effect.catchIf(
    Stream.runForEach(response.stream, take),
    (error) => error !== tooLong && error.reason === "EmptyBody",
    () => Effect.void
  )
  return Effect.map(read, () => {
    const whole = new Uint8Array(bytes)
    let at = 0
    for (const chunk of chunks) {
      whole.set(chunk, at)
      at += chunk.length
    }
    return new TextDecoder().decode(whole)
  })
}

// The parser keeps a line until its end.
const withoutLongLines = <E>(text: Stream.Stream<string, E>): Stream.Stream<string, E | typeof tooLong> =>
  Stream.mapAccumEffect(text, 0, (open, piece) => {
    const end = piece.lastIndexOf("\n")
    const first = end < 0 ? piece.length : piece.indexOf("\n")
    if (open + first > answerMaxBytes) return Effect.fail(tooLong)
    return Effect.succeed([end < 0 ? open + piece.length : piece.length - end - 1, piece] as const)
  })

const answerOf = <A, E>(
  status: number,
  text: string,
  reply: Reply<A, E>,
  doubt: "no" | "unknown"
): Effect.Effect<A, E | AccessError> => {
  if (status !== 200 && status !== 201) return Effect.fail(errorOf(text, reply, doubt))
  return Effect.mapError(Either.flatMap(parsed(text), reply.decode), () => unreadable(doubt))
}

const parsed = (text: string): Either.Either<unknown, unknown> => Either.try(() => JSON.parse(text))

/** The error in a body. A refusal of the HTTP layer was certainly not applied, and its body says so. */
const errorOf = <A, E>(text: string, reply: Reply<A, E>, doubt: "no" | "unknown"): E | AccessError => {
  const body = Either.getOrNull(parsed(text))
  const error = WireError.fromProblem(body)
  if (error !== null) return reply.isError(error) ? error : unreadable(doubt)
  if (typeof body !== "object" || body === null || !("_tag" in body) || body._tag !== "AdapterError") {
    return unreadable(doubt)
  }
  const { applied, code, detail, status } = body as unknown as WireError.Problem
  if (applied !== "no") return unreadable(doubt)
  const head = { message: detail, retryable: false, applied } as const
  if (status === 401) return { _tag: "ActionNotPermitted", ...head, reason: "ACTION_NOT_PERMITTED" }
  if (status === 400 || status === 413) return { _tag: "InvalidInput", ...head, reason: "INVALID_INPUT", fields: [] }
  return unavailable(code, detail, applied)
}

const unreadable = (applied: "no" | "unknown") =>
  unavailable("UNREADABLE_ANSWER", "The answer is not one of this service", applied)

const unavailable = (reason: string, message: string, applied: "no" | "unknown"): CheckoutError.StorageUnavailable => ({
  _tag: "StorageUnavailable",
  message,
  retryable: true,
  applied,
  reason,
  retryAfterMillis: 100
})

const lost = (error: HttpClientError.HttpClientError, doubt: "no" | "unknown") =>
  neverSent(error)
    ? unavailable("CONNECTION_REFUSED", "No connection to the server", "no")
    : unavailable("CONNECTION_LOST", "The connection broke before the answer", doubt)

const refusedCodes = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"])

/** Codes that mean "never connected" only when `connect` failed: a live connection can end with them, too. */
const unreachableCodes = new Set(["EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT"])

/** Whether the connection was never made, by the system's error code somewhere in the chain of causes. */
const neverSent = (error: HttpClientError.HttpClientError): boolean => {
  if (error._tag === "RequestError" && error.reason !== "Transport") return true
  let cause: unknown = error
  for (let depth = 0; depth < 8 && typeof cause === "object" && cause !== null; depth++) {
    const code = "code" in cause ? String(cause.code) : ""
    if (refusedCodes.has(code)) return true
    if (unreachableCodes.has(code) && "syscall" in cause && cause.syscall === "connect") return true
    cause = "cause" in cause ? cause.cause : null
  }
  return false
}

/**
 * An id as a path segment. A missing id or a wrong type is answered here as the service would answer. A text that no URL can
 * carry cannot be a valid id either: a malformed id is sent instead, so that the server refuses it in its own order of checks.
 */
const segment = (input: object, name: "checkoutSessionId" | "operationId"): Path => {
  const value: unknown = (input as Readonly<Record<string, unknown>>)[name]
  if (typeof value === "string") return Effect.succeed(isSendable(value) ? encodeURIComponent(value) : malformed)
  const missing = value === undefined || value === null
  return Effect.fail({
    _tag: "InvalidInput",
    message: missing ? `Required input missing: ${name}.` : `${name} must be text.`,
    retryable: false,
    applied: "no",
    reason: missing ? "REQUIRED_FIELD_MISSING" : "INVALID_INPUT",
    fields: [name]
  })
}

const malformed = "%00"

const isSendable = (text: string): boolean =>
  text.length >= 1 &&
  text.length <= Ids.opaqueIdMaxLength &&
  text !== "." &&
  text !== ".." &&
  !/\p{Surrogate}/u.test(text)

const pathOf = (input: object, suffix: string, query: object = {}): Path =>
  Effect.map(segment(input, "checkoutSessionId"), (id) => {
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value))
    return `/v1/checkout-sessions/${id}${suffix}${search.size === 0 ? "" : `?${search}`}`
  })

const operationPath = (input: object, verb: string): Path =>
  Effect.flatMap(segment(input, "operationId"), (operation) => pathOf(input, `/operations/${operation}/${verb}`))

/** What JSON would change or cannot say is refused here, as the service refuses it. */
const withPatch = <I extends object, A, E>(
  input: I,
  send: (input: I) => Effect.Effect<A, E>
): Effect.Effect<A, E | CheckoutError.InvalidInput | CheckoutError.InvalidData> => {
  const given: unknown = Object(input).data
  if (given === undefined || given === null) return send(input)
  const data = MergePatch.take(given)
  return data instanceof Json.JsonFault ? Effect.fail(Refusal.patchRefused(data)) : send({ ...input, data })
}

/** The inputs outside the path. */
const rest = (input: object): object => {
  const { checkoutSessionId: _, operationId: __, ...others } = input as Readonly<Record<string, unknown>>
  return others
}

/** JSON has no NaN and no Infinity: they are sent as text, which is refused; `null` would mean "not given". */
const jsonText = (body: object): string =>
  JSON.stringify(body, (_, value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value))
