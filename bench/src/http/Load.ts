/**
 * Load: `autocannon` in a process of its own. Every connection moves one session round the ring, with valid updates
 * only, and checks every answer: status, state, and a version that is one higher than the last. After the last answer,
 * the calls and answers of the round are counted and checked as a history.
 */
import { setTimeout as sleep } from "node:timers/promises"
import autocannon from "autocannon"
import { nextOf } from "../Load.js"
import { Log } from "../Log.js"

/** The protocol of a server: how to write an update request, and how to read its answer. */
export interface Dialect {
  readonly method: "POST"
  readonly pathOf: (id: string) => string
  readonly bodyOf: (id: string, expected: string, next: string) => unknown
  readonly read: (body: any) => { readonly version: number; readonly state: string }
}

/** The dialects by name. */
export const dialects: Readonly<Record<"native" | "standard" | "plain", Dialect>> = {
  plain: {
    method: "POST",
    pathOf: () => "/update",
    bodyOf: (checkoutSessionId, expCurrentState, nextState) => ({ checkoutSessionId, expCurrentState, nextState }),
    read: ({ session }) => session
  },
  native: {
    method: "POST",
    pathOf: (id) => `/v1/checkout-sessions/${id}/update`,
    bodyOf: (_id, expCurrentState, nextState) => ({ expCurrentState, nextState }),
    read: ({ session }) => session
  },
  standard: {
    method: "POST",
    pathOf: () => "/services/data/v62.0/actions/standard/updateCheckoutSessionAction",
    bodyOf: (checkoutSessionId, expCurrentState, nextState) => ({
      inputs: [{ checkoutSessionId, nextState, expCurrentState }]
    }),
    read: ([{ current }]) => current
  }
}

/** The input of the process, and its answer. */
export interface Order {
  readonly url: string
  readonly dialect: keyof typeof dialects
  readonly requests: number
  readonly sessions: ReadonlyArray<{ readonly id: string; readonly state: string; readonly version: number }>
}

/** The state of every session afterwards; `fault`: a wrong answer or history. */
export interface Done {
  readonly sessions: Order["sessions"]
  /** Calls checked. */
  readonly judged: number
  readonly p50: number
  readonly p99: number
  readonly fault: string | null
}

/** The token of the one caller. */
export const token = "bench"

/** Sends so many requests over as many connections as there are sessions. */
export const send = async ({ url, dialect: name, requests, sessions }: Order): Promise<Done> => {
  const dialect = dialects[name]
  const standing = sessions.map((session) => ({ ...session }))
  let fault: string | null = null
  let connected = 0
  // A connection prepares its next request before it knows that the round is over.
  const log = new Log(requests + 2 * sessions.length)
  const result = await autocannon({
    url,
    connections: sessions.length,
    amount: requests,
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    setupClient: (client) => {
      const index = connected++ % standing.length
      const session = standing[index]!
      let call = -1
      client.setRequests([
        {
          method: dialect.method,
          path: dialect.pathOf(session.id),
          setupRequest: (request) => {
            const next = nextOf(session.state)
            call = log.invoke(index, index, session.state, next)
            return { ...request, body: JSON.stringify(dialect.bodyOf(session.id, session.state, next)) }
          },
          onResponse: (status, body) => {
            const { state, version } = status === 200 ? dialect.read(JSON.parse(body)) : { state: "", version: 0 }
            if (state !== nextOf(session.state) || version !== session.version + 1)
              fault ??= `${session.id} at version ${session.version}: answered ${status} ${body}`
            log.answer(call, { outcome: status === 200 ? "ok" : "info", state, version: status === 200 ? version : -1 })
            session.state = state
            session.version = version
          }
        }
      ])
    }
  })
  await sleep(10)
  const { errors, non2xx, timeouts } = result
  if (errors + non2xx + timeouts > 0) fault ??= `${errors} errors, ${non2xx} other statuses, ${timeouts} time-outs`
  const ids = sessions.map(({ id }) => id)
  fault ??= log.tally(ids, sessions) ?? log.judge(ids, sessions)
  return { sessions: standing, judged: log.length, p50: result.latency.p50, p99: result.latency.p99, fault }
}

if (process.send !== undefined && process.argv[2] === "load") {
  process.on("message", (order: Order) => {
    void send(order).then((done) => process.send!(done))
  })
  process.on("disconnect", () => process.exit(0))
}
