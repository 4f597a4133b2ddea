/**
 * Wire: sends one request with a token and reads its answer, with a timeout and a size limit. One attempt; `Outcome`
 * decides about retries.
 */
import * as Answers from "./Answers.js"
import type { Aborted, CallError, StorageUnavailable } from "./CheckoutError.js"
import type { Read } from "./Shape.js"
import { within } from "./Time.js"
import type { Tokens } from "./Token.js"

/** Where requests go. */
export interface Wire {
  /** URL of the server, without a slash at its end. */
  readonly base: string
  readonly fetch: typeof fetch
  readonly tokens: Tokens
  readonly timeoutMillis: number
  /** The error for a failed `fetch`. */
  readonly lost: (doubt: Answers.Doubt, error: unknown) => StorageUnavailable
}

/** One request. */
export interface Request {
  readonly path: string
  /** JSON; null: a `GET`. */
  readonly body: string | null
  /** How long the server may wait before it answers, milliseconds; 0: not at all. */
  readonly waitMillis: number
  readonly signal: AbortSignal | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** Most bytes of an answer, and characters of an event: more than any page of a server of this release. */
export const answerMaxBytes = 16_777_216

/** The result of a call: the value, or a typed error. */
export type Result<A, E = CallError> =
  | { readonly ok: true; readonly value: A }
  | { readonly ok: false; readonly error: E }

/** The error after the caller's signal fired. */
export const aborted = (applied: "no" | "unknown"): Aborted => ({
  _tag: "Aborted",
  message: "The call was aborted",
  reason: "ABORTED",
  retryable: true,
  applied
})

const doubtOf = ({ body }: Request): Answers.Doubt => (body === null ? "no" : "unknown")

interface Answered {
  readonly status: number
  /** Null: it was too long. */
  readonly text: string | null
}

/** Sends a request and reads its answer; after a 401, once more with a new token if there is one. */
export const send = async <A>(wire: Wire, request: Request, read: Read<A>): Promise<Result<A>> => {
  const answer = await underToken(wire.tokens, (token) => exchange(wire, request, token, asText), request.signal)
  if (!("status" in answer)) return { ok: false, error: answer }
  const doubt = doubtOf(request)
  const { status, text } = answer
  if (text === null) return { ok: false, error: Answers.unreadable(doubt) }
  if (status !== 200 && status !== 201) return { ok: false, error: Answers.errorOf(status, text, doubt) }
  try {
    return { ok: true, value: Answers.parse(text, read) }
  } catch {
    return { ok: false, error: Answers.unreadable(doubt) }
  }
}

/** Sends with a token; after a 401, once more with a new token if one can be requested. */
export const underToken = async <A extends { readonly status: number } | CallError>(
  tokens: Tokens,
  ask: (token: string) => Promise<A>,
  signal: AbortSignal | undefined
): Promise<A | CallError> => {
  for (let isLast = false; ; isLast = true) {
    const token = await tokens.get()
    if (typeof token !== "string") return token
    if (signal?.aborted === true) return aborted("no")
    const answer = await ask(token)
    const isRefused = "status" in answer && answer.status === 401 && tokens.refused(token)
    if (!isRefused || isLast) return answer
  }
}

const asText = async (response: Response): Promise<Answered> => ({
  status: response.status,
  text: await textOf(response)
})

/** Sends one request with a token and a timeout, and returns what `take` reads from the answer. */
export const exchange = <A>(
  wire: Wire,
  request: Request,
  token: string,
  take: (response: Response) => Promise<A>
): Promise<A | StorageUnavailable | Aborted> => {
  const { body, path, signal, waitMillis } = request
  const doubt = doubtOf(request)
  const millis = wire.timeoutMillis + waitMillis
  const headers: Record<string, string> = { ...request.headers }
  if (token !== "") headers.authorization = `Bearer ${token}`
  if (body !== null) headers["content-type"] = "application/json"
  if (waitMillis > 0) headers.prefer = `wait=${waitMillis / 1_000}`
  const ask = async (signal: AbortSignal): Promise<A | StorageUnavailable> => {
    const { fetch } = wire
    try {
      const method = body === null ? "GET" : "POST"
      return await take(await fetch(wire.base + path, { method, headers, body, signal }))
    } catch (error) {
      return wire.lost(doubt, error)
    }
  }
  return within<A | StorageUnavailable | Aborted>(
    millis,
    signal,
    ask,
    () => Answers.unavailable("TIMEOUT", `No answer within ${millis} ms`, doubt),
    () => aborted(doubt)
  )
}

/** Returns the text of an answer; null if it is too long. An answer with a content length is read in one piece. */
export const textOf = async (response: Response): Promise<string | null> => {
  const { body, headers } = response
  const length = headers.get("content-length")
  if (length !== null && headers.get("content-encoding") === null)
    return Number(length) > answerMaxBytes ? null : response.text()
  if (typeof body?.getReader !== "function") return response.text()
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ""
  for (let bytes = 0; ; ) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    bytes += value.length
    if (bytes > answerMaxBytes) {
      void reader.cancel().catch(() => {})
      return null
    }
    text += decoder.decode(value, { stream: true })
  }
}
