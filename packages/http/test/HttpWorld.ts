/**
 * HttpWorld: a real server on a free port of the loopback, over the real engine in memory, behind each of the adapters; and
 * two ways to speak to it: `send` through fetch, and `raw` through a bare socket for what no HTTP library would say.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { Readable } from "node:stream"
import * as HttpServer from "@effect/platform/HttpServer"
import { NodeHttpServer } from "@effect/platform-node"
import { layer, type Vitest } from "@effect/vitest"
import { Caller, CheckoutEngine, CheckoutSessions, Flow } from "@onelane/checkout"
import { Directory, DirectoryMemory } from "@onelane/directory"
import { JournalMemory } from "@onelane/engine"
import { Context, Effect, Layer } from "effect"
import * as NodeListener from "../src/adapters/NodeListener.js"
import * as WebHandler from "../src/adapters/WebHandler.js"
import * as CheckoutServer from "../src/CheckoutServer.js"
import * as AdapterError from "../src/contract/AdapterError.js"
import * as Authentication from "../src/core/Authentication.js"
import type { HttpCore } from "../src/core/HttpCore.js"
import * as Mounting from "../src/core/Mounting.js"
import { bearerOf } from "../src/core/WireRequest.js"

/** Who calls; the token is the name. */
export const callers = {
  admin: Caller.make("admin", ["modify-all-data"]),
  integrator: Caller.make("integrator", ["commerce-integrator"]),
  buyer: Caller.make("buyer", ["buyer-checkout"]),
  stranger: Caller.make("stranger", ["buyer-checkout"]),
  nobody: Caller.make("nobody", [])
} as const

/** A name in `callers`. */
export type Who = keyof typeof callers

/** Where the server under test listens. */
export class Base extends Context.Tag("test/Base")<
  Base,
  { readonly url: string; readonly port: number; readonly path: string }
>() {}

/** What may stand between a listener and the core. Each suite of the wire runs behind all of them. */
export const adapters = [
  "Node's listener",
  "a web handler",
  "an app of @effect/platform",
  "a listener mounted below a path",
  "a web handler mounted below a path"
] as const

/** One of them. */
export type Adapter = (typeof adapters)[number]

/** A web handler behind a listener of Node, as a host would put it there. */
const bridged =
  (handle: (request: Request) => Promise<Response>): RequestListener =>
  (incoming, response) => {
    const leaving = new AbortController()
    response.on("close", () => leaving.abort())
    const hasBody = incoming.method !== "GET" && incoming.method !== "HEAD"
    const request = webRequest(incoming, leaving.signal, hasBody ? incoming : undefined)
    void handle(request).then((answer) => written(answer, response))
  }

const webRequest = ({ headers, method, url }: IncomingMessage, signal: AbortSignal, body?: Readable): Request => {
  const target = url!.startsWith("/") ? `http://localhost${url}` : url!
  const init = { method: method!, headers: headers as Record<string, string>, signal, duplex: "half" as const }
  return new Request(target, body === undefined ? init : { ...init, body: Readable.toWeb(body) as ReadableStream })
}

const written = async ({ body, headers, status }: Response, response: ServerResponse): Promise<void> => {
  response.writeHead(status, Object.fromEntries(headers))
  const reader = body?.getReader()
  response.on("close", () => void reader?.cancel())
  response.flushHeaders()
  for (let read = await reader?.read(); read?.done === false; read = await reader!.read()) response.write(read.value)
  response.end()
}

const listenerOf = (adapter: Adapter, core: HttpCore): RequestListener => {
  if (adapter === "a listener mounted below a path") return NodeListener.mount(core, mounting)
  if (adapter === "a web handler mounted below a path") return bridged(WebHandler.make(core, mounting))
  return adapter === "a web handler" ? bridged(WebHandler.make(core)) : NodeListener.make(core)
}

/** Where an adapter hears requests, before our own paths. */
const pathOf = (adapter: Adapter): string => (adapter.endsWith("below a path") ? "/shops/7/checkout" : "")

