/** Door: a server whose answers a test writes, and what it heard. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect } from "effect"

/** One request, as the server heard it. */
export interface Heard {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage["headers"]
  readonly body: any
}

/** A session as it stands on the wire. */
export const session = (fields: object = {}): object => ({
  id: "s1",
  cartId: "c1",
  storeId: "store",
  accountId: "acme",
  ownerId: "ann",
  state: "Cart",
  nextState: null,
  isProcessing: false,
  isError: false,
  isArchived: false,
  closedBy: null,
  operationId: null,
  workKey: null,
  orderId: null,
  version: 1,
  lastRequestId: null,
  createdAt: "2026-01-31T12:00:00.000Z",
  updatedAt: "2026-01-31T12:00:00.000Z",
  expiresAt: null,
  data: null,
  ...fields
})

/** A committed change as it stands on the wire. */
export const entry = (version: number): object => ({
  version,
  type: "Updated",
  at: "2026-01-31T12:00:00.000Z",
  from: "Cart",
  to: "Pay",
  requestId: `req_${version}`,
  operationId: null,
  workKey: null,
  orderId: null,
  by: "ann",
  reason: null,
  cause: null,
  cartChanged: false,
  passedThrough: [],
  followUp: null,
  data: null
})

/** Where a refused session is. */
export const current = (version: number): object => ({
  state: "Pay",
  version,
  nextState: null,
  isProcessing: false,
  isArchived: false,
  orderId: null,
  lastRequestId: null
})

/** The body of a problem. */
export const problem = (_tag: string, fields: object = {}): object => ({
  _tag,
  detail: "told",
  reason: "WHY",
  retryable: false,
  applied: "no",
  ...fields
})

/** Answers with JSON. */
export const json = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { "content-type": "application/json" })
  response.end(JSON.stringify(body))
}

/** Starts a server; `answer` gets the request and how many came before it. */
export const open = (answer: (heard: Heard, response: ServerResponse, index: number) => void) =>
  Effect.acquireRelease(
    Effect.async<{ readonly url: string; readonly heard: Array<Heard>; readonly close: () => void }>((resume) => {
      const heard: Array<Heard> = []
      const server = createServer((incoming, response) => {
        const chunks: Array<Buffer> = []
        incoming.on("data", (chunk) => chunks.push(chunk))
        incoming.on("end", () => {
          const text = Buffer.concat(chunks).toString()
          const { headers, method, url } = incoming
          const one = { method: method!, path: url!, headers, body: text === "" ? null : JSON.parse(text) }
          answer(one, response, heard.push(one) - 1)
        })
      })
      const close = (): void => {
        server.closeAllConnections()
        server.close()
      }
      server.listen(0, "127.0.0.1", () => {
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
        resume(Effect.succeed({ url, heard, close }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )
