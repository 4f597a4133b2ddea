/**
 * EventText: the changes of a session as the text of server-sent events, for hosts with routes of their own; the format
 * is that of our own HTTP API. Pulled piece by piece: it buffers at most one piece, and reads on only when its client
 * has read that.
 */
import * as Fields from "@onelane/engine/Fields"
import { SessionEvents, WireAnswer } from "@onelane/http"
import * as Effect from "effect/Effect"
import * as ChangesIterator from "../door/ChangesIterator.js"
import type { HistoryOf } from "../door/Typed.js"
import * as Options from "../open/Options.js"
import * as ErrorAnswer from "./ErrorAnswer.js"

/** The options of a stream of events. */
export interface EventOptions {
  /** Ends the stream, for example the `signal` of a web request. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds of silence after which a comment is sent. Default 15,000. */
  readonly heartbeatMillis?: number | undefined
}

/** Text of events as bytes. Some type libraries do not declare that such a stream is iterable. */
export type EventStream = ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>

const fields: Options.Options<EventOptions> = {
  signal: { is: "an AbortSignal", check: (value) => Fields.isObject(value) && "aborted" in value },
  heartbeatMillis: Options.whole(1, 2_147_483_647)
}

/** The headers of an answer whose body is such a stream. */
export const sseHeaders: Readonly<Record<string, string>> = Object.freeze({
  ...WireAnswer.make(200, "text/event-stream", "").headers,
  ...SessionEvents.headers
})

/**
 * The changes of a session (`checkout.changes(input)`) as server-sent events: one `change` each with its version as
 * `id`, comments while it is silent, `end` when the session is archived, `error` with the problem when the caller loses
 * access, or when the checkout closes. It ends the iteration when its reader cancels it or the signal fires.
 *
 * It is a body for `new Response(…)`, and for Node: `pipeline(toSse(…), response)`.
 *
 * **Errors**: reading it rejects with a thrown value that is not an error of a checkout: the stream is then cut.
 */
export const toSse = (changes: AsyncIterable<HistoryOf<any>>, options: EventOptions = {}): EventStream => {
  Options.check("toSse", options, fields)
  if (typeof Object(changes)[Symbol.asyncIterator] !== "function")
    throw new TypeError("toSse: changes must be what checkout.changes gave")
  const source = new Source(changes, options)
  const stream: ReadableStream<Uint8Array> = new ReadableStream(
    {
      start: (controller) => source.start(controller),
      pull: () => source.pull(),
      cancel: () => source.leave()
    },
    { highWaterMark: 0 }
  )
  return stream as EventStream
}

const encoder = new TextEncoder()

type Told = IteratorResult<HistoryOf<any>>

class Source {
  private readonly iterator: AsyncIterator<HistoryOf<any>>
  private readonly heartbeatMillis: number
  private readonly signals: ReadonlyArray<AbortSignal>
  private controller: ReadableStreamDefaultController<Uint8Array> | null = null
  /** Whether the iteration was asked and has not answered yet. */
  private isAsked = false
  /** A piece that arrived before the reader asked, because a heartbeat came first. */
  private kept: (() => void) | null = null
  /** Resolves the waiting pull. */
  private waiting: (() => void) | null = null
  private stopTimer: (() => void) | null = null

  constructor(changes: AsyncIterable<HistoryOf<any>>, { heartbeatMillis = 15_000, signal }: EventOptions) {
    this.iterator = changes[Symbol.asyncIterator]()
    this.heartbeatMillis = heartbeatMillis
    const own = ChangesIterator.signalOf(changes)
    this.signals = [signal, own].filter((each) => each !== undefined)
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.controller = controller
    for (const signal of this.signals) {
      if (signal.aborted) return this.cut()
      signal.addEventListener("abort", this.cut)
    }
  }

  pull(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting = resolve
      const { kept } = this
      this.kept = null
      if (kept !== null) return kept()
      this.stopTimer = Effect.runCallback(Effect.sleep(this.heartbeatMillis), {
        onExit: (exit) => (exit._tag === "Success" ? this.give(SessionEvents.heartbeat) : undefined)
      })
      if (this.isAsked) return
      this.isAsked = true
      this.iterator.next().then(
        (told) => this.answered(() => this.take(told)),
        (error) => this.answered(() => this.fail(error))
      )
    })
  }

  leave(): void {
    this.controller = null
    this.settle()
    for (const signal of this.signals) signal.removeEventListener("abort", this.cut)
    // Errors of `return` are ignored.
    void Promise.resolve(this.iterator.return?.()).catch(() => {})
  }

  private answered(told: () => void): void {
    this.isAsked = false
    if (this.waiting === null) this.kept = told
    else told()
  }

  private take(told: Told): void {
    // An aborted signal also ends the iteration, but the session continues.
    if (told.done === true) return this.end(this.signals.some(({ aborted }) => aborted) ? null : SessionEvents.end)
    try {
      this.give(SessionEvents.changeText(told.value))
    } catch (notOurs) {
      this.fail(notOurs)
    }
  }

  private fail(error: unknown): void {
    const typed = ErrorAnswer.errorIn(error)
    if (typed !== null) return this.end(SessionEvents.problemText(ErrorAnswer.toHttp(typed).body))
    this.controller?.error(error)
    this.leave()
  }

  private readonly cut = (): void => this.end(null)

  private end(last: string | null): void {
    const { controller } = this
    if (last !== null) controller?.enqueue(encoder.encode(last))
    controller?.close()
    this.leave()
  }

  private give(piece: string): void {
    this.controller?.enqueue(encoder.encode(piece))
    this.settle()
  }

  private settle(): void {
    const { stopTimer, waiting } = this
    this.stopTimer = null
    this.waiting = null
    stopTimer?.()
    waiting?.()
  }
}
