/**
 * Documentation: the OpenAPI document and the page that shows it. Loaded on the first request for either: the page brings
 * its own script and style, works without a network, and is too large to be carried by every start.
 */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiSwagger from "@effect/platform/HttpApiSwagger"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as OpenApi from "@effect/platform/OpenApi"
import { Context, Effect, Layer } from "effect"
import { CheckoutApi } from "./CheckoutApi.js"
import * as WireAnswer from "./WireAnswer.js"

/** The OpenAPI document. */
export const openApi: WireAnswer.WireAnswer = WireAnswer.json(200, OpenApi.fromApi(CheckoutApi))

const swagger = HttpApiSwagger.layer({ path: "/docs" }).pipe(
  Layer.provideMerge(HttpApiBuilder.Router.Live),
  Layer.provide(Layer.succeed(HttpApi.Api, { api: CheckoutApi as never, context: Context.empty() }))
)

/** The page that shows it. */
export const page: Effect.Effect<WireAnswer.WireAnswer> = Effect.gen(function* () {
  const app = yield* HttpRouter.toHttpApp(yield* HttpApiBuilder.Router.router)
  const request = HttpServerRequest.fromWeb(new Request("http://localhost/docs"))
  const { body } = yield* Effect.provideService(app, HttpServerRequest.HttpServerRequest, request)
  const html = body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : ""
  return WireAnswer.make(200, "text/html; charset=utf-8", html)
}).pipe(Effect.provide(swagger), Effect.orDie) as Effect.Effect<WireAnswer.WireAnswer>
