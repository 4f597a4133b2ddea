/**
 * Wire: sends one request under a token and reads its answer, within a time and a bound. One try; whether there is another is
 * decided elsewhere (`Outcome`).
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

/** What a call comes to: the value, or a typed error. */
export type Result<A, E = CallError> =
  | { readonly ok: true; readonly value: A }
  | { readonly ok: false; readonly error: E }

/** The caller's signal fired. */
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

const isAnswer = (answer: Answered | CallError): answer is Answered => "status" in answer

/** Sends a request, once more under another token if there is one to ask for, and reads its answer. */
export const send = async <A>(wire: Wire, request: Request, read: Read<A>): Promise<Result<A>> => {
  const answer = await underToken(wire.tokens, (token) => exchange(wire, request, token, asText), request.signal)
  if (!isAnswer(answer)) return { ok: false, error: answer }
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

/** Asks under a token; once more under another one if it was answered 401 and there is another to ask for. */
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

/** One exchange under a token, in time: the request, and what `take` makes of the answer. */
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
    } catch {
      // Whether anything was sent is not known: browsers do not tell.
      return Answers.lost(doubt)
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

/** The text of an answer; null if it is too long. One that says its length is read at once. */
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
