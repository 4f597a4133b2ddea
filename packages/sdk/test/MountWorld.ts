/** MountWorld: a checkout mounted in servers of a host: a bare listener of Node, or a web handler behind one. */
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { Readable } from "node:stream"
import { type Caller, type Flow, Onelane } from "@onelane/sdk"
import { type MountOptions, toNodeHandler, toWebHandler } from "@onelane/sdk/server"

/** The two ways to mount. */
export const ways = ["toNodeHandler", "toWebHandler"] as const

/** One of them. */
export type Way = (typeof ways)[number]

/** A mounted checkout behind a port. */
export interface Mounted {
  readonly url: string
  readonly close: () => Promise<void>
  readonly server: Server
}

/** The bearer token, which tests use as the name of a user. */
export const nameOf = (request: IncomingMessage | Request): string | undefined => {
  const header =
    request instanceof Request ? request.headers.get("authorization") : (request.headers.authorization ?? null)
  return header?.slice("Bearer ".length)
}

/** Knows everybody by name. */
export const byName = (request: IncomingMessage | Request): Caller.Caller | null => {
  const userId = nameOf(request)
  if (userId === undefined) return null
  return { userId, roles: [userId === "admin" ? "modify-all-data" : "buyer-checkout"], actingAccountId: null }
}

const bridged =
  (handle: (request: Request) => Promise<Response>): RequestListener =>
  (incoming, response) => {
    const leaving = new AbortController()
    response.on("close", () => leaving.abort())
    const { headers, method, url } = incoming
    const body =
      method === "GET" || method === "HEAD"
        ? {}
        : { body: Readable.toWeb(incoming) as ReadableStream, duplex: "half" as const }
    const init = { method: method!, headers: headers as Record<string, string>, signal: leaving.signal, ...body }
    void handle(new Request(`http://localhost${url}`, init)).then(async (answer) => {
      response.writeHead(answer.status, Object.fromEntries(answer.headers))
      response.flushHeaders()
      for await (const piece of answer.body ?? []) response.write(piece)
      response.end()
    })
  }

/** Listens on a free port of the loopback. */
export const listening = async (
  listener: RequestListener
): Promise<{ readonly server: Server; readonly url: string }> => {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** Mounts a checkout below `/shop`. `around` stands in front of it, as middleware of the host. */
export const mounted = async (
  way: Way,
  checkout: Parameters<typeof toNodeHandler>[0],
  options: Partial<MountOptions<any>> = {},
  around: (go: () => void, request: IncomingMessage) => void = (go) => go()
): Promise<Mounted> => {
  const given = { authenticate: byName, basePath: "/shop", ...options }
  const handle = way === "toNodeHandler" ? toNodeHandler(checkout, given) : toWebHandler(checkout, given)
  const listener =
    way === "toNodeHandler" ? (handle as RequestListener) : bridged(handle as (request: Request) => Promise<Response>)
  const { server, url } = await listening((request, response) => around(() => listener(request, response), request))
  return { server, url: `${url}/shop`, close: handle.close }
}

/** Runs a test on a checkout, mounted in one way. */
export const inWorld = async (
  way: Way,
  test: (world: Mounted & { readonly checkout: Awaited<ReturnType<typeof Onelane.open>> }) => Promise<void>,
  options: Partial<MountOptions<any>> = {},
  opened: Partial<Parameters<typeof Onelane.open>[0]> & { readonly flow?: Flow.Flow<any> } = {},
  around?: (go: () => void, request: IncomingMessage) => void
): Promise<void> => {
  const checkout: any = await Onelane.open({ storage: ":memory:", ...opened })
  const world = await mounted(way, checkout, options, around)
  try {
    await test({ ...world, checkout })
  } finally {
    await checkout.close()
    world.server.closeAllConnections()
    await new Promise((resolve) => world.server.close(resolve))
  }
}

/** What `send` may be told besides the path. */
export interface Sent {
  readonly as?: string | null
  readonly method?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

const sentBody = (body: unknown): RequestInit => {
  if (body instanceof ReadableStream) return { body, duplex: "half" }
  return { body: typeof body === "string" ? body : JSON.stringify(body) }
}

/** One request. A body makes it a POST. */
export const send = (url: string, path: string, { as = "ann", body, headers, method, signal }: Sent = {}) =>
  fetch(url + path, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: {
      ...(as === null ? {} : { authorization: `Bearer ${as}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers
    },
    ...(signal === undefined ? {} : { signal }),
    ...(body === undefined ? {} : sentBody(body))
  })

/** The JSON of an answer. */
export const bodyOf = async (answer: Response): Promise<any> => answer.json()

/** Opens a session of Ann's. */
export const newSession = async (url: string, cartId: string): Promise<string> => {
  const { session } = await bodyOf(await send(url, "/v1/checkout-sessions", { body: { cartId } }))
  return session.id
}

/** Reads a stream piece by piece; null at its end. */
export const piecesOf = ({ body }: Response): (() => Promise<string | null>) => {
  const reader = body!.getReader()
  return async () => {
    const { done, value } = await reader.read()
    return done ? null : new TextDecoder().decode(value)
  }
}
