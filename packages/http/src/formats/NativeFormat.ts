/**
 * NativeFormat: the endpoints of `CheckoutApi` under `/v1`. Builds one input object from path, query, headers and body,
 * passes it to the service without validating it, and writes the answer. It contains no rules.
 */
import * as HttpApi from "@effect/platform/HttpApi"
import type * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import type * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { Arrival, type CheckoutError, type CheckoutSession, type CheckoutSessions, Vigil } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as AdapterError from "../contract/AdapterError.js"
import { CheckoutApi, type listsGroup, type sessionsGroup } from "../contract/CheckoutApi.js"
import * as WireError from "../contract/WireError.js"
import * as WireSession from "../contract/WireSession.js"
import * as Conditional from "../core/Conditional.js"
import * as Preference from "../core/Preference.js"
import * as WireAnswer from "../core/WireAnswer.js"
import * as WireRequest from "../core/WireRequest.js"
import * as ListQuery from "./ListQuery.js"
import * as SessionEvents from "./SessionEvents.js"
import type { Call, Operation, Refusal, WireFormat, Work } from "./WireFormat.js"

type Group = typeof sessionsGroup | typeof listsGroup
type Name = HttpApiEndpoint.HttpApiEndpoint.Name<HttpApiGroup.HttpApiGroup.Endpoints<Group>>
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

const changed = ({ arrived, replayed, session }: CheckoutSessions.Changed): WireAnswer.WireAnswer =>
  WireAnswer.json(200, { replayed, session: encodeSession(session), arrived }, written(session, replayed))

