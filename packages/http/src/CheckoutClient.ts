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
  ReadCheckoutSession,
  Refusal,
  Subscription
} from "@onelane/checkout"
import * as Changes from "@onelane/checkout/Changes"
import * as ErrorSchema from "@onelane/checkout/CheckoutErrorSchema"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as ClientAnswer from "./client/ClientAnswer.js"
import * as ClientToken from "./client/ClientToken.js"
import * as WireSession from "./contract/WireSession.js"
import * as Deadline from "./core/Deadline.js"
import * as Preference from "./core/Preference.js"
import { splitTarget } from "./core/WireRequest.js"
import * as ListQuery from "./formats/ListQuery.js"

/** The server's URL, and the token of the caller. */
export interface Options {
  /** Base URL of the server, such as `https://checkout.example`; a path in it is kept. */
  readonly url: string
  /**
   * The token, or a function that gives it. A function is asked when the first token is needed, and once more by a call that is answered
   * 401; a token is kept until then.
   */
  readonly token: ClientToken.Token
  /** Timeout of a call in milliseconds; one that waits has as much more, event streams have none. Default 30,000. */
  readonly timeoutMillis?: number | undefined
}

export { answerMaxBytes } from "./client/ClientAnswer.js"

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
      find: (_, input) => wire.read(cartPath(input), Found),
      cancel: (_, input) => wire.write(Effect.succeed("/v1/checkout-sessions/cancel"), input, Cancelled),
      history: (_, input) => Effect.map(wire.read(pathOf(input, "/history", rest(input)), History), (_) => _.entries),
      follow: (_, input) => wire.follow(pathOf(input, "/events", rest(input))),
      completeTask: (_, input, wait) =>
        withPatch(input, (body) => wire.write(operationPath(body, "complete"), rest(body), Completed, wait)),
      failTask: (_, input) => wire.write(operationPath(input, "fail"), rest(input), Changed),
      releaseClaim: (_, input) => wire.write(operationPath(input, "release"), rest(input), Changed),
      move: (_, input) => wire.write(pathOf(input, "/move"), rest(input), Moved),
      sessions: (_, input) => wire.read(Effect.succeed(`/v1/sessions${ListQuery.write(Object(input))}`), Sessions),
      claims: (_, input) => wire.read(Effect.succeed(`/v1/operations${ListQuery.write(Object(input))}`), Claims)
    })
  })

type AccessError = CheckoutError.AccessError
type Path = Effect.Effect<string, AccessError>

const Opened = ClientAnswer.reply(WireSession.Opened, ErrorSchema.OpenError)
const Updated = ClientAnswer.reply(WireSession.Updated, ErrorSchema.UpdateError)
const Cancelled = ClientAnswer.reply(WireSession.Cancelled, ErrorSchema.CancelError)
const Changed = ClientAnswer.reply(WireSession.Changed, ErrorSchema.OperationError)
const Completed = ClientAnswer.reply(WireSession.Changed, ErrorSchema.CompleteError)
const Moved = ClientAnswer.reply(WireSession.Changed, ErrorSchema.MoveError)
const Found = ClientAnswer.reply(WireSession.Found, ErrorSchema.AccessError)
const Sessions = ClientAnswer.reply(WireSession.SessionsPage, ErrorSchema.AccessError)
const Claims = ClientAnswer.reply(WireSession.ClaimsPage, ErrorSchema.AccessError)
const Session = ClientAnswer.reply(WireSession.Session, ErrorSchema.AccessError)
const History = ClientAnswer.reply(WireSession.History, ErrorSchema.HistoryError)
const Entry = ClientAnswer.reply(WireSession.HistoryEntry, ErrorSchema.HistoryError)

