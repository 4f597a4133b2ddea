/**
 * NativeFormat: the endpoints of `CheckoutApi` under `/v1`. Builds one input object from path, query, headers and body, passes it to
 * the service without validating it, and writes the answer. It contains no rules.
 */
import * as HttpApi from "@effect/platform/HttpApi"
import type * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import type * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import type { CheckoutError, CheckoutSession, CheckoutSessions } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as AdapterError from "../contract/AdapterError.js"
import { CheckoutApi, type sessionsGroup } from "../contract/CheckoutApi.js"
import * as WireError from "../contract/WireError.js"
import * as WireSession from "../contract/WireSession.js"
import * as Conditional from "../core/Conditional.js"
import * as WireAnswer from "../core/WireAnswer.js"
import * as WireRequest from "../core/WireRequest.js"
import * as SessionEvents from "./SessionEvents.js"
import type { Call, Operation, WireFormat, Work } from "./WireFormat.js"

type Name = HttpApiEndpoint.HttpApiEndpoint.Name<HttpApiGroup.HttpApiGroup.Endpoints<typeof sessionsGroup>>
/** Not validated: the service does that after the permission check. */
type Input = Readonly<Record<string, unknown>>

/** How one endpoint is called. `headers`: the headers that are inputs. */
interface Endpoint {
  readonly headers: ReadonlyArray<"if-match" | "idempotency-key">
  readonly body: Operation["body"]
  readonly call: (call: Call, input: never, streams: SessionEvents.Streams) => Work
}

const { encodeSession } = WireSession

const named = (requestId: string, { status, headers, body }: WireAnswer.WireAnswer): WireAnswer.WireAnswer => ({
  status,
  headers,
  body,
  requestId
})

// The headers of every answer to a write.
const written = (session: CheckoutSession.CheckoutSession, replayed: boolean): Readonly<Record<string, string>> =>
  replayed ? { ...WireAnswer.etagOf(session), "idempotent-replayed": "true" } : WireAnswer.etagOf(session)

const changed = ({ replayed, session }: CheckoutSessions.Changed): WireAnswer.WireAnswer =>
  WireAnswer.json(200, { replayed, session: encodeSession(session) }, written(session, replayed))

const opened = ({ requestId, created, replayed, session }: CheckoutSessions.Opened): WireAnswer.WireAnswer =>
  named(
    requestId,
    WireAnswer.json(
      created ? 201 : 200,
      { requestId, created, replayed, session: encodeSession(session) },
      {
        ...written(session, replayed),
        ...(created ? { location: `/v1/checkout-sessions/${session.id}` } : {})
      }
    )
  )

const cancelled = ({ requestId, replayed, session }: CheckoutSessions.Cancelled): WireAnswer.WireAnswer =>
  session === null
    ? named(requestId, WireAnswer.json(200, { requestId, replayed, session }, {}))
    : updated({ requestId, replayed, session })

const updated = ({ requestId, replayed, session }: CheckoutSessions.Updated): WireAnswer.WireAnswer =>
  named(
    requestId,
    WireAnswer.json(200, { requestId, replayed, session: encodeSession(session) }, written(session, replayed))
  )

const encodeHistory = Schema.encodeSync(WireSession.History)

const updateAnswer = (exit: Exit.Exit<CheckoutSessions.Updated, CheckoutError.UpdateError>) =>
  Exit.isSuccess(exit) ? Exit.succeed(updated(exit.value)) : (exit as Exit.Exit<never, CheckoutError.UpdateError>)

const reading = (call: Endpoint["call"]): Endpoint => ({ call, headers: [], body: "none" })

const writing = (
  call: Endpoint["call"],
  headers: Endpoint["headers"] = [],
  body: Operation["body"] = "required"
): Endpoint => ({ call, headers, body })

const keyed: Endpoint["headers"] = ["idempotency-key"]
const conditional: Endpoint["headers"] = ["if-match", "idempotency-key"]

const cancel: Endpoint["call"] = ({ caller, sessions }, input) => Effect.map(sessions.cancel(caller, input), cancelled)

