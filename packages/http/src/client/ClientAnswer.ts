/**
 * ClientAnswer: reads what a server answered, up to a bound, and turns it into the value or the typed error that it means. A client
 * that got no readable answer says whether the call may have been applied (`doubt`).
 */
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { type CheckoutError, Refusal } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as WireError from "../contract/WireError.js"
import * as SessionEvents from "../formats/SessionEvents.js"

type AccessError = CheckoutError.AccessError

/** The answers that a call may have; anything else is unreadable. */
export interface Reply<A, E> {
  readonly decode: (body: unknown) => Either.Either<A, unknown>
  readonly isError: (error: CheckoutError.CheckoutError) => error is E & CheckoutError.CheckoutError
}

/** Makes a `Reply` of the schemas of the answer and of its errors. */
export const reply = <A, I, E extends CheckoutError.CheckoutError>(
  success: Schema.Schema<A, I>,
  failure: Schema.Schema<E>
): Reply<A, E> => ({ decode: Schema.decodeUnknownEither(success), isError: Schema.is(failure) })

/** The events of a stream, until its `end`. `whenRefused`: turns the loss of the token into the error that the reader gets. */
export const eventsOf = <A, E>(
  response: HttpClientResponse.HttpClientResponse,
  reply: Reply<A, E>,
  whenRefused: (error: CheckoutError.NotAuthenticated) => CheckoutError.NotAuthenticated
): Stream.Stream<A, E | AccessError> => {
  const told = (body: string): E | AccessError => {
    const error = errorOf(200, body, reply, "no")
    return isNotAuthenticated(error) ? whenRefused(error) : error
  }
  return Stream.decodeText(response.stream).pipe(
    withoutLongLines,
    SessionEvents.parse,
    Stream.mapError(() => cut),
    Stream.concat(Stream.fail(cut)),
    Stream.takeWhile(({ name }) => name !== "end"),
    Stream.mapEffect(({ name, body }) =>
      name === "change" ? answerOf(200, body, reply, "no") : Effect.fail(told(body))
    )
  )
}

/** What is read in place of a stream: nothing, if nothing can follow any more; else the refusal. */
export const noEventsOf = <A, E>(
  response: HttpClientResponse.HttpClientResponse,
  reply: Reply<A, E>
): Effect.Effect<Stream.Stream<A, E | AccessError>> =>
  Effect.match(textOf(response), {
    onSuccess: (text) =>
      response.status === 204 ? Stream.empty : Stream.fail(errorOf(response.status, text, reply, "no")),
    onFailure: () => Stream.fail(cut)
  })

/** Most bytes of an answer, and characters of an event: more than any page of a server of this release. */
export const answerMaxBytes = 16_777_216

/** The failure of an answer over the bound. */
export const tooLong = "too long"

