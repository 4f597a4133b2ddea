/**
 * Servers: the HTTP servers that a Node program might use. All of them call the same engine in memory; ours also checks
 * the token, the limits and everything else of its contract.
 */
import { createServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Caller, type CheckoutEngine, CheckoutSessions } from "@onelane/checkout"
import { Authentication, CheckoutServer, DoorMetrics } from "@onelane/http"
import { Listener } from "@onelane/server"
import { Effect, Exit, Layer, ManagedRuntime, Schema, Scope } from "effect"
import { fastify } from "fastify"
import { token } from "./Load.js"

/** The engine that every server calls. */
export interface Backend {
  readonly sessions: CheckoutSessions.CheckoutSessionsShape
  readonly engine: CheckoutEngine.CheckoutEngineShape
}

/** A server that listens. */
export interface Listening {
  readonly url: string
  readonly close: () => Promise<void>
}

type Reply = (status: number, body: unknown) => void

const update = ({ engine }: Backend, input: any, reply: Reply): void => {
  const onExit = (exit: Exit.Exit<unknown, unknown>): void =>
    Exit.isSuccess(exit) ? reply(200, exit.value) : reply(409, exit.cause)
  const started = engine.startUpdate(Caller.host, input)
  if ("listen" in started) started.listen(onExit)
  else onExit(started)
}

const listen = async (listener: RequestListener): Promise<Listening> => {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections())
  }
}

/** `node:http` and `JSON.parse`. */
const bare = (backend: Backend): Promise<Listening> =>
  listen((request, response) => {
    let text = ""
    request.setEncoding("utf8")
    request.on("data", (chunk) => {
      text += chunk
    })
    request.on("end", () => {
      update(backend, JSON.parse(text), (status, body) => {
        const written = JSON.stringify(body)
        response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(written) })
        response.end(written)
      })
    })
  })

/** `fastify`, a plain route. */
const onFastify = async (backend: Backend): Promise<Listening> => {
  const app = fastify()
  app.post("/update", (request, reply) => {
    update(backend, request.body, (status, body) => void reply.code(status).send(body))
    return reply
  })
  return { url: await app.listen({ port: 0, host: "127.0.0.1" }), close: () => app.close() }
}

const Input = Schema.Struct({
  checkoutSessionId: Schema.String,
  expCurrentState: Schema.String,
  nextState: Schema.String
})

const onPlatform = async (served: Layer.Layer<never, unknown, any>, { sessions }: Backend): Promise<Listening> => {
  const node = createServer()
  const runtime = ManagedRuntime.make(
    served.pipe(
      HttpMiddleware.withTracerDisabledWhen(() => true),
      Layer.provide(NodeHttpServer.layerServer(() => node, { port: 0, host: "127.0.0.1" })),
      Layer.provide(Layer.succeed(CheckoutSessions.CheckoutSessions, sessions))
    ) as Layer.Layer<never>
  )
  await runtime.runPromise(Effect.void)
  const { port } = node.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, close: () => runtime.dispose() }
}

/** `HttpRouter` of `@effect/platform`, tracer off, body by a schema. */
const platformRouter = (backend: Backend): Promise<Listening> => {
  const route = HttpRouter.post(
    "/update",
    Effect.gen(function* () {
      const sessions = yield* CheckoutSessions.CheckoutSessions
      const input = yield* HttpServerRequest.schemaBodyJson(Input)
      return yield* HttpServerResponse.json(yield* sessions.update(Caller.host, input))
    })
  )
  return onPlatform(HttpRouter.empty.pipe(route, Effect.orDie, HttpServer.serve()), backend)
}

class PlainApi extends HttpApi.make("plain").add(
  HttpApiGroup.make("sessions").add(
    HttpApiEndpoint.post("update", "/update").setPayload(Input).addSuccess(Schema.Unknown)
  )
) {}

/** `HttpApi` of `@effect/platform`, tracer off. */
const platformApi = (backend: Backend): Promise<Listening> => {
  const group = HttpApiBuilder.group(PlainApi, "sessions", (endpoints) =>
    endpoints.handle("update", ({ payload }) =>
      Effect.flatMap(CheckoutSessions.CheckoutSessions, (sessions) =>
        Effect.orDie(sessions.update(Caller.host, payload))
      )
    )
  )
  const api = HttpApiBuilder.api(PlainApi).pipe(Layer.provide(group))
  return onPlatform(HttpApiBuilder.serve().pipe(Layer.provide(api)), backend)
}

/** Ours, with the parts of `onelane serve`: its listener, token, limits, metrics, both formats. */
const ours = async ({ engine, sessions }: Backend): Promise<Listening> => {
  const scope = Effect.runSync(Scope.make())
  const listener = Effect.runSync(Listener.make())
  const identity = Authentication.byShape([Authentication.fixed({ [token]: Caller.host })])
  const core = CheckoutServer.core({ metrics: DoorMetrics.make(), startUpdate: engine.startUpdate })
  await Effect.flatMap(core, (made) => Listener.answer(listener, made)).pipe(
    Effect.zipRight(Listener.listen(listener, "127.0.0.1", 0)),
    Effect.provideService(Authentication.Authentication, identity),
    Effect.provideService(CheckoutSessions.CheckoutSessions, sessions),
    Scope.extend(scope),
    Effect.runPromise
  )
  const closed = Effect.zipRight(Listener.close(listener), Scope.close(scope, Exit.void))
  return { url: Listener.urlOf(listener), close: () => Effect.runPromise(closed) }
}

/** The servers. */
export const servers = { bare, fastify: onFastify, router: platformRouter, api: platformApi, onelane: ours } as const
