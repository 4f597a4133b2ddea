/**
 * CheckoutApi: the HTTP contract as an `HttpApi`: path, inputs, answers and errors of every endpoint. The server's
 * routes and the OpenAPI document are derived from it, and `HttpApiClient` can use it.
 *
 * The server does not decode inputs with these schemas: the service validates them itself, after the permission check
 * (CONTRACT §3, steps 1-4).
 */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import { Ids } from "@onelane/checkout"
import * as CheckoutError from "@onelane/checkout/CheckoutErrorSchema"
import type { JsonObject } from "@onelane/checkout/Json"
import * as Schema from "effect/Schema"
import * as ProblemSchema from "./ProblemSchema.js"
import { actionsGroup } from "./StandardApi.js"
import * as WireSession from "./WireSession.js"

const id = Schema.String.pipe(Schema.pattern(Ids.idPattern))
const session = Schema.Struct({ checkoutSessionId: id })
const operationPath = Schema.Struct({ checkoutSessionId: id, operationId: Schema.String })
const state = Schema.String.pipe(Schema.minLength(1), Schema.maxLength(30))
const version = Schema.Int.pipe(Schema.positive())
const key = Schema.String.pipe(Schema.minLength(1), Schema.maxLength(255))
const patch: Schema.Schema<JsonObject> = WireSession.JsonObject.annotations({
  description: "A JSON merge patch (RFC 7396) for the session's data"
})
const headers = Schema.Struct({
  "if-match": Schema.optional(Schema.String.annotations({ description: 'The version last seen, as in ETag: "7"' })),
  "idempotency-key": Schema.optional(key)
})
const reason = Schema.optional(
  Schema.String.pipe(Schema.minLength(1), Schema.maxLength(4_000)).annotations({ description: "Why, for the history" })
)
const keyed = headers.pick("idempotency-key")
const prefer = Schema.Struct({
  prefer: Schema.optional(
    Schema.String.annotations({
      description: "wait=10: answer when no work of the session runs any more, or after 10 s (at most 60)"
    })
  )
})
const [keyedWait, headersWait] = [Schema.extend(keyed, prefer), Schema.extend(headers, prefer)]

const at = <E, R>(status: number, schema: Schema.Schema<E, any, R>) =>
  schema.annotations(HttpApiSchema.annotations({ status }))

const { problem } = ProblemSchema
const denied = [
  problem(CheckoutError.NotAuthenticated, "NotAuthenticated"),
  problem(CheckoutError.ActionNotPermitted, "ActionNotPermitted"),
  problem(CheckoutError.InvalidInput, "InvalidInput"),
  problem(CheckoutError.InvalidCheckoutSessionId, "InvalidCheckoutSessionId"),
  problem(CheckoutError.SessionInaccessible, "SessionInaccessible"),
  problem(CheckoutError.AccountInaccessible, "AccountInaccessible"),
  problem(CheckoutError.NotStoreMember, "NotStoreMember"),
  problem(CheckoutError.StorageUnavailable, "StorageUnavailable"),
  problem(CheckoutError.Overloaded, "Overloaded")
] as const
const invalidState = problem(CheckoutError.InvalidState, "InvalidState")
const keyConflict = problem(CheckoutError.IdempotencyConflict, "IdempotencyConflict")
const closed = problem(CheckoutError.SessionClosed, "SessionClosed")
const cart = problem(CheckoutError.CartNotUpdatable, "CartNotUpdatable")
const mismatch = problem(CheckoutError.ExpectedStateMismatch, "ExpectedStateMismatch")
const preconditionFailed = problem(CheckoutError.ExpectedStateMismatch, "ExpectedStateMismatch", 412)
const data = problem(CheckoutError.InvalidData, "InvalidData")
const processing = problem(CheckoutError.SessionProcessing, "SessionProcessing")
const operation = problem(CheckoutError.OperationNotCurrent, "OperationNotCurrent")

const AccessProblem = Schema.Union(...denied)
const HistoryProblem = Schema.Union(...denied, problem(CheckoutError.VersionAhead, "VersionAhead"))
const OpenProblem = Schema.Union(...denied, invalidState, keyConflict, closed, cart, data)
const UpdateProblem = Schema.Union(
  ...denied,
  invalidState,
  keyConflict,
  closed,
  cart,
  problem(CheckoutError.StateRetired, "StateRetired"),
  mismatch,
  preconditionFailed,
  processing,
  problem(CheckoutError.TransitionNotAllowed, "TransitionNotAllowed"),
  data
)
const CancelProblem = Schema.Union(...denied, keyConflict, closed, mismatch, preconditionFailed)
const MoveProblem = Schema.Union(...denied, invalidState, keyConflict, closed, mismatch, preconditionFailed, processing)
const OperationProblem = Schema.Union(...denied, keyConflict, closed, mismatch, preconditionFailed, operation)
const transition = problem(CheckoutError.TransitionNotAllowed, "TransitionNotAllowed")
const CompleteProblem = Schema.Union(...OperationProblem.members, invalidState, transition, data)

