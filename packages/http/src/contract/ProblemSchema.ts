/**
 * ProblemSchema: the problems of `WireError` as schemas that carry their status, for the OpenAPI document and for
 * clients made from the contract. The formats do not need them.
 */
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import type { CheckoutError } from "@onelane/checkout"
import * as Schema from "effect/Schema"
import * as WireError from "./WireError.js"

const head = {
  type: Schema.String,
  title: Schema.String,
  status: Schema.Int,
  detail: Schema.String,
  code: Schema.String
}

/** The problem of one error as a schema with its status: for the OpenAPI document and for typed clients. */
export const problem = <E extends CheckoutError.CheckoutError>(
  member: Schema.Schema<E> & { readonly fields: Schema.Struct.Fields },
  tag: WireError.Tag,
  status: number = WireError.rows[tag].status
): Schema.Schema<E, WireError.Problem> => {
  const { message, ...fields } = member.fields
  const body = Schema.Struct({ ...head, ...fields }).annotations({ identifier: `${tag}Problem` })
  return Schema.transform(body as unknown as Schema.Schema<WireError.Problem>, Schema.typeSchema(member), {
    strict: false,
    decode: (wire) => ({ ...wire, message: wire.detail }),
    encode: (error) => WireError.problemOf(error, status)
  }).annotations(HttpApiSchema.annotations({ status, description: WireError.titleOf(tag) }))
}

const AdapterProblem = Schema.Struct({
  ...head,
  _tag: Schema.Literal("AdapterError"),
  retryable: Schema.Boolean,
  applied: Schema.Literal("no")
})

/** The problem of a request that never reached the service, as a schema with a status. */
export const adapter = (status: number): typeof AdapterProblem =>
  AdapterProblem.annotations(HttpApiSchema.annotations({ status, identifier: "AdapterProblem" }))

/** The problem of a request that never reached the service, for any endpoint. */
export const anyAdapter = Schema.Union(...[400, 401, 404, 405, 408, 413, 415, 429, 431, 503].map(adapter))