const opened = ({ arrived, requestId, created, replayed, session }: CheckoutSessions.Opened): WireAnswer.WireAnswer =>
  named(
    requestId,
    WireAnswer.json(
      created ? 201 : 200,
      { requestId, created, replayed, session: encodeSession(session), arrived },
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

const updated = ({ arrived, requestId, replayed, session }: CheckoutSessions.Updated): WireAnswer.WireAnswer =>
  named(
    requestId,
    WireAnswer.json(200, { requestId, replayed, session: encodeSession(session), arrived }, written(session, replayed))
  )

const encodeHistory = Schema.encodeSync(WireSession.History)

const encodeFound = Schema.encodeSync(WireSession.Found)
const encodeSessions = Schema.encodeSync(WireSession.SessionsPage)
const encodeClaims = Schema.encodeSync(WireSession.ClaimsPage)

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

const applied = (answer: WireAnswer.WireAnswer, waitMillis: number): WireAnswer.WireAnswer =>
  WireAnswer.withHeaders(answer, { "preference-applied": Preference.waitText(waitMillis) })

// The token is verified again after the wait; the result is not shown if it has become invalid.
const arrival = (
  { caller, request, sessions }: Call,
  { tokens }: SessionEvents.Streams,
  input: CheckoutSessions.SessionInput,
  wait: CheckoutSessions.WaitAfter
): Effect.Effect<CheckoutSession.CheckoutSession, Refusal> =>
  Effect.zipLeft(
    sessions.get(caller, input, wait),
    Vigil.once(() => tokens(request, () => {}))
  )

// If too many requests wait already, answer at once, without `Preference-Applied`.
const withPlace = <A, E>(
  { admission }: SessionEvents.Streams,
  wait: Effect.Effect<A, E>,
  otherwise: Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.acquireUseRelease(
    Effect.sync(admission.beginWait),
    (hasPlace) => (hasPlace ? wait : otherwise),
    (hasPlace) => Effect.sync(() => (hasPlace ? admission.endWait() : undefined))
  )

/** Answers a call at once, or after its session has arrived if the client prefers to wait. */
const answered = <A extends { readonly session: CheckoutSession.CheckoutSession }, E extends Refusal>(
  call: Call,
  streams: SessionEvents.Streams,
  accepted: Effect.Effect<A, E>,
  answer: (accepted: A & CheckoutSessions.Arrived) => WireAnswer.WireAnswer
): Effect.Effect<WireAnswer.WireAnswer, E> => {
  const waitMillis = Preference.waitMillisOf(call.request)
  if (waitMillis === null) return Effect.map(accepted, answer)
  return Effect.flatMap(accepted, (done) => {
    const { id: checkoutSessionId, isProcessing } = done.session
    const waited = Effect.map(
      Arrival.after(done, (afterVersion) =>
        arrival(call, streams, { checkoutSessionId }, { wait: "screen", waitMillis, afterVersion })
      ),
      (arrived) => applied(answer(arrived), waitMillis)
    )
    return isProcessing
      ? withPlace(
          streams,
          waited,
          Effect.sync(() => answer(done))
        )
      : waited
  })
}

const read = (
  call: Call,
  input: Input,
  streams: SessionEvents.Streams
): Effect.Effect<WireAnswer.WireAnswer, Refusal> => {
  const waitMillis = Preference.waitMillisOf(call.request)
  const now = Effect.suspend(() => call.sessions.get(call.caller, input as never))
  if (waitMillis === null) return Effect.map(now, shown)
  const { afterVersion, ...rest } = input as { readonly checkoutSessionId: string; readonly afterVersion?: number }
  const waited = arrival(call, streams, rest, { wait: "screen", waitMillis, afterVersion })
  return withPlace(
    streams,
    Effect.map(waited, (session) => applied(shown(session), waitMillis)),
    Effect.map(call.sessions.get(call.caller, rest), shown)
  )
}

const shown = (session: CheckoutSession.CheckoutSession): WireAnswer.WireAnswer =>
  WireAnswer.json(200, encodeSession(session), WireAnswer.etagOf(session))

const cancel: Endpoint["call"] = ({ caller, sessions }, input) => Effect.map(sessions.cancel(caller, input), cancelled)

const endpoints: { readonly [N in Name]: Endpoint } = {
  open: writing(
    (call, input, streams) => answered(call, streams, call.sessions.open(call.caller, input), opened),
    keyed
  ),
  get: reading(read),
  find: reading(({ caller, sessions }, input) =>
    Effect.map(sessions.find(caller, input), (found) => WireAnswer.json(200, encodeFound(found)))
  ),
  update: writing(
    (call, input, streams) =>
      Preference.waitMillisOf(call.request) === null
        ? { input, answer: updateAnswer }
        : answered(call, streams, call.sessions.update(call.caller, input), updated),
    conditional
  ),
  cancel: writing(cancel, conditional, "optional"),
  cancelCart: writing(cancel, conditional),
  history: reading(({ caller, sessions }, input) =>
    Effect.map(sessions.history(caller, input), (entries) => WireAnswer.json(200, encodeHistory({ entries })))
  ),
  events: reading(({ caller, request, sessions }, input, streams) =>
    SessionEvents.answer(sessions, caller, request, input, streams)
  ),
  complete: writing(
    (call, input, streams) => answered(call, streams, call.sessions.completeTask(call.caller, input), changed),
    conditional,
    "optional"
  ),
  fail: writing(({ caller, sessions }, input) => Effect.map(sessions.failTask(caller, input), changed), conditional),
  release: writing(
    ({ caller, sessions }, input) => Effect.map(sessions.releaseClaim(caller, input), changed),
    conditional
  ),
  move: writing(({ caller, sessions }, input) => Effect.map(sessions.move(caller, input), changed), conditional),
  sessions: reading(({ caller, sessions }, input) =>
    Effect.map(sessions.sessions(caller, ListQuery.sessionsInput(input)), (page) =>
      WireAnswer.json(200, encodeSessions(page))
    )
  ),
  claims: reading(({ caller, sessions }, input) =>
    Effect.map(sessions.claims(caller, ListQuery.claimsInput(input)), (page) =>
      WireAnswer.json(200, encodeClaims(page))
    )
  )
}

const routes: ReadonlyArray<WireRequest.Route<Name>> = (() => {
  const found: Array<WireRequest.Route<Name>> = []
  HttpApi.reflect(CheckoutApi, {
    predicate: ({ group }) => group.identifier === "sessions" || group.identifier === "lists",
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

/** A browser that reconnects repeats its query; `Last-Event-ID` is newer and takes precedence. */
const queryInput = (request: WireRequest.WireRequest, reconnects: boolean): Input => {
  const query = WireRequest.queryInput(request.query)
  const lastEventId = reconnects ? request.headers["last-event-id"] : undefined
  return lastEventId === undefined ? query : { ...query, afterVersion: WireRequest.numberOrText(lastEventId) }
}

const oddKey = AdapterError.contradiction("Idempotency-Key takes ASCII characters; send others as idempotencyKey")

const oddMatch = AdapterError.contradiction("If-Match is for calls that name a session; this one names a cart")

/**
 * Adds inputs of the path and the headers to those of the body and the query. A name given twice must have one value.
 */
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
      return Either.left(AdapterError.contradiction(`${name} is given twice, with different values`))
    }
  }
  return Either.right(Object.assign(said, more) as I)
}