const sessions = "/v1/checkout-sessions"
const one = `${sessions}/:checkoutSessionId` as const
const cartSession = "/v1/carts/:cartId/session"
const claim = `${one}/operations/:operationId` as const

/** The native endpoints. */
export const sessionsGroup = HttpApiGroup.make("sessions")
  .addError(ProblemSchema.anyAdapter)
  .add(
    HttpApiEndpoint.post("open", sessions)
      .setHeaders(keyedWait)
      .setPayload(
        Schema.Struct({
          cartId: Schema.String,
          initialState: Schema.optional(state),
          checkoutSessionId: Schema.optional(id),
          expiresInMillis: Schema.optional(Schema.Int.pipe(Schema.positive())),
          again: Schema.optional(Schema.Boolean),
          ownerId: Schema.optional(Schema.String),
          accountId: Schema.optional(Schema.String),
          storeId: Schema.optional(Schema.String),
          data: Schema.optional(patch),
          idempotencyKey: Schema.optional(key)
        })
      )
      .addSuccess(at(201, WireSession.Opened))
      .addSuccess(WireSession.Opened)
      .addError(OpenProblem)
      .annotate(OpenApi.Summary, "Get the live session of a cart (200), or create one (201)")
  )
  .add(
    HttpApiEndpoint.get("get", one)
      .setPath(session)
      .setHeaders(prefer)
      .setUrlParams(Schema.Struct({ afterVersion: Schema.optional(Schema.NumberFromString) }))
      .addSuccess(WireSession.Session)
      .addError(AccessProblem)
      .annotate(
        OpenApi.Summary,
        "Read a session; ETag is its version. With `Prefer: wait`, once no work of it runs any more"
      )
  )
  .add(
    HttpApiEndpoint.get("find", cartSession)
      .setPath(Schema.Struct({ cartId: Schema.String }))
      .addSuccess(WireSession.Found)
      .addError(AccessProblem)
      .annotate(OpenApi.Summary, "Read the live session of a cart, or how its last one ended; creates nothing")
  )
  .add(
    HttpApiEndpoint.post("update", `${one}/update`)
      .setPath(session)
      .setHeaders(headersWait)
      .setPayload(
        Schema.Struct({
          expCurrentState: state,
          nextState: state,
          expectedVersion: Schema.optional(version),
          data: Schema.optional(patch),
          idempotencyKey: Schema.optional(key)
        })
      )
      .addSuccess(WireSession.Updated)
      .addError(UpdateProblem)
      .annotate(OpenApi.Summary, "Move a session on, if it is where you believe it is")
  )
  .add(
    HttpApiEndpoint.post("cancel", `${one}/cancel`)
      .setPath(session)
      .setHeaders(headers)
      .setPayload(
        Schema.Struct({
          expectedVersion: Schema.optional(version),
          reason,
          idempotencyKey: Schema.optional(key)
        })
      )
      .addSuccess(WireSession.Cancelled)
      .addError(CancelProblem)
      .annotate(OpenApi.Summary, "Archive a session and free its cart")
  )
  .add(
    HttpApiEndpoint.post("cancelCart", `${sessions}/cancel`)
      .setHeaders(headers)
      .setPayload(
        Schema.Struct({
          cartId: Schema.optional(Schema.String),
          checkoutSessionId: Schema.optional(id),
          expectedVersion: Schema.optional(version),
          reason,
          idempotencyKey: Schema.optional(key)
        })
      )
      .addSuccess(WireSession.Cancelled)
      .addError(CancelProblem)
      .annotate(
        OpenApi.Summary,
        "Archive the session named in the body, or the live session of the cart named there (null: there was none)"
      )
  )
  .add(
    HttpApiEndpoint.post("move", `${one}/move`)
      .setPath(session)
      .setHeaders(headers)
      .setPayload(
        Schema.Struct({
          state,
          reason: Schema.String,
          expectedVersion: Schema.optional(version),
          idempotencyKey: Schema.optional(key)
        })
      )
      .addSuccess(WireSession.Changed)
      .addError(MoveProblem)
      .annotate(OpenApi.Summary, "Move a session that has no way on to a state of the flow (operators)")
  )
  .add(
    HttpApiEndpoint.get("history", `${one}/history`)
      .setPath(session)
      .setUrlParams(
        Schema.Struct({
          afterVersion: Schema.optional(Schema.NumberFromString),
          limit: Schema.optional(Schema.NumberFromString)
        })
      )
      .addSuccess(WireSession.History)
      .addError(HistoryProblem)
      .annotate(OpenApi.Summary, "Committed changes of a session, oldest first")
  )
  .add(
    HttpApiEndpoint.get("events", `${one}/events`)
      .setPath(session)
      .setHeaders(Schema.Struct({ "last-event-id": Schema.optional(Schema.String) }))
      .setUrlParams(Schema.Struct({ afterVersion: Schema.optional(Schema.NumberFromString) }))
      .addSuccess(HttpApiSchema.Text({ contentType: "text/event-stream" }))
      .addSuccess(HttpApiSchema.NoContent)
      .addError(HistoryProblem)
      .annotate(OpenApi.Summary, "Follow a session: committed changes as server-sent events")
  )
  .add(
    HttpApiEndpoint.post("complete", `${claim}/complete`)
      .setPath(operationPath)
      .setHeaders(headersWait)
      .setPayload(
        Schema.Struct({
          orderId: Schema.optional(Schema.String),
          next: Schema.optional(state),
          data: Schema.optional(patch),
          expectedVersion: Schema.optional(version),
          idempotencyKey: Schema.optional(key)
        })
      )
      .addSuccess(WireSession.Changed)
      .addError(CompleteProblem)
      .annotate(OpenApi.Summary, "Report that a task the host runs has succeeded")
  )
  .add(
    HttpApiEndpoint.post("fail", `${claim}/fail`)
      .setPath(operationPath)
      .setHeaders(headers)
      .setPayload(
        Schema.Struct({
          code: Schema.String,
          message: Schema.optional(Schema.String),
          applied: Schema.optional(Schema.Literal("no", "unknown")),
          expectedVersion: Schema.optional(version),
          idempotencyKey: Schema.optional(key)
        })
      )
      .addSuccess(WireSession.Changed)
      .addError(OperationProblem)
      .annotate(OpenApi.Summary, "Report that a task the host runs has failed")
  )
  .add(
    HttpApiEndpoint.post("release", `${claim}/release`)
      .setPath(operationPath)
      .setHeaders(headers)
      .setPayload(
        Schema.Struct({
          reason: Schema.String,
          expectedVersion: Schema.optional(version),
          idempotencyKey: Schema.optional(key)
        })
      )
      .addSuccess(WireSession.Changed)
      .addError(OperationProblem)
      .annotate(OpenApi.Summary, "Take a claim away (operators)")
  )