const endpoints: { readonly [N in Name]: Endpoint } = {
  open: writing(({ caller, sessions }, input) => Effect.map(sessions.open(caller, input), opened), keyed),
  get: reading(({ caller, sessions }, input) =>
    Effect.map(sessions.get(caller, input), (session) =>
      WireAnswer.json(200, encodeSession(session), WireAnswer.etagOf(session))
    )
  ),
  update: writing((_, input) => ({ input, answer: updateAnswer }), conditional),
  cancel: writing(cancel, conditional, "optional"),
  cancelCart: writing(cancel, conditional),
  history: reading(({ caller, sessions }, input) =>
    Effect.map(sessions.history(caller, input), (entries) => WireAnswer.json(200, encodeHistory({ entries })))
  ),
  events: reading(({ caller, request, sessions }, input, streams) =>
    SessionEvents.answer(sessions, caller, request, input, streams)
  ),
  complete: writing(
    ({ caller, sessions }, input) => Effect.map(sessions.completeTask(caller, input), changed),
    conditional,
    "optional"
  ),
  fail: writing(({ caller, sessions }, input) => Effect.map(sessions.failTask(caller, input), changed), conditional),
  release: writing(
    ({ caller, sessions }, input) => Effect.map(sessions.releaseClaim(caller, input), changed),
    conditional
  )
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

const match = WireRequest.router(routes)

/** Creates the format. */
export const make = (streams: SessionEvents.Streams): WireFormat => ({
  route: (request) => {
    const found = match(request)
    return "name" in found ? operationOf(found.name, found.params, streams) : found
  },
  refuse: (error, request) => WireError.problem(error, Conditional.versionOf(request.headers["if-match"]))
})

const operationOf = (
  name: Name,
  params: Readonly<Record<string, string>>,
  streams: SessionEvents.Streams
): Operation => {
  const { body, call, headers } = endpoints[name]
  return {
    body,
    run: (asked) => {
      if (!WireRequest.isDecodable(asked.request.query)) return Exit.fail(oddQuery)
      const said = body === "none" ? queryInput(asked.request, name === "events") : asked.body
      const input = inputOf<never>(said, params, headers, asked.request)
      return Either.isLeft(input) ? Exit.fail(input.left) : call(asked, input.right, streams)
    }
  }
}

const oddQuery = AdapterError.contradiction("The query is not percent-encoded UTF-8")

/** A browser that reconnects repeats its query; `Last-Event-ID` is newer and wins. */
const queryInput = (request: WireRequest.WireRequest, reconnects: boolean): Input => {
  const query = WireRequest.queryInput(request.query)
  const lastEventId = reconnects ? request.headers["last-event-id"] : undefined
  return lastEventId === undefined ? query : { ...query, afterVersion: WireRequest.numberOrText(lastEventId) }
}

const oddKey = AdapterError.contradiction("Idempotency-Key takes ASCII characters; send others as idempotencyKey")

const oddMatch = AdapterError.contradiction("If-Match is for calls that name a session; this one names a cart")

/** Path and headers put into what was said otherwise. What is said twice must be said alike. */
const inputOf = <I>(
  said: Input,
  params: Readonly<Record<string, string>>,
  headers: Endpoint["headers"],
  request: WireRequest.WireRequest
): Either.Either<I, AdapterError.AdapterError> => {
  const more: Record<string, unknown> = Object.assign({}, params)
  const ifMatch = headers.length === 0 ? undefined : request.headers["if-match"]
  if (ifMatch !== undefined && ifMatch !== "*") {
    if (!headers.includes("if-match")) return Either.left(oddMatch)
    const version = Conditional.versionOf(ifMatch)
    if (version === undefined) return Either.left(AdapterError.contradiction('If-Match takes one version: "7"'))
    more.expectedVersion = version
  }
  const key = headers.includes("idempotency-key") ? request.headers["idempotency-key"] : undefined
  if (key !== undefined && !/^[ -~]*$/.test(key)) return Either.left(oddKey)
  if (key !== undefined) more.idempotencyKey = key
  for (const name in more) {
    if (Object.hasOwn(said, name) && said[name] !== more[name]) {
      return Either.left(AdapterError.contradiction(`${name} is said twice, and differently`))
    }
  }
  return Either.right(Object.assign(said, more) as I)
}
