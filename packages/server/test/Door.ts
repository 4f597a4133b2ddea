/**
 * Door: a server as `onelane serve` puts it together, over an engine in memory, and the same core behind the other adapters;
 * and bytes sent to it as they are.
 */
import { connect } from "node:net"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert } from "@effect/vitest"
import { Caller, CheckoutEngine, CheckoutSessions, Flow } from "@onelane/checkout"
import { Directory, DirectoryMemory } from "@onelane/directory"
import { JournalMemory } from "@onelane/engine"
import { Authentication, CheckoutServer, DoorMetrics, NodeListener, PlatformApp } from "@onelane/http"
import * as RawClient from "@onelane/testkit/RawClient"
import { Context, Effect, Layer } from "effect"
import * as Listener from "../src/serve/Listener.js"
import * as ListenerLimits from "../src/settings/ListenerLimits.js"

const callers = {
  buyer: Caller.make("buyer", ["buyer-checkout"]),
  stranger: Caller.make("stranger", ["buyer-checkout"]),
  nobody: Caller.make("nobody", []),
  host: Caller.host
}

/** How the core is reached: as `onelane serve` does, without the engine's own way for updates, or by the platform. */
export type How = "served" | "effects" | "platform"

/** One server. */
export interface Door {
  readonly port: number
  readonly metrics: DoorMetrics.DoorMetrics
  readonly listener: Effect.Effect.Success<ReturnType<typeof Listener.make>>
  readonly context: Context.Context<
    CheckoutSessions.CheckoutSessions | CheckoutEngine.CheckoutEngine | Directory.Directory
  >
}

/** What is set. `behind`: what stands behind the door in place of an engine. */
export interface Options extends CheckoutServer.Options {
  readonly listener?: Partial<ListenerLimits.ListenerLimits>
  readonly behind?: {
    readonly update: CheckoutSessions.CheckoutSessionsShape["update"]
    readonly startUpdate: CheckoutEngine.CheckoutEngineShape["startUpdate"]
  }
}

const flow = Flow.withTasks(Flow.b2b, { Inventory: {} }) as Flow.Flow<any>

const engine = CheckoutEngine.layer({ flow, taskDrainMillis: 10 }).pipe(
  Layer.provide(JournalMemory.layer),
  Layer.provideMerge(DirectoryMemory.layer)
)

/** Starts one. */
export const make = (options: Options = {}, how: How = "served") =>
  Effect.gen(function* () {
    const context = yield* Layer.build(Layer.fresh(engine))
    const real = Context.get(context, CheckoutEngine.CheckoutEngine)
    const sessions = Context.get(context, CheckoutSessions.CheckoutSessions)
    const { behind, listener: limits, ...door } = options
    const listener = yield* Listener.make({ ...ListenerLimits.defaults, closeMillis: 0, lingerMillis: 0, ...limits })
    const metrics = DoorMetrics.make()
    const startUpdate = how === "effects" ? undefined : (behind?.startUpdate ?? real.startUpdate)
    const service = behind === undefined ? sessions : { ...sessions, update: behind.update }
    const core = yield* CheckoutServer.core({ metrics, startUpdate, ...door }).pipe(
      Effect.provideService(Authentication.Authentication, Authentication.fixed(callers)),
      Effect.provideService(CheckoutSessions.CheckoutSessions, service)
    )
    const byPlatform = HttpMiddleware.withTracerDisabledWhenEffect(
      NodeHttpServer.makeHandler(PlatformApp.make(core)),
      () => true
    )
    if (how === "platform") listener.on("request", yield* byPlatform)
    else NodeListener.attach(listener, core, { ...NodeListener.defaults, ...limits })
    yield* Listener.listen(listener, "127.0.0.1", 0)
    yield* Effect.addFinalizer(() =>
      Listener.close(listener, { ...ListenerLimits.defaults, closeMillis: 0, lingerMillis: 0 })
    )
    const port = Number(new URL(Listener.urlOf(listener)).port)
    return { port, metrics, listener, context } satisfies Door
  })