const below = Mounting.place({ basePath: "/shops/:shop/checkout" })

// What is said through a bare socket names our own paths.
const mounting: Mounting.Mounting = {
  place: (hostBase, path) => (path.startsWith("/shops/") ? below(hostBase, path) : { base: hostBase, path }),
  context: () => ({ run: (task) => task(), forkOptions: {} })
}

/** Who calls, as a host tells it: by the whole request. */
const identifying = (tokens: Readonly<Record<string, Caller.Caller>>): Layer.Layer<Authentication.Authentication> => {
  const fixed = Authentication.fixed(tokens)
  return Layer.succeed(Authentication.Authentication, {
    authenticate: () => Effect.die("a host is asked for the whole request"),
    identify: (request) => {
      const token = bearerOf(request)
      return token === undefined
        ? Effect.fail(AdapterError.tokenMissing)
        : Effect.mapError(fixed.authenticate(token), (error) =>
            error._tag === "TokenRefused" ? AdapterError.tokenRefused(error.final) : error
          )
    }
  })
}

const authenticationOf = (adapter: Adapter, tokens: Readonly<Record<string, Caller.Caller>>) =>
  pathOf(adapter) === "" ? Authentication.layerStatic(tokens) : identifying(tokens)

const base = Layer.effect(
  Base,
  Effect.map(HttpServer.HttpServer, ({ address }) => {
    const port = address._tag === "TcpAddress" ? address.port : 0
    return { url: `http://127.0.0.1:${port}`, port, path: "" }
  })
)