/** The text of an answer, within the bound. One that says its length is read at once, any other piece by piece as long as there is room. */
export const textOf = (
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<string, HttpClientError.ResponseError | typeof tooLong> => {
  const { "content-length": length, "content-encoding": encoding } = response.headers
  if (length !== undefined && encoding === undefined)
    return Number(length) <= answerMaxBytes ? response.text : Effect.fail(tooLong)
  const chunks: Array<Uint8Array> = []
  let bytes = 0
  const take = (chunk: Uint8Array): Effect.Effect<void, typeof tooLong> => {
    bytes += chunk.length
    if (bytes > answerMaxBytes) return Effect.fail(tooLong)
    chunks.push(chunk)
    return Effect.void
  }
  const read = Effect.catchIf(
    Stream.runForEach(response.stream, take),
    (error) => error !== tooLong && error.reason === "EmptyBody",
    () => Effect.void
  )
  return Effect.map(read, () => {
    const whole = new Uint8Array(bytes)
    let at = 0
    for (const chunk of chunks) {
      whole.set(chunk, at)
      at += chunk.length
    }
    return new TextDecoder().decode(whole)
  })
}

// The parser keeps a line until its end.
const withoutLongLines = <E>(text: Stream.Stream<string, E>): Stream.Stream<string, E | typeof tooLong> =>
  Stream.mapAccumEffect(text, 0, (open, piece) => {
    const end = piece.lastIndexOf("\n")
    const first = end < 0 ? piece.length : piece.indexOf("\n")
    if (open + first > answerMaxBytes) return Effect.fail(tooLong)
    return Effect.succeed([end < 0 ? open + piece.length : piece.length - end - 1, piece] as const)
  })

/** The value of an answer, or its error. */
export const answerOf = <A, E>(
  status: number,
  text: string,
  reply: Reply<A, E>,
  doubt: "no" | "unknown"
): Effect.Effect<A, E | AccessError> => {
  if (status !== 200 && status !== 201) return Effect.fail(errorOf(status, text, reply, doubt))
  return Effect.mapError(Either.flatMap(parsed(text), reply.decode), () => unreadable(doubt))
}

const parsed = (text: string): Either.Either<unknown, unknown> => Either.try(() => JSON.parse(text))

const isNotAuthenticated = (error: unknown): error is CheckoutError.NotAuthenticated =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "NotAuthenticated"

/**
 * The error in a body. A refusal of the HTTP layer was certainly not applied, and its body says so. A 401 certainly was not
 * either, whoever answers it: a gateway in front of the server may.
 */
const errorOf = <A, E>(
  answered: number,
  text: string,
  reply: Reply<A, E>,
  doubt: "no" | "unknown"
): E | AccessError => {
  const body = Either.getOrNull(parsed(text))
  const error = WireError.fromProblem(body)
  if (error !== null) return reply.isError(error) ? error : unreadable(doubt)
  const isOurs = typeof body === "object" && body !== null && "_tag" in body && body._tag === "AdapterError"
  if (!isOurs) return answered === 401 ? Refusal.tokenRefused() : unreadable(doubt)
  const { applied, code, detail, status } = body as unknown as WireError.Problem
  if (status === 401) return Refusal.tokenRefused(detail)
  if (applied !== "no") return unreadable(doubt)
  if (status === 400 || status === 413)
    return { _tag: "InvalidInput", message: detail, retryable: false, applied, reason: "INVALID_INPUT", fields: [] }
  return unavailable(code, detail, applied)
}

/** An answer that this service does not give. */
export const unreadable = (applied: "no" | "unknown") =>
  unavailable("UNREADABLE_ANSWER", "The answer is not one of this service", applied)

/** No answer. */
export const unavailable = (
  reason: string,
  message: string,
  applied: "no" | "unknown"
): CheckoutError.StorageUnavailable => ({
  _tag: "StorageUnavailable",
  message,
  retryable: true,
  applied,
  reason,
  retryAfterMillis: 100
})

const cut = unavailable("CONNECTION_LOST", "The event stream was cut", "no")

/** The connection broke, or was never made. */
export const lost = (error: HttpClientError.HttpClientError, doubt: "no" | "unknown") =>
  neverSent(error)
    ? unavailable("CONNECTION_REFUSED", "No connection to the server", "no")
    : unavailable("CONNECTION_LOST", "The connection broke before the answer", doubt)

const refusedCodes = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"])

/** Codes that mean "never connected" only when `connect` failed: a live connection can end with them, too. */
const unreachableCodes = new Set(["EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT"])

/** Whether the connection was never made, by the system's error code somewhere in the chain of causes. */
const neverSent = (error: HttpClientError.HttpClientError): boolean => {
  if (error._tag === "RequestError" && error.reason !== "Transport") return true
  let cause: unknown = error
  for (let depth = 0; depth < 8 && typeof cause === "object" && cause !== null; depth++) {
    const code = "code" in cause ? String(cause.code) : ""
    if (refusedCodes.has(code)) return true
    if (unreachableCodes.has(code) && "syscall" in cause && cause.syscall === "connect") return true
    cause = "cause" in cause ? cause.cause : null
  }
  return false
}
