/**
 * PulledStreams: endless text bodies that are pulled piece by piece. At most one piece is read ahead of the reader; silent streams
 * get heartbeats, all from one timer.
 *
 * 1. A piece that arrived before the reader asked for it is checked again before delivery.
 * 2. A stream needs one fiber while it waits for a piece, and none while nobody asks.
 *
 * Owns the streams that are open on this server, and ends them when it closes.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import type { Pull } from "./WireAnswer.js"

/** The source of a stream's text. When an effect fails, its error is sent as the last piece and the stream ends. */
export interface Source {
  /** Waits for the next piece. */
  readonly next: Effect.Effect<string, string>
  /** Fails when a piece that was read must not be delivered any more. */
  readonly check: Effect.Effect<void, string>
}

/** Opens a source while the scope is open. `end` ends the stream from outside, with a last piece. */
export type OpenSource = (end: (last: string) => void) => Effect.Effect<Source, string, Scope.Scope>

/** The open streams of one server. */
export interface PulledStreams {
  /** Starts a stream; its source is opened by the first pull. `onEnd` is called once, however the stream ends. */
  readonly open: (source: OpenSource, onEnd: () => void) => Pull
}

interface Open {
  /** Null once it was opened: an open stream need not hold what it was made of. */
  source: OpenSource | null
  readonly onEnd: () => void
  /** The tick of the timer at which it may get a heartbeat. */
  readonly slot: number
  readonly scope: Scope.CloseableScope
  opened: Source | null
  reading: Fiber.RuntimeFiber<string, string> | null
  /** A piece that was not asked for yet; after the end, the last piece. */
  piece: string | null
  waiting: ((piece: string | null) => void) | null
  isOver: boolean
}

interface Streams {
  readonly runtime: Runtime.Runtime<never>
  readonly opened: Set<Open>
  readonly heartbeat: string
  readonly beating: Effect.Effect<never>
  timer: Fiber.RuntimeFiber<never> | null
  begun: number
}

/** Ticks of the timer per heartbeat: streams that were opened together do not all get it at once. */
const slots = 8

/**
 * Creates the streams of a server. Silent ones send `heartbeat` every `heartbeatMillis`; when the scope closes, all end with
 * `farewell`.
 */
export const make = (
  heartbeat: string,
  farewell: string,
  heartbeatMillis: number
): Effect.Effect<PulledStreams, never, Scope.Scope> =>
  Effect.gen(function* () {
    let tick = 0
    const opened = new Set<Open>()
    const streams: Streams = {
      runtime: yield* Effect.runtime<never>(),
      opened,
      heartbeat,
      beating: Effect.forever(
        Effect.delay(
          Effect.sync(() => beat(streams, tick++ % slots)),
          heartbeatMillis / slots
        )
      ),
      timer: null,
      begun: 0
    }
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        for (const open of opened) finish(streams, open, farewell)
      })
    )
    return { open: (source, onEnd) => begin(streams, source, onEnd) }
  })

const begin = (streams: Streams, source: OpenSource, onEnd: () => void): Pull => {
  const open: Open = {
    source,
    onEnd,
    slot: streams.begun++ % slots,
    scope: Runtime.runSync(streams.runtime)(Scope.make()),
    opened: null,
    reading: null,
    piece: null,
    waiting: null,
    isOver: false
  }
  streams.opened.add(open)
  streams.timer ??= Runtime.runFork(streams.runtime)(streams.beating)
  return { next: () => next(streams, open), leave: () => finish(streams, open) }
}

const next = (streams: Streams, open: Open): Promise<string | null> => {
  if (open.isOver) {
    const { piece } = open
    open.piece = null
    return Promise.resolve(piece)
  }
  return new Promise((resolve) => {
    open.waiting = resolve
    if (open.reading === null) read(streams, open)
  })
}

/** Reads the next piece, or checks the one that was read; the fiber ends when it is done. */
const read = (streams: Streams, open: Open): void => {
  const { opened, piece } = open
  const reading = Runtime.runFork(streams.runtime)(
    opened === null ? first(streams, open) : piece === null ? opened.next : Effect.as(opened.check, piece)
  )
  open.reading = reading
  reading.addObserver((exit) => {
    open.reading = null
    if (open.isOver) return
    if (Exit.isFailure(exit)) return finish(streams, open, exit.cause._tag === "Fail" ? exit.cause.error : null)
    open.piece = exit.value
    if (open.waiting !== null) give(open, exit.value)
  })
}

const first = (streams: Streams, open: Open): Effect.Effect<string, string> => {
  const opening = open.source!((last) => finish(streams, open, last))
  open.source = null
  return Effect.flatMap(Scope.extend(opening, open.scope), (source) => {
    open.opened = source
    return source.next
  })
}

/** Delivers the piece. */
const give = (open: Open, piece: string | null): void => {
  open.piece = null
  answer(open, piece)
}

const answer = (open: Open, piece: string | null): void => {
  const { waiting } = open
  open.waiting = null
  waiting?.(piece)
}

const beat = ({ heartbeat, opened }: Streams, slot: number): void => {
  for (const open of opened) if (open.slot === slot && open.waiting !== null) answer(open, heartbeat)
}

/** Ends a stream after `last`. A piece that was not asked for is dropped: the client resumes after the last one it saw, if it may. */
const finish = (streams: Streams, open: Open, last: string | null = null): void => {
  if (open.isOver) return
  open.isOver = true
  streams.opened.delete(open)
  const { reading, scope } = open
  const closed = Scope.close(scope, Exit.void)
  Runtime.runFork(streams.runtime)(reading === null ? closed : Effect.zipRight(Fiber.interrupt(reading), closed))
  if (streams.opened.size === 0 && streams.timer !== null) {
    streams.timer.unsafeInterruptAsFork(streams.timer.id())
    streams.timer = null
  }
  open.piece = open.waiting === null ? last : null
  answer(open, last)
  open.onEnd()
}