/** A listener of Node that cuts what is still open once its core has ended its streams. */
const listening = Effect.acquireRelease(
  Effect.async<Server>((resume) => {
    const server = createServer()
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) =>
    Effect.async<void>((resume) => {
      server.close(() => resume(Effect.void))
      setImmediate(() => server.closeAllConnections())
    })
)

const server = (adapter: Adapter, options: CheckoutServer.Options) =>
  adapter === "an app of @effect/platform"
    ? CheckoutServer.layer(options).pipe(
        Layer.provideMerge(base),
        Layer.provide(NodeHttpServer.layerServer(createServer, { port: 0, host: "127.0.0.1" }))
      )
    : Layer.scoped(
        Base,
        Effect.gen(function* () {
          const listener = yield* listening
          listener.on("request", listenerOf(adapter, yield* CheckoutServer.core(options)))
          const { port } = listener.address() as AddressInfo
          const path = pathOf(adapter)
          return { port, path, url: `http://127.0.0.1:${port}${path}` }
        })
      )

/** A server over any service: port 0 of the loopback, tokens of `callers`. */
export const serving = <E, R>(
  sessions: Layer.Layer<CheckoutSessions.CheckoutSessions, E, R>,
  options: CheckoutServer.Options = {},
  tokens: Readonly<Record<string, Caller.Caller>> = callers,
  adapter: Adapter = "Node's listener"
) => server(adapter, options).pipe(Layer.provide(authenticationOf(adapter, tokens)), Layer.provideMerge(sessions))

/** The default flow with one task that the host runs, in state Inventory. */
export const flow = Flow.withTasks(Flow.b2b, { Inventory: {} })

/** A server over an engine. Updates take no fiber but behind the platform, where they are effects as any other call. */
export const servingEngine = (
  engine: ReturnType<typeof CheckoutEngine.layer>,
  adapter: Adapter,
  options: CheckoutServer.Options = {},
  tokens: Readonly<Record<string, Caller.Caller>> = callers
) =>
  Layer.unwrapEffect(
    Effect.map(CheckoutEngine.CheckoutEngine, ({ startUpdate }) =>
      server(adapter, adapter === "an app of @effect/platform" ? options : { ...options, startUpdate })
    )
  ).pipe(
    Layer.provide(authenticationOf(adapter, tokens)),
    Layer.provideMerge(engine),
    Layer.provide(JournalMemory.layer),
    Layer.provideMerge(DirectoryMemory.layer)
  )

/** A server over the real engine; Inventory has a task that the host completes. */
export const world = (options?: CheckoutServer.Options, adapter: Adapter = "Node's listener") =>
  servingEngine(CheckoutEngine.layer({ flow: flow as Flow.Flow<any>, taskDrainMillis: 10 }), adapter, options)

/** A suite over the real engine, behind every adapter. */
export const byEveryAdapter = (
  name: string,
  options: CheckoutServer.Options,
  tests: (it: Vitest.MethodsNonLive<Layer.Layer.Success<ReturnType<typeof world>>, true>, adapter: Adapter) => void
): void => {
  for (const adapter of adapters) {
    layer(world(options, adapter), { excludeTestServices: true })(`${name}, by ${adapter}`, (it) => tests(it, adapter))
  }
}

let carts = 0

/** A new cart of the buyer, in a store of which its account is a member. */
export const newCart = Effect.gen(function* () {
  const directory = yield* Directory.Directory
  const number = ++carts
  const [accountId, storeId, cartId] = [`account-${number}`, `store-${number}`, `cart-${number}`]
  yield* directory.putStore(storeId)
  yield* directory.putAccount({ id: accountId, active: true })
  yield* directory.putStoreMember(storeId, accountId)
  yield* directory.putUser({ id: "buyer", roles: [] })
  yield* directory.putAccountMember(accountId, "buyer")
  yield* directory.putCart({ id: cartId, storeId, accountId, ownerId: "buyer", status: "Active" })
  return { accountId, storeId, cartId }
})

/** A session of a new cart, in state Start. */
export const newSession = Effect.gen(function* () {
  const sessions = yield* CheckoutSessions.CheckoutSessions
  const cart = yield* newCart
  const { session } = yield* sessions.open(callers.buyer, { cartId: cart.cartId })
  return { ...cart, id: session.id }
})

/** An answer as it came. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly body: any
}

const bodyOf = (text: string, type = ""): unknown => (text !== "" && type.includes("json") ? JSON.parse(text) : null)

/** What `send` may be told besides method and path. A `body` that is no text is sent as JSON. */
export interface SendOptions {
  readonly as?: Who | null
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** One request through fetch; the buyer's unless said otherwise. */
export const send = (method: string, path: string, { as = "buyer", body, headers }: SendOptions = {}) =>
  Effect.flatMap(Base, ({ url }) =>
    Effect.promise(async (): Promise<Answer> => {
      const response = await fetch(url + path, {
        method,
        headers: {
          ...(as === null ? {} : { authorization: `Bearer ${as}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
      })
      const text = await response.text()
      const all = Object.fromEntries(response.headers)
      return { status: response.status, headers: all, text, body: bodyOf(text, all["content-type"]) }
    })
  )

/** An update of a session through the native lane. */
export const update = (id: string, expCurrentState: string, nextState: string, options: SendOptions = {}) =>
  send("POST", `/v1/checkout-sessions/${id}/update`, {
    ...options,
    body: { expCurrentState, nextState, ...(options.body as object | undefined) }
  })

/** Sends bytes as they are and reads until the server closes; the request should say `Connection: close`. */
export const raw = (bytes: string | Buffer) =>
  Effect.flatMap(Base, ({ port }) =>
    Effect.async<string>((resume) => {
      const socket = connect(port, "127.0.0.1")
      const chunks: Array<Buffer> = []
      socket.on("data", (chunk) => chunks.push(chunk))
      socket.on("error", () => {})
      socket.on("close", () => resume(Effect.succeed(Buffer.concat(chunks).toString("utf8"))))
      socket.write(bytes)
      return Effect.sync(() => socket.destroy())
    }).pipe(Effect.timeout("10 seconds"), Effect.orDie)
  )

/** Takes one answer of a bare socket apart. */
export const parsed = (response: string): Answer => {
  const end = response.indexOf("\r\n\r\n")
  const [statusLine = "", ...lines] = response.slice(0, end).split("\r\n")
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()])
  )
  const text = response.slice(end + 4)
  return { status: Number(statusLine.split(" ")[1]), headers, text, body: bodyOf(text, headers["content-type"]) }
}
