/**
 * SessionEvents: writes the committed changes of a session as server-sent events, and parses them.
 *
 * `id` is the version after the change, so that a client that reconnects with `Last-Event-ID` sees every change exactly once. A
 * silent stream sends comments as heartbeats. `event: end` means that the session is archived; a stream that stops without it was
 * cut. `event: error` carries a problem: with reason `DRAINING` the server shuts down and the client should reconnect; with any
 * other reason the caller has lost the right to read the session, or the token is no longer valid.
 */
import type { Caller, CheckoutError, CheckoutSession, CheckoutSessions, Subscription } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { AdapterError } from "../contract/AdapterError.js"
import * as WireError from "../contract/WireError.js"
import * as WireSession from "../contract/WireSession.js"
import type { Admission } from "../core/Admission.js"
import type { OpenSource, PulledStreams, Source } from "../core/PulledStreams.js"
import type { CheckToken, TokenVigil } from "../core/TokenVigil.js"
import * as WireAnswer from "../core/WireAnswer.js"
import type { WireRequest } from "../core/WireRequest.js"

const encodeEntry = Schema.encodeSync(WireSession.HistoryEntry)

const eventText = (name: string, body: string, id?: number): string =>
  `${id === undefined ? "" : `id: ${id}\n`}event: ${name}\ndata: ${body}\n\n`

const changeText = (entry: CheckoutSession.HistoryEntry): string =>
  eventText("change", JSON.stringify(encodeEntry(entry)), entry.version)

const errorText = (error: CheckoutError.CheckoutError | AdapterError): string =>
  eventText("error", WireError.problem(error).body as string)

/** The last event of a server that shuts down: the session continues, and the client should reconnect. */
export const farewell = errorText({
  _tag: "Overloaded",
  message: "The service is shutting down.",
  reason: "DRAINING",
  retryable: true,
  applied: "no",
  retryAfterMillis: 1_000
})

/** The heartbeat of a silent stream. */
export const heartbeat = ": heartbeat\n\n"

/** The open streams, the limits of streams and waits, and the tokens. */
export interface Streams {
  readonly pulled: PulledStreams
  readonly admission: Pick<Admission, "openStream" | "closeStream" | "beginWait" | "endWait">
  readonly tokens: TokenVigil
}

/**
 * Starts a stream: 200 and events, or 204 (which tells a browser not to reconnect) if the session is archived and the client has
 * seen all of it. `input` may hold `afterVersion`; without it the stream starts from now.
 *
 * **Errors**: those of reading the session, then too many streams; always before the stream starts.
 */
export const answer = (
  sessions: CheckoutSessions.CheckoutSessionsShape,
  caller: Caller.Caller,
  request: WireRequest,
  input: Readonly<Record<string, unknown>>,
  { admission, pulled, tokens }: Streams
): Effect.Effect<WireAnswer.WireAnswer, CheckoutError.HistoryError | AdapterError> => {
  const { afterVersion, ...rest } = input as { readonly afterVersion?: number; readonly checkoutSessionId: string }
  const { checkoutSessionId } = rest
  // The service validates the version, in its own order of checks.
  const checked: Effect.Effect<unknown, CheckoutError.HistoryError> =
    afterVersion === undefined ? Effect.void : sessions.history(caller, { checkoutSessionId, afterVersion, limit: 1 })
  return Effect.flatMap(Effect.zipRight(checked, sessions.get(caller, rest)), (session) => {
    const from = afterVersion ?? session.version
    if (session.isArchived && from >= session.version) return Effect.succeed(WireAnswer.empty(204))
    const refused = admission.openStream(caller)
    if (refused !== null) return Effect.fail(refused)
    const source = sourceOf(sessions.follow(caller, { checkoutSessionId, afterVersion: from }), request, tokens)
    const body = pulled.open(source, () => admission.closeStream(caller))
    return Effect.succeed(WireAnswer.make(200, "text/event-stream", body))
  })
}

const end = eventText("end", "{}")

/** Pages as text. The token is checked before each page, and regularly while there is none. */
const sourceOf =
  (follow: Subscription.Follow, request: WireRequest, tokens: TokenVigil): OpenSource =>
  (leave) =>
    Effect.zipWith(tokens(request, leaving(leave)), follow, textOf).pipe(Effect.mapError(errorText))

// Functions of their own: a closure in `sourceOf` would keep the effect that opened the stream as long as the stream.
const leaving =
  (leave: (last: string) => void) =>
  (error: AdapterError): void =>
    leave(errorText(error))

const textOf = (token: CheckToken, { check, next }: Subscription.Subscription): Source => ({
  next: Effect.matchEffect(Effect.zipLeft(next, token), { onSuccess: pageText, onFailure: failText }),
  check: Effect.mapError(Effect.zipRight(check, token), errorText)
})

const pageText = (page: Subscription.Page): Effect.Effect<string, string> =>
  page === null ? Effect.fail(end) : Effect.succeed(page.map(changeText).join(""))

const failText = (error: CheckoutError.CheckoutError | AdapterError): Effect.Effect<never, string> =>
  Effect.fail(errorText(error))

/** One parsed event. */
export interface Event {
  readonly name: string
  readonly body: string
}

/** Parses events from text in pieces of any size; drops comments. */
export const parse = <E, R>(text: Stream.Stream<string, E, R>): Stream.Stream<Event, E, R> =>
  Stream.splitLines(text).pipe(
    Stream.mapAccum({ name: "message", body: "" }, (open: Event, line): readonly [Event, Event | null] => {
      if (line === "") return [{ name: "message", body: "" }, open.body === "" ? null : open]
      if (line.startsWith("event: ")) return [{ ...open, name: line.slice(7) }, null]
      if (line.startsWith("data: ")) return [{ ...open, body: open.body + line.slice(6) }, null]
      return [open, null]
    }),
    Stream.filter((event): event is Event => event !== null)
  )
