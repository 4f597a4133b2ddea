/**
 * PulledStreams: streams of text as bodies that are asked for piece by piece. Nothing is read ahead of the reader by more
 * than one piece; a silent stream gives a heartbeat now and then, all of them by one timer.
 *
 * Owns the streams that are open on this server, and ends them when it closes.
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Pull } from "./WireAnswer.js"

/** The open streams of one server. */
export interface PulledStreams {
  /** Begins one. `onEnd` is called once, however it ends. */
  readonly open: (text: Stream.Stream<string>, onEnd: () => void) => Pull
}

interface Open {
  readonly text: Stream.Stream<string>
  readonly onEnd: () => void
  /** At which of the timer's ticks it is looked at. */
  readonly slot: number
  readonly scope: Scope.CloseableScope
  pull: Effect.Effect<Chunk.Chunk<string>, unknown> | null
  reading: Fiber.RuntimeFiber<unknown, unknown> | null
  /** A piece nobody has asked for yet. */
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

/** Ticks of the timer a heartbeat: many streams that opened together do not all beat at once. */
const slots = 8

/** Makes the streams of a server; they end with the scope, by `farewell`. A silent one gives `heartbeat` every so many milliseconds. */
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
    return { open: (text, onEnd) => begin(streams, text, onEnd) }
  })

const begin = (streams: Streams, text: Stream.Stream<string>, onEnd: () => void): Pull => {
  const open: Open = {
    text,
    onEnd,
    slot: streams.begun++ % slots,
    scope: Runtime.runSync(streams.runtime)(Scope.make()),
    pull: null,
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
  const { isOver, piece } = open
  if (isOver || piece !== null) {
    open.piece = null
    return Promise.resolve(piece)
  }
  return new Promise((resolve) => {
    open.waiting = resolve
    if (open.reading === null) read(streams, open)
  })
}

/** Reads on; the fiber lives until something comes. */
const read = (streams: Streams, open: Open): void => {
  const pulled =
    open.pull ??
    Effect.flatMap(Scope.extend(Stream.toPull(open.text), open.scope), (pull) => {
      open.pull = pull
      return pull
    })
  const reading = Runtime.runFork(streams.runtime)(pulled)
  open.reading = reading
  reading.addObserver((exit) => {
    open.reading = null
    if (open.isOver) return
    if (Exit.isFailure(exit)) return finish(streams, open)
    const text = Chunk.join(exit.value, "")
    if (text === "") read(streams, open)
    else if (open.waiting === null) open.piece = text
    else give(open, text)
  })
}

const give = (open: Open, piece: string | null): void => {
  const { waiting } = open
  open.waiting = null
  waiting?.(piece)
}

const beat = ({ heartbeat, opened }: Streams, slot: number): void => {
  for (const open of opened) if (open.slot === slot && open.waiting !== null) give(open, heartbeat)
}

/** Ends one; `last` is said before the end. */
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
  if (last !== null && open.waiting === null) open.piece = (open.piece ?? "") + last
  give(open, last)
  open.onEnd()
}
