/**
 * Doors: two ways to call a service in another process: HTTP as in the protocol, and lines of JSON to a program that
 * embeds the engine. Neither uses a client of Onelane, so a client's bug cannot hide one of the server.
 *
 * Owns the meaning of a missing answer: the outcome of a write is unknown, unless nothing was sent; a read was not
 * applied.
 */
import type { CheckoutError, CheckoutSessions } from "@onelane/checkout"
import { Effect, Stream } from "effect"

type Service = CheckoutSessions.CheckoutSessionsShape

/** One call of the service by name. */
type Call = (method: Method, input: object) => Effect.Effect<unknown, CheckoutError.StorageUnavailable>

type Method = "open" | "update" | "get" | "cancel" | "history" | "completeTask" | "failTask" | "releaseClaim" | "move"

const lost = (reason: string, applied: "no" | "unknown"): CheckoutError.StorageUnavailable => ({
  _tag: "StorageUnavailable",
  message: "no answer came",
  retryable: true,
  applied,
  reason,
  retryAfterMillis: 20
})

const doubtOf = (method: Method): "no" | "unknown" => (method === "get" || method === "history" ? "no" : "unknown")

/** Builds the service from calls; the door determines their caller. */
const serviceOf = (call: Call): Service =>
  ({
    open: (_: unknown, input: object) => call("open", input),
    update: (_: unknown, input: object) => call("update", input),
    get: (_: unknown, input: object) => call("get", input),
    cancel: (_: unknown, input: object) => call("cancel", input),
    history: (_: unknown, input: object) => call("history", input),
    completeTask: (_: unknown, input: object) => call("completeTask", input),
    failTask: (_: unknown, input: object) => call("failTask", input),
    releaseClaim: (_: unknown, input: object) => call("releaseClaim", input),
    move: (_: unknown, input: object) => call("move", input),
    follow: () => Effect.die("a door has no streams"),
    changes: () => Stream.die("a door has no streams")
  }) as unknown as Service

/** The HTTP request of a call: method, path and body. Source: PROTOCOL, native format. */
const requestOf = (method: Method, input: Record<string, unknown>): readonly [string, string, object | null] => {
  const { checkoutSessionId, operationId, ...rest } = input
  const session = `/v1/checkout-sessions/${checkoutSessionId}`
  switch (method) {
    case "open":
      return ["POST", "/v1/checkout-sessions", input]
    case "get":
      return ["GET", session, null]
    case "history":
      return ["GET", `${session}/history`, null]
    case "update":
      return ["POST", `${session}/update`, rest]
    case "move":
      return ["POST", `${session}/move`, rest]
    case "cancel":
      return ["POST", "/v1/checkout-sessions/cancel", input]
    case "completeTask":
      return ["POST", `${session}/operations/${operationId}/complete`, rest]
    case "failTask":
      return ["POST", `${session}/operations/${operationId}/fail`, rest]
    case "releaseClaim":
      return ["POST", `${session}/operations/${operationId}/release`, rest]
  }
}

/**
 * The service over HTTP. `url` is called for every request, because a restarted server has another address. A call
 * without an answer times out after `patienceMillis`; default: never.
 */
export const http = (url: () => string, token: string, patienceMillis?: number): Service =>
  serviceOf((method, input) => {
    const [verb, path, body] = requestOf(method, input as Record<string, unknown>)
    return Effect.tryPromise({
      try: async (signal) => {
        const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" }
        const said = body === null ? {} : { body: JSON.stringify(body) }
        const until = patienceMillis === undefined ? [] : [AbortSignal.timeout(patienceMillis)]
        const ending = AbortSignal.any([signal, ...until])
        const response = await fetch(`${url()}${path}`, { method: verb, headers, signal: ending, ...said })
        return { status: response.status, text: await response.text() }
      },
      catch: (error) => lost("LOST", isNeverSent(error) ? "no" : doubtOf(method))
    }).pipe(
      Effect.flatMap(({ status, text }) => {
        const answer: unknown = JSON.parse(text)
        return status < 300 ? Effect.succeed(answer) : Effect.fail(answer as CheckoutError.StorageUnavailable)
      })
    )
  })

const isNeverSent = (error: unknown): boolean =>
  (error as { readonly cause?: { readonly code?: string } } | null)?.cause?.code === "ECONNREFUSED"

/** The service over a program that answers lines, and the handler of the lines that it writes. */
export interface Lines {
  readonly service: Service
  /** Handles a line of the program. */
  readonly hear: (line: string) => void
  /** The program has ended: pending calls get no answer. */
  readonly cut: () => void
}

interface Pending {
  readonly method: Method
  readonly resume: (answer: Effect.Effect<unknown, CheckoutError.StorageUnavailable>) => void
}

/**
 * The service over lines: `[number, method, input]` out, `[number, ok, value]` back. An interrupted call sends
 * `[number]`.
 */
export const lines = (tell: (line: string) => void): Lines => {
  const waiting = new Map<number, Pending>()
  let count = 0
  let isCut = false
  return {
    service: serviceOf((method, input) =>
      Effect.async((resume) => {
        if (isCut) return resume(Effect.fail(lost("GONE", "no")))
        const number = count++
        waiting.set(number, { method, resume })
        tell(JSON.stringify([number, method, input]))
        return Effect.sync(() => {
          waiting.delete(number)
          tell(JSON.stringify([number]))
        })
      })
    ),
    hear: (line) => {
      const [number, ok, value] = JSON.parse(line)
      waiting.get(number)?.resume(ok ? Effect.succeed(value) : Effect.fail(value))
      waiting.delete(number)
    },
    cut: () => {
      isCut = true
      for (const { method, resume } of waiting.values()) resume(Effect.fail(lost("LOST", doubtOf(method))))
      waiting.clear()
    }
  }
}
