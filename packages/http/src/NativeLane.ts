/**
 * NativeLane: the endpoints of `CheckoutApi` under `/v1`. Puts one input object together from path, query, headers and
 * body, hands it to the service as it came, and writes the answer; rules are not here.
 */
import * as HttpApi from "@effect/platform/HttpApi"
import type * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import type * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import type { Caller, CheckoutError, CheckoutSession, CheckoutSessions } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as AdapterError from "./AdapterError.js"
import { CheckoutApi, type sessionsGroup } from "./CheckoutApi.js"
import type { HttpLimits } from "./HttpLimits.js"
import type { Lane, Updating } from "./Lane.js"
import * as SessionEvents from "./SessionEvents.js"
import * as WireAnswer from "./WireAnswer.js"
import * as WireError from "./WireError.js"
import * as WireRequest from "./WireRequest.js"
import * as WireSession from "./WireSession.js"

type Name = HttpApiEndpoint.HttpApiEndpoint.Name<HttpApiGroup.HttpApiGroup.Endpoints<typeof sessionsGroup>>
type Sessions = CheckoutSessions.CheckoutSessionsShape
/** Unchecked: the service looks at it after the caller's permission. */
type Input = Readonly<Record<string, unknown>>

/** How one endpoint is called. `headers`: those that are inputs here. `bodyOptional`: no body counts as `{}`. */
interface Endpoint {
  readonly headers: ReadonlyArray<"if-match" | "idempotency-key">
  readonly bodyOptional: boolean
  readonly call: (
    sessions: Sessions,
    caller: Caller.Caller,
    input: never,
    streams: SessionEvents.Limits
  ) => Effect.Effect<WireAnswer.WireAnswer, CheckoutError.CheckoutError | AdapterError.AdapterError, Scope.Scope>
}

const { encodeSession } = WireSession

const named = (requestId: string, { status, headers, body }: WireAnswer.WireAnswer): WireAnswer.WireAnswer => ({
  status,
  headers,
  body,
  requestId
})

const changed = ({ session }: { readonly session: CheckoutSession.CheckoutSession }): WireAnswer.WireAnswer =>
  WireAnswer.json(200, { session: encodeSession(session) }, WireAnswer.etagOf(session))

const opened = ({ requestId, created, session }: CheckoutSessions.Opened): WireAnswer.WireAnswer =>
  named(
    requestId,
    WireAnswer.json(
      created ? 201 : 200,
      { requestId, created, session: encodeSession(session) },
      {
        ...WireAnswer.etagOf(session),
        ...(created ? { location: `/v1/checkout-sessions/${session.id}` } : {})
      }
    )
  )

const updated = ({ requestId, replayed, session }: CheckoutSessions.Updated): WireAnswer.WireAnswer =>
  named(
    requestId,
    WireAnswer.json(
      200,
      { requestId, replayed, session: encodeSession(session) },
      replayed ? { ...WireAnswer.etagOf(session), "idempotent-replayed": "true" } : WireAnswer.etagOf(session)
    )
  )

const cancelled = ({ requestId, session }: CheckoutSessions.Cancelled): WireAnswer.WireAnswer =>
  named(requestId, WireAnswer.json(200, { requestId, session: encodeSession(session) }, WireAnswer.etagOf(session)))

const encodeHistory = Schema.encodeSync(WireSession.History)

const endpoint = (call: Endpoint["call"], headers: Endpoint["headers"] = [], bodyOptional = false): Endpoint => ({
  call,
  headers,
  bodyOptional
})

const cancel = (bodyOptional: boolean): Endpoint =>
  endpoint((to, caller, input) => Effect.map(to.cancel(caller, input), cancelled), ["if-match"], bodyOptional)

