/**
 * ClaimsFormat: `GET /v1/operations?state=…&after=…&limit=…`: the claims that are open, for work that is done elsewhere.
 */
import type { CheckoutEngine, OpenClaims } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import * as AdapterError from "../contract/AdapterError.js"
import * as WireError from "../contract/WireError.js"
import * as WireAnswer from "../core/WireAnswer.js"
import * as WireRequest from "../core/WireRequest.js"
import type { WireFormat } from "./WireFormat.js"

/** Its path. */
export const path = "/v1/operations"

/** Creates the format on an engine. */
export const make = ({ claims }: Pick<CheckoutEngine.CheckoutEngineShape, "claims">): WireFormat => ({
  route: (request) => {
    if (request.path !== path) return AdapterError.notFound
    if (request.method !== "GET") return AdapterError.methodNotAllowed(["GET"])
    return {
      body: "none",
      run: ({ caller, request }) =>
        WireRequest.isDecodable(request.query)
          ? Effect.map(claims(caller, inputOf(request.query)), answerOf)
          : Effect.fail(oddQuery)
    }
  },
  refuse: (error) => WireError.problem(error)
})

// A state or an id of digits is text all the same.
const inputOf = (query: string): OpenClaims.ClaimsInput => {
  const { after, state, ...rest } = WireRequest.queryInput(query)
  const text = (value: unknown): any => (typeof value === "number" ? String(value) : value)
  return {
    ...rest,
    ...(after !== undefined && { after: text(after) }),
    ...(state !== undefined && { state: text(state) })
  }
}

const oddQuery = AdapterError.contradiction("The query is not percent-encoded UTF-8")

const answerOf = ({ next, sessions }: OpenClaims.ClaimsPage): WireAnswer.WireAnswer =>
  WireAnswer.json(200, {
    operations: sessions.map(
      ({ cartId, data, id, nextState, operationId, orderId, state, updatedAt, version, workKey }) => ({
        operationId,
        checkoutSessionId: id,
        cartId,
        state,
        nextState,
        workKey,
        orderId,
        version,
        updatedAt: new Date(updatedAt).toISOString(),
        data
      })
    ),
    next
  })
