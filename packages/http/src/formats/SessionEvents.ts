/**
 * SessionEvents: writes the committed changes of a session as server-sent events.
 *
 * `id` is the version after the change, so that a client that reconnects with `Last-Event-ID` sees every change exactly
 * once. A silent stream sends comments as heartbeats. `event: end` means that the session is archived; a stream that
 * stops without it was cut. `event: error` carries a problem: with reason `DRAINING` the server shuts down and the
 * client should reconnect; with any other reason the caller has lost the right to read the session, or the token is no
 * longer valid.
 */
import type { Caller, CheckoutError, CheckoutSession, CheckoutSessions, Subscription, Vigil } from "@onelane/checkout"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type { AdapterError } from "../contract/AdapterError.js"
import * as WireError from "../contract/WireError.js"
import * as WireSession from "../contract/WireSession.js"
import type { Admission } from "../core/Admission.js"
import type { PulledStreams, Sink, Source } from "../core/PulledStreams.js"
import type { TokenVigil } from "../core/TokenVigil.js"
import * as WireAnswer from "../core/WireAnswer.js"
import type { WireRequest } from "../core/WireRequest.js"

const encodeEntry = Schema.encodeSync(WireSession.HistoryEntry)

const eventText = (name: string, body: string, id?: number): string =>
  `${id === undefined ? "" : `id: ${id}\n`}event: ${name}\ndata: ${body}\n\n`

/** A change as an event. */
export const changeText = (entry: CheckoutSession.HistoryEntry): string =>
  eventText("change", JSON.stringify(encodeEntry(entry)), entry.version)

/** The last event of a stream that ends early, with a problem as JSON text. */
export const problemText = (problem: string): string => eventText("error", problem)

const errorText = (error: CheckoutError.CheckoutError | AdapterError): string =>
  problemText(WireError.problem(error).body as string)

/** Stops proxies and compression from buffering a stream. */
export const headers = { "x-accel-buffering": "no", "cache-control": "no-store, no-transform" } as const

/** The error of a server that shuts down. */
export const draining: CheckoutError.Overloaded = {
  _tag: "Overloaded",
  message: "The service is shutting down.",
  reason: "DRAINING",
  retryable: true,
  applied: "no",
  retryAfterMillis: 1_000
}

/** The last event of a server that shuts down: the session continues, and the client should reconnect. */
export const farewell = errorText(draining)

/** The heartbeat of a silent stream. */
export const heartbeat = ": heartbeat\n\n"

/** The open streams, the limits of streams and waits, and the tokens. */
export interface Streams {
  readonly pulled: PulledStreams
  readonly admission: Pick<Admission, "openStream" | "closeStream" | "beginWait" | "endWait">
  readonly tokens: TokenVigil
}

/**
 * Starts a stream: 200 and events, or 204 (which tells a browser not to reconnect) if the session is archived and the
 * client has seen all of it. `input` may hold `afterVersion`; without it the stream starts from now.
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
    return Effect.flatMap(sessions.follow(caller, { checkoutSessionId, afterVersion: from }), (subscription) => {
      const refused = admission.openStream(caller)
      if (refused !== null) {
        subscription.leave()
        return Effect.fail(refused)
      }
      const watch = tokens.bind(null, request)
      const body = pulled.open((end) => new Events(subscription, watch, end), closing(admission, caller))
      return Effect.succeed(WireAnswer.make(200, "text/event-stream", body))
    })
  })
}

// A separate function: a closure in `answer` would retain the whole request as long as the stream.
const closing = (admission: Streams["admission"], caller: Caller.Caller) => () => admission.closeStream(caller)

/** The last event of a session that is archived. */
export const end = eventText("end", "{}")

type WatchToken = (onLost: Vigil.OnLost<AdapterError>) => Vigil.Watch<AdapterError>

type Verdict = Exit.Exit<void, CheckoutError.CheckoutError | AdapterError>

/** A subscription as text. Access and token are checked before each page, and regularly while there is none. */
class Events implements Source {
  private token: Vigil.Watch<AdapterError> | null = null
  private sink: Sink | null = null
  constructor(
    private readonly subscription: Subscription.Subscription,
    private readonly watchToken: WatchToken,
    private readonly endStream: (last: string) => void
  ) {}

  ask(sink: Sink): void {
    this.sink = sink
    this.watched()
    this.subscription.ask(this.onAnswer)
  }

  check(onVerdict: (last: string | null) => void): void {
    this.subscription.check((right) => {
      if (Exit.isFailure(right)) return onVerdict(lastOf(right))
      this.watched().check((token) => onVerdict(lastOf(token)))
    })
  }

  leave(): void {
    this.sink = null
    this.subscription.leave()
    this.token?.leave()
  }

  private watched(): Vigil.Watch<AdapterError> {
    return (this.token ??= this.watchToken((error) => this.endStream(errorText(error))))
  }

  private readonly onAnswer: Subscription.OnAnswer = (answer) => {
    if (Exit.isFailure(answer)) return this.sink?.last(lastOf(Exit.failCause(answer.cause)) ?? "")
    if (answer.value === null) return this.sink?.last(end)
    const page = answer.value
    this.watched().check((verdict) => {
      const last = lastOf(verdict)
      if (last === null) this.sink?.piece(textOf(page))
      else this.sink?.last(last)
    })
  }
}

/** The last event of a stream that ends; null if it continues. A defect cuts the stream. */
const lastOf = (verdict: Verdict): string | null => {
  if (Exit.isSuccess(verdict)) return null
  return Cause.isFailType(verdict.cause) ? errorText(verdict.cause.error) : ""
}

const texts = new WeakMap<Subscription.Page, string>()

// Written once for all streams of the session.
const textOf = (page: Subscription.Page): string => {
  let text = texts.get(page)
  if (text === undefined) {
    text = page.entries().map(changeText).join("")
    texts.set(page, text)
  }
  return text
}
