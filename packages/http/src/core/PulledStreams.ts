/**
 * PulledStreams: endless text bodies that are pulled piece by piece. At most one piece is read ahead of the reader;
 * silent streams get heartbeats, all from one timer.
 *
 * 1. A piece that arrived before the reader asked for it is checked again before delivery.
 * 2. A stream is a state machine of callbacks: it needs no fiber.
 *
 * Owns the streams that are open on this server, and ends them when it closes.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import type { Give, Pull } from "./WireAnswer.js"

/** Receives what a source has: the next piece, or the last one, after which the stream ends. */
export interface Sink {
  readonly piece: (piece: string) => void
  readonly last: (piece: string) => void
}

/** The source of a stream's text. It starts at the first `ask`. */
export interface Source {
  /** Asks for the next piece; the sink gets one, at once or later. */
  readonly ask: (sink: Sink) => void
  /** Checks whether a piece that was read may still be delivered: null, or the last piece to send instead. */
  readonly check: (onVerdict: (last: string | null) => void) => void
  /** Releases the source. */
  readonly leave: () => void
}

/** The open streams of one server. */
export interface PulledStreams {
  /**
   * Starts a stream. `source` is given the function that ends the stream from outside. `onEnd` is called once, however
   * it ends.
   */
  readonly open: (source: (end: (last: string) => void) => Source, onEnd: () => void) => Pull
}

interface Streams {
  readonly runtime: Runtime.Runtime<never>
  readonly opened: Set<Open>
  readonly heartbeat: string
  readonly beating: Effect.Effect<never>
  timer: Fiber.RuntimeFiber<never> | null
  begun: number
  /** Ticks of the timer so far. */
  tick: number
}

/** Ticks of the timer per heartbeat: streams that were opened together do not all get it at once. */
const slots = 8

/**
 * Creates the streams of a server. Silent ones send `heartbeat` every `heartbeatMillis`; when the scope closes, all end
 * with `farewell`.
 */
export const make = (
  heartbeat: string,
  farewell: string,
  heartbeatMillis: number
): Effect.Effect<PulledStreams, never, Scope.Scope> =>
  Effect.gen(function* () {
    const opened = new Set<Open>()
    const streams: Streams = {
      runtime: yield* Effect.runtime<never>(),
      opened,
      heartbeat,
      beating: Effect.forever(
        Effect.delay(
          Effect.sync(() => beat(streams)),
          heartbeatMillis / slots
        )
      ),
      timer: null,
      begun: 0,
      tick: 0
    }
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        for (const open of opened) open.end(farewell)
      })
    )
    return { open: (source, onEnd) => new Open(streams, source, onEnd) }
  })

// A heartbeat is due only `heartbeatMillis` after the last write.
const beat = (streams: Streams): void => {
  streams.tick += 1
  const { heartbeat, opened, tick } = streams
  for (const open of opened) if (tick - open.toldAt >= slots) open.answer(heartbeat)
}

class Open implements Pull, Sink {
  /** The tick of the timer at which something was last written. */
  toldAt: number
  private readonly source: Source
  /** The callback of a reader that waits for a piece. */
  private waiting: Give | null = null
  /** Whether the source is being read, or is checking a piece. */
  private isReading = false
  /** A piece that was read ahead; after the end, the last piece. */
  private kept: string | null = null
  private isOver = false

  constructor(
    private readonly streams: Streams,
    source: (end: (last: string) => void) => Source,
    private readonly onEnd: () => void
  ) {
    this.toldAt = streams.tick - (streams.begun++ % slots)
    this.source = source((last) => this.end(last))
    streams.opened.add(this)
    streams.timer ??= Runtime.runFork(streams.runtime)(streams.beating)
  }

  next(give: Give): void {
    if (this.isOver) {
      const { kept } = this
      this.kept = null
      return give(kept)
    }
    this.waiting = give
    if (this.isReading) return
    this.isReading = true
    if (this.kept === null) this.source.ask(this)
    else this.source.check(this.checked)
  }

  leave(): void {
    this.end(null)
  }

  piece(piece: string): void {
    this.isReading = false
    if (this.isOver) return
    if (this.waiting === null) this.kept = piece
    else this.answer(piece)
  }

  last(piece: string): void {
    this.isReading = false
    this.end(piece)
  }

  /** Passes a piece to the waiting reader. */
  answer(piece: string | null): void {
    const { streams, waiting } = this
    if (waiting === null) return
    this.waiting = null
    this.toldAt = streams.tick
    waiting(piece)
  }

  /**
   * Ends it after `last`; without one if that is null or empty. A piece that was read ahead is dropped: the client can
   * resume after the last one it received, if it still has the right.
   */
  end(last: string | null): void {
    if (this.isOver) return
    this.isOver = true
    const { onEnd, source, streams, waiting } = this
    streams.opened.delete(this)
    if (streams.opened.size === 0 && streams.timer !== null) {
      streams.timer.unsafeInterruptAsFork(FiberId.none)
      streams.timer = null
    }
    source.leave()
    const told = last === "" ? null : last
    this.kept = waiting === null ? told : null
    this.answer(told)
    onEnd()
  }

  private readonly checked = (last: string | null): void => {
    this.isReading = false
    if (this.isOver) return
    if (last !== null) return this.end(last)
    const { kept } = this
    // If a heartbeat was sent first, the piece is checked again when the reader asks for it.
    if (this.waiting === null || kept === null) return
    this.kept = null
    this.answer(kept)
  }
}