const wireOf = (client: HttpClient.HttpClient, options: Options) => {
  const base = options.url.replace(/\/+$/, "")
  const timeoutMillis = options.timeoutMillis ?? 30_000
  const tokens = ClientToken.make(options.token, timeoutMillis)
  const execute = (request: HttpClientRequest.HttpClientRequest, token: string) =>
    traced(client, HttpClientRequest.bearerToken(HttpClientRequest.prependUrl(request, base), token), request.url)
  const call = <A, E>(
    asked: HttpClientRequest.HttpClientRequest,
    reply: ClientAnswer.Reply<A, E>,
    doubt: "no" | "unknown",
    wait: CheckoutSessions.WaitAfter | undefined
  ): Effect.Effect<A, E | AccessError> => {
    const malformed = wait === undefined ? null : doubt === "no" ? Arrival.checkAfter(wait) : Arrival.check(wait)
    if (malformed !== null) return Effect.fail(malformed)
    const waitMillis = wait === undefined ? 0 : Arrival.millisOf(wait)
    const request =
      waitMillis === 0 ? asked : HttpClientRequest.setHeader(asked, "prefer", Preference.waitText(waitMillis))
    const duration = timeoutMillis + waitMillis
    const late = () => ClientAnswer.unavailable("TIMEOUT", `No answer within ${duration} ms`, doubt)
    const send = (token: string) =>
      execute(request, token).pipe(
        Effect.flatMap((response) =>
          Effect.map(ClientAnswer.textOf(response), (text) => ({ status: response.status, text }))
        ),
        Effect.mapError((error) =>
          error === ClientAnswer.tooLong ? ClientAnswer.unreadable(doubt) : ClientAnswer.lost(error, doubt)
        ),
        Deadline.within(duration, late)
      )
    return Effect.flatMap(ClientToken.use(tokens, send), ({ status, text }) =>
      ClientAnswer.answerOf(status, text, reply, doubt)
    )
  }
  return {
    read: <A, E>(path: Path, reply: ClientAnswer.Reply<A, E>, wait?: CheckoutSessions.WaitAfter) =>
      Effect.flatMap(path, (path) => call(HttpClientRequest.get(path), reply, "no", wait)),
    write: <A, E>(path: Path, body: object, reply: ClientAnswer.Reply<A, E>, wait?: CheckoutSessions.Wait) =>
      Effect.flatMap(path, (path) =>
        call(
          HttpClientRequest.bodyText(HttpClientRequest.post(path), jsonText(body), "application/json"),
          reply,
          "unknown",
          wait
        )
      ),
    follow: (path: Path): Subscription.Follow =>
      subscribed(Stream.unwrap(Effect.flatMap(path, (path) => events(tokens, execute, HttpClientRequest.get(path)))))
  }
}

type Execute = (
  request: HttpClientRequest.HttpClientRequest,
  token: string
) => Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>

const events = (tokens: ClientToken.ClientToken, execute: Execute, request: HttpClientRequest.HttpClientRequest) => {
  // Another token may help a stream whose token expired; whoever follows comes back.
  const whenRefused = (token: string) => (error: CheckoutError.NotAuthenticated) =>
    tokens.refused(token) ? { ...error, retryable: true } : error
  const send = (token: string) =>
    Effect.flatMap(
      Effect.mapError(execute(request, token), (error) => ClientAnswer.lost(error, "no")),
      (response) =>
        Effect.map(
          response.status === 200
            ? Effect.succeed(ClientAnswer.eventsOf(response, Entry, whenRefused(token)))
            : ClientAnswer.noEventsOf(response, Entry),
          (events) => ({ status: response.status, events })
        )
    )
  return Effect.map(ClientToken.use(tokens, send), ({ events }) => events)
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

/**
 * An id as a path segment. A missing id or a wrong type is answered here as the service would answer. A text that no URL can
 * carry cannot be a valid id either: a malformed id is sent instead, so that the server refuses it in its own order of checks.
 */
const segment = (input: object, name: "checkoutSessionId" | "operationId"): Path => {
  const value: unknown = (input as Readonly<Record<string, unknown>>)[name]
  if (typeof value === "string") return Effect.succeed(isSendable(value) ? encodeURIComponent(value) : malformed)
  const missing = value === undefined || value === null
  return Effect.fail(
    missing ? Refusal.requiredFieldMissing([name]) : Refusal.invalidInput([name], `${name} must be text.`)
  )
}

const malformed = "%00"

const isSendable = (text: string): boolean =>
  text.length >= 1 &&
  text.length <= Ids.opaqueIdMaxLength &&
  text !== "." &&
  text !== ".." &&
  !/\p{Surrogate}/u.test(text)

const pathOf = (input: object, suffix: string, query: object = {}): Path =>
  Effect.map(segment(input, "checkoutSessionId"), (id) => `/v1/checkout-sessions/${id}${suffix}${queryOf(query)}`)

/** What no path can name is refused here, as the service refuses what is no id. */
const cartPath = (input: CheckoutSessions.FindInput): Path => {
  const fault = ReadCheckoutSession.checkFind(input)
  if (fault !== null) return Effect.fail(fault)
  const { cartId } = input
  return cartId === "." || cartId === ".."
    ? Effect.fail(Refusal.invalidInput(["cartId"], "cartId must not be . or .., which no path can name."))
    : Effect.succeed(`/v1/carts/${encodeURIComponent(cartId)}/session`)
}

const queryOf = (query: object): string => {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value))
  return search.size === 0 ? "" : `?${search}`
}

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
