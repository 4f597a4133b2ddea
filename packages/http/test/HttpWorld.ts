/**
 * HttpWorld: a real server on a free port of the loopback, over the real engine in memory, and two ways to speak to it:
 * `send` through fetch, and `raw` through a bare socket for what no HTTP library would say.
 */
import { createServer } from "node:http"
import { connect } from "node:net"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServer from "@effect/platform/HttpServer"
import { NodeHttpServer } from "@effect/platform-node"
import { layer, type Vitest } from "@effect/vitest"
import { Caller, CheckoutEngine, CheckoutSessions, Flow } from "@onelane/checkout"
import { Directory, DirectoryMemory } from "@onelane/directory"
import { JournalMemory } from "@onelane/engine"
import { Context, Effect, Layer } from "effect"
import * as Authentication from "../src/Authentication.js"
import * as CheckoutServer from "../src/CheckoutServer.js"

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
export class Base extends Context.Tag("test/Base")<Base, { readonly url: string; readonly port: number }>() {}

const whereOf = ({ address }: HttpServer.HttpServer) => {
  const port = address._tag === "TcpAddress" ? address.port : 0
  return { url: `http://127.0.0.1:${port}`, port }
}

const base = Layer.effect(Base, Effect.map(HttpServer.HttpServer, whereOf))

const listening = () => NodeHttpServer.layerServer(createServer, { port: 0, host: "127.0.0.1" })

/** Updates go the short way; what that leaves, through the platform's server. */
const short = (options: CheckoutServer.Options) =>
  Layer.scoped(
    Base,
    Effect.gen(function* () {
      const { updateNow } = yield* CheckoutEngine.CheckoutEngine
      const { app, hot } = yield* CheckoutServer.ways({ ...options, updateNow })
      const handle = yield* NodeHttpServer.makeHandler(app)
      const server = createServer((request, response) => {
        if (!hot!(request, response)) handle(request, response)
      })
      return whereOf(yield* NodeHttpServer.make(() => server, { port: 0, host: "127.0.0.1" }))
    })
  ).pipe(HttpMiddleware.withTracerDisabledWhen(() => true))

/** The two ways an update can come in. Each suite of the wire runs on both. */
export const ways = ["through the platform's server", "the short way"] as const

/** One of them. */
export type Way = (typeof ways)[number]

/** A server over any service: port 0 of the loopback, tokens of `callers`. */
export const serving = <E, R>(
  sessions: Layer.Layer<CheckoutSessions.CheckoutSessions, E, R>,
  options?: CheckoutServer.Options,
  tokens: Readonly<Record<string, Caller.Caller>> = callers
): Layer.Layer<Base | CheckoutSessions.CheckoutSessions, unknown, R> =>
  CheckoutServer.layer(options).pipe(
    Layer.provideMerge(base),
    Layer.provide(listening()),
    Layer.provide(Authentication.layerStatic(tokens)),
    Layer.provideMerge(sessions)
  )

/** The default flow with one task that the host runs, in state Inventory. */
export const flow = Flow.withTasks(Flow.b2b, { Inventory: {} })

/** A server over an engine, updates coming in as said. */
export const servingEngine = (
  engine: ReturnType<typeof CheckoutEngine.layer>,
  way: Way,
  options: CheckoutServer.Options = {},
  tokens: Readonly<Record<string, Caller.Caller>> = callers
) =>
  (way === "the short way"
    ? short(options).pipe(Layer.provide(Authentication.layerStatic(tokens)), Layer.provideMerge(engine))
    : serving(engine, options, tokens)
  ).pipe(Layer.provide(JournalMemory.layer), Layer.provideMerge(DirectoryMemory.layer))

/** A server over the real engine; Inventory has a task that the host completes. */
export const world = (options?: CheckoutServer.Options, way: Way = "through the platform's server") =>
  servingEngine(CheckoutEngine.layer({ flow: flow as Flow.Flow<any>, taskDrainMillis: 10 }), way, options)

/** A suite over the real engine, on both ways. */
export const onBothWays = (
  name: string,
  options: CheckoutServer.Options,
  tests: (it: Vitest.MethodsNonLive<Layer.Layer.Success<ReturnType<typeof world>>, true>) => void
): void => {
  for (const way of ways) layer(world(options, way), { excludeTestServices: true })(`${name}, ${way}`, tests)
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
export const raw = (bytes: string) =>
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
