/**
 * Documentation: the OpenAPI document and the page that shows it. Loaded on the first request for either: the page
 * includes its own script and style, works offline, and is too large to load at every start.
 */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSwagger from "@effect/platform/HttpApiSwagger"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as WireAnswer from "../core/WireAnswer.js"
import { CheckoutApi } from "./CheckoutApi.js"
import * as Examples from "./Examples.js"

/**
 * What a host adds to the contract: the groups of its own formats and pages, and a body for each operation that takes
 * one, by its id.
 */
export interface Additions {
  readonly groups: ReadonlyArray<HttpApiGroup.HttpApiGroup.Any>
  readonly bodies: Readonly<Record<string, object>>
  /** Groups that need no token. */
  readonly open: ReadonlyArray<string>
}

/** The document and its page. */
export interface Documentation {
  readonly openApi: WireAnswer.WireAnswer
  readonly page: WireAnswer.WireAnswer
}

/** Creates both, once. */
export const make = ({ bodies, groups, open }: Additions): Effect.Effect<Documentation> => {
  const whole = groups.reduce<any>((api, group) => api.add(group), CheckoutApi)
  const api = whole.annotate(OpenApi.Transform, transform({ ...Examples.bodies, ...bodies }, open))
  const document = OpenApi.fromApi(api, { additionalPropertiesStrategy: "allow" })
  return Effect.map(pageOf(api), (page) => ({ openApi: WireAnswer.json(200, document), page }))
}

/**
 * Adds what the generator does not know: bearer tokens and the media type of problems. Removes its own error, which is
 * never sent.
 */
const transform =
  (bodies: Additions["bodies"], open: Additions["open"]) =>
  (generated: Record<string, any>): Record<string, any> => {
    const { HttpApiDecodeError: _, Issue: __, PropertyKey: ___, ...schemas } = generated.components.schemas
    const whole = {
      ...generated,
      components: { schemas, securitySchemes: { bearer: { type: "http", scheme: "bearer" } } },
      security: [{ bearer: [] }]
    }
    return JSON.parse(JSON.stringify(whole), (key, value) => {
      // The generator gives the same `$id` to every schema that accepts anything.
      if (key === "$id") return undefined
      if (key === "security" && value.length === 0) return undefined
      if (key === "anyOf")
        return value.filter((member: object) => !JSON.stringify(member).includes("/HttpApiDecodeError"))
      if (/^[45]\d\d$/.test(key)) return refusal(value, Number(key))
      return typeof value === "object" && value !== null && "responses" in value
        ? exemplified(value, bodies, open)
        : value
    })
  }

type Response = { readonly content: Record<string, unknown> }

const refusal = (response: Response, status: number) => {
  const body = response.content["application/json"] as object
  const text = JSON.stringify(body)
  const tags = [...new Set([...text.matchAll(/schemas\/(\w+)Problem"/g)].map(([, tag]) => tag!))]
  if (tags.length > 0) {
    const problems = { ...body, examples: Examples.problems(tags, status) }
    return { description: "Refused", content: { "application/problem+json": problems } }
  }
  if (text.includes("/HttpApiDecodeError")) return undefined
  // Responses of the host's own pages stay unchanged.
  if (!/ActionElement|RequestErrors/.test(text)) return response
  const content = { "application/json": { ...body, examples: Examples.actionErrors(status) } }
  return { description: "Refused", content }
}

/** An operation with an example of each of its parts. */
const exemplified = (
  operation: Record<string, any>,
  bodies: Additions["bodies"],
  open: Additions["open"]
): Record<string, any> => {
  const { operationId, parameters = [], requestBody, tags } = operation
  const content = requestBody?.content["application/json"]
  return {
    ...operation,
    ...(open.includes(tags[0]) ? { security: [] } : {}),
    parameters: parameters.map((parameter: { readonly name: string }) => ({
      ...parameter,
      example: Examples.parameters[parameter.name]
    })),
    ...(content === undefined
      ? {}
      : {
          requestBody: {
            ...requestBody,
            content: { "application/json": { ...content, example: bodies[operationId] } }
          }
        })
  }
}

// The page contains its script and style inline, and calls this server only.
const pagePolicy =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"

const pageOf = (api: any): Effect.Effect<WireAnswer.WireAnswer> => {
  const swagger = HttpApiSwagger.layer({ path: "/docs" }).pipe(
    Layer.provideMerge(HttpApiBuilder.Router.Live),
    Layer.provide(Layer.succeed(HttpApi.Api, { api, context: Context.empty() }))
  )
  return Effect.gen(function* () {
    const app = yield* HttpRouter.toHttpApp(yield* HttpApiBuilder.Router.router)
    const request = HttpServerRequest.fromWeb(new Request("http://localhost/docs"))
    const { body } = yield* Effect.provideService(app, HttpServerRequest.HttpServerRequest, request)
    const html = body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : ""
    return WireAnswer.make(200, "text/html; charset=utf-8", html, { "content-security-policy": pagePolicy })
  }).pipe(Effect.provide(Layer.merge(Layer.fresh(swagger), HttpServer.layerContext)), Effect.scoped, Effect.orDie)
}