const text = Schema.optional(Schema.String)
const flag = Schema.optional(Schema.BooleanFromString)
const instant = Schema.optional(WireSession.Instant)
const count = Schema.optional(Schema.NumberFromString)

/** The endpoints that are not about one session: lists for operators and for external workers.  */
export const listsGroup = HttpApiGroup.make("lists")
  .addError(ProblemSchema.anyAdapter)
  .add(
    HttpApiEndpoint.get("sessions", "/v1/sessions")
      .setUrlParams(
        Schema.Struct({
          state: Schema.optional(
            Schema.Array(Schema.String).annotations({ description: "Said once or several times, 32 at most" })
          ),
          cartId: text,
          archived: flag,
          claimed: flag,
          changedBefore: instant,
          changedAfter: instant,
          after: text,
          limit: count
        })
      )
      .addSuccess(WireSession.SessionsPage)
      .addError(AccessProblem)
      .annotate(OpenApi.Summary, "List sessions by state, age, cart and claim (operators)")
  )
  .add(
    HttpApiEndpoint.get("claims", "/v1/operations")
      .setUrlParams(Schema.Struct({ state: text, after: text, limit: count }))
      .addSuccess(WireSession.ClaimsPage)
      .addError(AccessProblem)
      .annotate(OpenApi.Summary, "List the claims that are open, for work that is done elsewhere")
  )

/** The contract: both formats. */
export const CheckoutApi = HttpApi.make("onelane")
  .add(sessionsGroup)
  .add(listsGroup)
  .add(actionsGroup)
  .annotate(OpenApi.Title, "Onelane")
  .annotate(OpenApi.Version, "1")
  .annotate(
    OpenApi.Description,
    "One lane per checkout session: of all updates for one visit of a session to a state, at most one succeeds."
  )