const endpoints: { readonly [N in Name]: Endpoint } = {
  open: endpoint((to, caller, input) => Effect.map(to.open(caller, input), opened)),
  get: endpoint((to, caller, input) =>
    Effect.map(to.get(caller, input), (session) =>
      WireAnswer.json(200, encodeSession(session), WireAnswer.etagOf(session))
    )
  ),
  update: endpoint(
    (to, caller, input) => Effect.map(to.update(caller, input), updated),
    ["if-match", "idempotency-key"]
  ),
  cancel: cancel(true),
  cancelCart: cancel(false),
  history: endpoint((to, caller, input) =>
    Effect.map(to.history(caller, input), (entries) => WireAnswer.json(200, encodeHistory({ entries })))
  ),
  events: endpoint(SessionEvents.answer),
  complete: endpoint((to, caller, input) => Effect.map(to.completeTask(caller, input), changed), [], true),
  fail: endpoint((to, caller, input) => Effect.map(to.failTask(caller, input), changed)),
  release: endpoint((to, caller, input) => Effect.map(to.releaseClaim(caller, input), changed))
}

const routes: ReadonlyArray<WireRequest.Route<Name>> = (() => {
  const found: Array<WireRequest.Route<Name>> = []
  HttpApi.reflect(CheckoutApi, {
    predicate: ({ group }) => group.identifier === "sessions",
    onGroup: () => {},
    onEndpoint: ({ endpoint: { name, method, path } }) => found.push(WireRequest.route(name as Name, method, path))
  })
  return found
})()

const updateParams = WireRequest.matcher(routes.find(({ name }) => name === "update")!)

const updating = (request: WireRequest.WireRequest, limits: HttpLimits): Updating | null => {
  const params = updateParams(request.path)
  if (params === null || !WireRequest.isJson(request)) return null
  return {
    inputOf: (text) =>
      Either.flatMap(WireRequest.parseObject(text, limits), (said) =>
        inputOf<CheckoutSessions.UpdateInput>(said, params, endpoints.update.headers, request)
      ),
    answer: (exit) => (Exit.isSuccess(exit) ? Exit.succeed(updated(exit.value)) : Exit.failCause(exit.cause))
  }
}

/** Makes the lane. */
export const make = (sessions: Sessions, limits: HttpLimits, streams: SessionEvents.Limits): Lane => ({
  serve: (caller, request) =>
    Effect.gen(function* () {
      const { name, params } = yield* WireRequest.match(routes, request)
      const { call, headers, bodyOptional } = endpoints[name]
      const said =
        request.method === "POST"
          ? yield* WireRequest.jsonBody(request, limits, bodyOptional)
          : queryInput(request, name === "events")
      const input = yield* inputOf<never>(said, params, headers, request)
      return yield* call(sessions, caller, input, streams)
    }),
  updating: (request) => updating(request, limits),
  refuse: (error, request) => WireError.problem(error, versionOf(request.headers["if-match"]))
})

/** A browser that reconnects repeats its query; the event it saw last is then the newer word. */
const queryInput = (request: WireRequest.WireRequest, reconnects: boolean): Input => {
  const query = WireRequest.queryInput(request.query)
  const lastEventId = reconnects ? request.headers["last-event-id"] : undefined
  return lastEventId === undefined ? query : { ...query, afterVersion: WireRequest.numberOrText(lastEventId) }
}

/** Path and headers put into what was said otherwise. What is said twice must be said alike. */
const inputOf = <I>(
  said: Input,
  params: Readonly<Record<string, string>>,
  headers: Endpoint["headers"],
  request: WireRequest.WireRequest
): Either.Either<I, AdapterError.AdapterError> => {
  const more: Record<string, unknown> = Object.assign({}, params)
  const ifMatch = headers.includes("if-match") ? request.headers["if-match"] : undefined
  if (ifMatch !== undefined && ifMatch !== "*") {
    const version = versionOf(ifMatch)
    if (version === undefined) return Either.left(AdapterError.contradiction('If-Match takes one version: "7"'))
    more.expectedVersion = version
  }
  const key = headers.includes("idempotency-key") ? request.headers["idempotency-key"] : undefined
  if (key !== undefined) more.idempotencyKey = key
  for (const name in more) {
    if (Object.hasOwn(said, name) && said[name] !== more[name]) {
      return Either.left(AdapterError.contradiction(`${name} is said twice, and differently`))
    }
  }
  return Either.right(Object.assign(said, more) as I)
}

const versionOf = (etag: string | undefined): number | undefined => {
  const digits = etag === undefined ? null : /^"(\d{1,15})"$/.exec(etag)
  return digits === null ? undefined : Number(digits[1])
}