/** Nothing is counted as being inside. */
export const isEmpty = ({ metrics }: Door) =>
  assert.deepStrictEqual(metrics.inside(), { requests: 0, bodyBytes: 0, streams: 0, waits: 0 })

let carts = 0

/** A session of a new cart, in state Start; its id is the same on servers that began alike when `number` is. */
export const newSession = (door: Door, number = ++carts) => {
  const id = `session-${number}`
  return Effect.as(Effect.provide(put(number, id), door.context), {
    id,
    accountId: `account-${number}`,
    storeId: `store-${number}`,
    cartId: `cart-${number}`
  })
}

const put = (number: number, checkoutSessionId: string) =>
  Effect.gen(function* () {
    const directory = yield* Directory.Directory
    const [accountId, storeId, cartId] = [`account-${number}`, `store-${number}`, `cart-${number}`]
    yield* directory.putStore(storeId)
    yield* directory.putAccount({ id: accountId, active: true })
    yield* directory.putStoreMember(storeId, accountId)
    yield* directory.putUser({ id: "buyer", roles: [] })
    yield* directory.putAccountMember(accountId, "buyer")
    yield* directory.putCart({ id: cartId, storeId, accountId, ownerId: "buyer", status: "Active" })
    const sessions = yield* CheckoutSessions.CheckoutSessions
    yield* sessions.open(Caller.host, { cartId, checkoutSessionId })
  })

/** What a server says to pieces of bytes, until so many answers came, it closes, or it is late. */
export const told = (
  { port }: Door,
  pieces: ReadonlyArray<Buffer | string>,
  { answers = 1, lateMillis = 3_000, ends = false } = {}
): Effect.Effect<string> =>
  Effect.async<string>((resume) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true })
    let text = ""
    const finish = (end: string) => {
      // A client that only closes its half still wants its answer; one that is gone says so.
      if (end === "late") socket.resetAndDestroy()
      else socket.destroy()
      resume(Effect.succeed(`${same(text)}[${end}]`))
    }
    socket.setEncoding("latin1")
    socket.setTimeout(lateMillis, () => finish("late"))
    socket.on("data", (chunk) => {
      text += chunk
      if (RawClient.parse(text).answers.length >= answers && !ends) finish("enough")
    })
    socket.on("error", () => {})
    socket.on("end", () => finish("closed"))
    socket.on("close", () => finish("closed"))
    const write = ([piece, ...more]: ReadonlyArray<Buffer | string>): void => {
      if (piece === undefined) return void (ends && socket.end())
      socket.write(piece, () => setImmediate(() => write(more)))
    }
    write(pieces)
  })

/** Ids and instants differ from one run to the next. */
const same = (text: string): string =>
  text
    .replace(/^Date: .*$/gim, "Date: then")
    .replace(/req_[0-9a-z]+/g, "req_")
    .replace(/op_req_/g, "op_")
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "then")

export const update = { expCurrentState: "Start", nextState: "Shipping Address" }
export const standardPath = "/services/data/v62.0/actions/standard/updateCheckoutSessionAction"
export const aliasPath = "/services/data/v99.0/actions/standard/updateCheckoutSessionStateAction"
export const nativePath = (id: string) => `/v1/checkout-sessions/${id}/update`

export interface Said {
  readonly path?: string
  readonly token?: string
  readonly body?: unknown
  readonly headers?: string
  readonly type?: string | null
  readonly method?: string
}

export const request = ({
  body,
  headers = "",
  method = "POST",
  path,
  token = "buyer",
  type = "application/json"
}: Said) => {
  const text = typeof body === "string" ? body : JSON.stringify(body ?? {})
  const lines = `authorization: Bearer ${token}\r\n${type === null ? "" : `content-type: ${type}\r\n`}${headers}`
  return `${method} ${path} HTTP/1.1\r\nhost: a\r\n${lines}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
}

export const native = (id: string, said: Said = {}) => request({ path: nativePath(id), body: update, ...said })

export const standard = (id: string, more: object = {}, said: Said = {}) =>
  request({ path: standardPath, body: { inputs: [{ checkoutSessionId: id, ...update, ...more }] }, ...said })
