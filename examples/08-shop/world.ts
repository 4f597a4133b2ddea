/**
 * The world outside the shop: a payment provider that charges once for each idempotency key, and a receiver of messages that drops
 * what it has seen. Run it by itself, or in a test.
 */
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { pathToFileURL } from "node:url"

export interface Charge {
  readonly id: string
  readonly cartId: string
  readonly cents: number
}

/** The charges and messages so far. */
export interface World {
  readonly url: string
  /** By idempotency key. */
  readonly charges: ReadonlyMap<string, Charge>
  /** By message id. */
  readonly messages: ReadonlyMap<string, { readonly sessionId: string }>
  readonly close: () => void
}

/** Called after the action and awaited before the answer; false declines a charge. */
export type Seen = (what: "charge" | "message", body: any) => boolean | void | Promise<void>

const bodyOf = async (request: IncomingMessage): Promise<any> => {
  let body = ""
  for await (const chunk of request.setEncoding("utf8")) body += chunk
  return JSON.parse(body)
}

export const start = (port = 0, seen: Seen = () => {}): Promise<World> =>
  new Promise((resolve) => {
    const charges = new Map<string, Charge>()
    const messages = new Map<string, { readonly sessionId: string }>()
    const server = createServer(async (request, response) => {
      const body = await bodyOf(request)
      if (request.url === "/charges") {
        const key = String(request.headers["idempotency-key"])
        const charge = charges.get(key) ?? { id: `charge-${charges.size + 1}`, ...body }
        charges.set(key, charge)
        const isDeclined = (await seen("charge", body)) === false
        if (isDeclined) charges.delete(key)
        return response.writeHead(isDeclined ? 402 : 200).end(charge.id)
      }
      const id = String(request.headers["message-id"])
      if (!messages.has(id)) messages.set(id, body)
      await seen("message", { id, ...body })
      response.end()
    })
    server.listen(port, "127.0.0.1", () => {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      resolve({ url, charges, messages, close: () => server.close().closeAllConnections() })
    })
  })

if (import.meta.url === pathToFileURL(process.argv[1]!).href)
  console.log(`provider and mail at ${(await start(Number(process.env.PORT ?? 0))).url}`)
