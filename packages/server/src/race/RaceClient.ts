/**
 * RaceClient: sends the requests of a race: only to the one host and the addresses that were looked up, with limits on
 * the number of requests, the time of each, and the bytes of an answer. A redirect to another origin is not followed.
 */

import * as Http from "node:http"
import * as Https from "node:https"
import type { LookupFunction } from "node:net"
import { clearTimeout, setTimeout } from "node:timers"
import type { Adapter, RaceHttp, RaceRequest, RaceResponse } from "./Adapter.js"
import type { RaceTarget } from "./RaceTarget.js"

/** The limits of a client. */
export interface ClientLimits {
  readonly requestsMaxCount: number
  readonly deadlineMillis: number
  readonly bodyMaxBytes: number
  readonly socketsMaxCount: number
}

/** Why there is no answer. `"unsent"`: nothing was sent, so nothing was applied. */
export type NoAnswer = "unsent" | "over" | "timeout" | "lost" | "too large" | "redirected"

/** No answer to a request. */
export class RequestFailed extends Error {
  override readonly name = "RequestFailed"
  readonly kind: NoAnswer
  constructor(kind: NoAnswer, message: string) {
    super(message)
    this.kind = kind
  }
}

/** A client. */
export interface RaceClient {
  readonly http: RaceHttp
  readonly requests: () => number
  readonly close: () => void
}

const redirectsMaxCount = 3

/** Creates a client; `token` is sent, and never shown. */
export const make = (
  target: RaceTarget,
  limits: ClientLimits,
  token: string | null,
  { authorize = bearer }: Pick<Adapter, "authorize">
): RaceClient => {
  const isTls = target.origin.startsWith("https:")
  const agent = new (isTls ? Https : Http).Agent({ keepAlive: true, maxSockets: limits.socketsMaxCount })
  const credentials = token === null ? {} : authorize(token)
  let requests = 0
  const send = (request: RaceRequest, url: URL, redirects: number): Promise<RaceResponse> => {
    if (requests === limits.requestsMaxCount)
      return Promise.reject(
        new RequestFailed("over", `the ${limits.requestsMaxCount} requests of this run are used up`)
      )
    requests++
    return exchange({ ...request, headers: { ...credentials, ...request.headers } }, url, target, limits, agent).then(
      (response) => {
        const to = redirectOf(request.method, response, url)
        if (to === null) return response
        // A user name in the URL would be sent as credentials.
        if (to.origin !== target.origin || to.username !== "" || redirects === redirectsMaxCount)
          throw new RequestFailed(
            "redirected",
            `redirected ${to.origin === target.origin ? "too often" : "to another host"}`
          )
        return send(request, to, redirects + 1)
      }
    )
  }
  const http: RaceHttp = async (request) => {
    const url = `${target.origin}${target.base}${request.path}`
    if (!/^\/(?!\/)/.test(request.path) || !URL.canParse(url) || new URL(url).origin !== target.origin)
      throw new RequestFailed("unsent", "the path of a request must begin with one slash")
    return send(request, new URL(url), 0)
  }
  return { http, requests: () => requests, close: () => agent.destroy() }
}

const bearer = (token: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${token}` })

/**
 * The URL of a redirect; null if the answer is final. A write is redirected only if its method and body are preserved.
 */
const redirectOf = (method: string, { headers, status }: RaceResponse, from: URL): URL | null => {
  const { location } = headers
  const isRead = method === "GET" || method === "HEAD"
  const leads = status === 307 || status === 308 || (isRead && [301, 302, 303].includes(status))
  if (!leads || location === undefined) return null
  if (!URL.canParse(location, from.href)) throw new RequestFailed("redirected", "redirected to what is no URL")
  return new URL(location, from)
}

const notSent = new Set(["ECONNREFUSED", "ENOTFOUND", "EADDRNOTAVAIL", "EMFILE"])

const failureOf = (thrown: Error, isConnected: boolean): RequestFailed => {
  if (thrown instanceof RequestFailed) return thrown
  const { code = thrown.message } = thrown as NodeJS.ErrnoException
  return !isConnected && notSent.has(code)
    ? new RequestFailed("unsent", `no connection: ${code}`)
    : new RequestFailed("lost", `the connection broke: ${code}`)
}

/** One request and its answer. */
const exchange = (
  { body, headers, method }: RaceRequest,
  url: URL,
  target: RaceTarget,
  { bodyMaxBytes, deadlineMillis }: ClientLimits,
  agent: Http.Agent
): Promise<RaceResponse> =>
  new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body)
    const request = (url.protocol === "https:" ? Https : Http).request(url, {
      agent,
      method,
      lookup: pinned(target),
      headers: {
        accept: "application/json",
        "accept-encoding": "identity",
        ...(text !== undefined && { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
        ...headers
      }
    })
    let isConnected = false
    const fail = (thrown: Error): void => {
      clearTimeout(late)
      reject(failureOf(thrown, isConnected))
      request.destroy()
    }
    const late = setTimeout(
      () => fail(new RequestFailed("timeout", `no answer within ${deadlineMillis} ms`)),
      deadlineMillis
    )
    request.on("socket", (socket) => {
      if (!socket.connecting) isConnected = true
      else socket.once("connect", () => (isConnected = true))
    })
    request.on("error", fail)
    request.on("response", (response) => {
      const pieces: Array<Buffer> = []
      let bytes = 0
      response.on("data", (piece: Buffer) => {
        bytes += piece.length
        if (bytes <= bodyMaxBytes) pieces.push(piece)
        else fail(new RequestFailed("too large", `an answer of more than ${bodyMaxBytes} bytes`))
      })
      response.on("error", fail)
      response.on("end", () => {
        clearTimeout(late)
        resolve(responseOf(response, Buffer.concat(pieces).toString("utf8")))
      })
    })
    request.end(text)
  })

/** Connects to the addresses that were checked, even if the name resolves differently by now. */
const pinned =
  ({ addresses }: RaceTarget): LookupFunction =>
  (_, options, done) => {
    const [first] = addresses
    if (options.all) done(null, [...addresses])
    else done(null, first!.address, first!.family)
  }

const responseOf = (response: Http.IncomingMessage, text: string): RaceResponse => {
  const headers = Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : `${value}`
    ])
  )
  return { status: response.statusCode ?? 0, headers, text, json: jsonOf(text) }
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
