/**
 * StandardApi: the action format as an `HttpApi`, for the OpenAPI document and for typed clients. `StandardActions`
 * implements the format.
 */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import { CurrentSession } from "@onelane/checkout/CheckoutErrorSchema"
import * as Schema from "effect/Schema"

const text = Schema.String

const Element = Schema.Struct({
  actionName: text,
  isSuccess: Schema.Boolean,
  errors: Schema.NullOr(Schema.Array(Schema.Struct({ statusCode: text, message: text, fields: Schema.Array(text) }))),
  outputValues: Schema.NullOr(Schema.Struct({ requestId: text, checkoutSessionId: Schema.NullOr(text) })),
  invocationId: Schema.NullOr(text),
  outcome: Schema.NullOr(text),
  sortOrder: Schema.Int,
  version: Schema.Int,
  current: Schema.NullOr(CurrentSession),
  message: Schema.optional(text),
  errorCode: Schema.optional(text),
  reason: Schema.optional(text),
  retryable: Schema.optional(Schema.Boolean),
  applied: Schema.optional(Schema.Literal("no", "unknown")),
  retryAfterMillis: Schema.optional(Schema.NullOr(Schema.Number)),
  checkoutSessionId: Schema.optional(text),
  orderId: Schema.optional(Schema.NullOr(text))
}).annotations({ identifier: "ActionElement" })

const Elements = Schema.Array(Element).annotations({ description: "One element for each input, in their order" })
const RequestErrors = Schema.Array(Schema.Struct({ message: text, errorCode: text }))
const at = <A, I>(status: number, schema: Schema.Schema<A, I>) =>
  schema.annotations(HttpApiSchema.annotations({ status }))

/** All or some inputs failed (400), or the call was refused as a whole. */
const failures = Schema.Union(
  ...[400, 403, 409, 422, 500, 503].map((status) => at(status, Elements)),
  ...[400, 401, 404, 405, 408, 413, 415, 429, 431, 503].map((status) =>
    at(status, RequestErrors).annotations({ identifier: "RequestErrors" })
  )
)

const root = "/services/data"
const versioned = Schema.Struct({ version: text.pipe(Schema.pattern(/^v\d{2,3}\.\d$/)) })
const named = Schema.Struct({ ...versioned.fields, action: text })
const Anything = Schema.Record({ key: Schema.String, value: Schema.Unknown })

/** The endpoints of the action format. */
export const actionsGroup = HttpApiGroup.make("actions")
  .addError(failures)
  .add(
    HttpApiEndpoint.get("versions", root)
      .addSuccess(Schema.Array(Anything))
      .annotate(OpenApi.Summary, "List the versions of the action format")
  )
  .add(
    HttpApiEndpoint.get("kinds", `${root}/:version/actions`)
      .setPath(versioned)
      .addSuccess(Anything)
      .annotate(OpenApi.Summary, "List the kinds of actions")
  )
  .add(
    HttpApiEndpoint.get("list", `${root}/:version/actions/standard`)
      .setPath(versioned)
      .addSuccess(Anything)
      .annotate(OpenApi.Summary, "List the standard actions")
  )
  .add(
    HttpApiEndpoint.get("describe", `${root}/:version/actions/standard/:action`)
      .setPath(named)
      .addSuccess(Anything)
      .annotate(OpenApi.Summary, "Describe an action: inputs, outputs, the states of the flow")
  )
  .add(
    HttpApiEndpoint.post("invoke", `${root}/:version/actions/standard/:action`)
      .setPath(named)
      .setPayload(Schema.Struct({ inputs: Schema.NonEmptyArray(Anything).pipe(Schema.maxItems(200)) }))
      .addSuccess(Elements)
      .annotate(OpenApi.Summary, "Invoke an action for up to 200 inputs")
  )
