/**
 * SqliteWriterThread: commits outside the event loop. A thread has a second connection to the same file; statements
 * that would block the loop for long run there, and their answer comes back as a message.
 *
 * 1. The thread starts with the first large statement; nothing waits until it is ready.
 * 2. If the thread ends while a statement runs, the outcome is unknown, and the store is fenced.
 * 3. If the thread cannot start, everything stays on the loop, and no statement fails.
 * 4. Small statements stay on the loop while the disk is quick: handing over costs more than they do.
 *
 * Owns the thread; does not own the file, nor who may write when (SqliteClient).
 */
import { Worker } from "node:worker_threads"
import * as Effect from "effect/Effect"
import type { Rows } from "../journal/Statements.js"
import * as SqliteFailure from "./SqliteFailure.js"
import type { Asked, Start, Thrown, Told } from "./SqliteThread.js"
import * as ThreadTexts from "./ThreadTexts.js"

/** Statements with a parameter of this many characters run in the thread. */
const largeCharacters = 16_384

/** Small commits that block the loop longer than this, on average, also run in the thread. */
const slowMillis = 2

/** After this many small commits one runs in the thread, which does the checkpoints. */
const smallAtMost = 1_000

/** How long closing waits for the running statement. */
const closeMillis = 10_000

/** Statements run in a thread, one at a time. */
export interface SqliteWriterThread {
  /** Whether a statement with such parameters goes to the thread. */
  readonly takes: (parameters: ReadonlyArray<unknown>) => boolean
  /** Notes how long a statement outside the thread blocked the loop. */
  readonly stayed: (millis: number) => void
  /** Runs a statement there and calls back, once. */
  readonly run: (text: string, parameters: ReadonlyArray<unknown>, onAnswer: (answer: Answer) => void) => void
  /** Starts the thread now and waits until it is ready or has failed. */
  readonly begin: Effect.Effect<void>
  readonly close: Effect.Effect<void>
}

/** The rows of a statement, or why it was refused. */
export type Answer = { readonly rows: Rows } | { readonly thrown: unknown }

/** Runs nothing in a thread. */
export const none: SqliteWriterThread = {
  takes: () => false,
  stayed: () => {},
  run: (_text, _parameters, onAnswer) => onAnswer({ thrown: SqliteFailure.closed }),
  begin: Effect.void,
  close: Effect.void
}

/** Options of a writer thread. */
export interface Options {
  readonly start: Start
  /** Everything goes to the thread, not only what is large. */
  readonly always: boolean
  /** Called when the thread is ready, and when it has ended. */
  readonly onReady: (ready: boolean) => void
  /** Called once if the thread cannot start. */
  readonly onAbsent: (cause: unknown) => void
  /** The text of the thread's program. */
  readonly program?: string
}

interface Waiting {
  readonly onAnswer: (answer: Answer) => void
  readonly isSmall: boolean
  readonly startedAtMillis: number
}

interface Writer extends Options {
  thread: Worker | null
  state: "none" | "starting" | "ready" | "gone"
  readonly starters: Array<() => void>
  waiting: Waiting | null
  smallMillis: number
  smallCount: number
}

/** Creates it; the thread is not started yet. */
export const make = (options: Options): SqliteWriterThread => {
  const self: Writer = {
    ...options,
    thread: null,
    state: "none",
    starters: [],
    waiting: null,
    smallMillis: 0,
    smallCount: 0
  }
  return {
    takes: (parameters) => takes(self, parameters),
    stayed: (millis) => {
      self.smallCount += 1
      noteSmall(self, millis)
    },
    run: (text, parameters, onAnswer) => run(self, text, parameters, onAnswer),
    begin: Effect.async((resume) => {
      if (self.state === "none") begin(self)
      if (self.state !== "starting") return resume(Effect.void)
      self.starters.push(() => resume(Effect.void))
    }),
    close: close(self)
  }
}

const isLarge = (parameters: ReadonlyArray<unknown>): boolean => {
  for (const value of parameters) if (typeof value === "string" && value.length >= largeCharacters) return true
  return false
}

const takes = (self: Writer, parameters: ReadonlyArray<unknown>): boolean => {
  const isWorth = self.always || self.smallMillis > slowMillis || self.smallCount >= smallAtMost || isLarge(parameters)
  if (isWorth && self.state === "none") begin(self)
  return isWorth && self.state === "ready"
}

// A running mean of about eight.
const noteSmall = (self: Writer, millis: number): void => {
  self.smallMillis += (millis - self.smallMillis) / 8
}

const begin = (self: Writer): void => {
  self.state = "starting"
  try {
    const thread = new Worker(self.program ?? ThreadTexts.writer, { eval: true, workerData: self.start })
    self.thread = thread
    thread.unref()
    thread.on("message", (told: Told) => take(self, told))
    thread.on("error", (cause) => end(self, cause))
    thread.on("exit", () => end(self, SqliteFailure.threadEnded))
  } catch (cause) {
    end(self, cause) // A runtime without threads, or a missing permission.
  }
}

const take = (self: Writer, told: Told): void => {
  // Also at its first message: a starting thread keeps the process alive again.
  self.thread!.unref()
  if (told === "closed") return // `close` ends it
  if (self.state === "starting") return "rows" in told ? started(self, true) : end(self, errorOf(told.thrown))
  const { waiting } = self
  if (waiting === null) return
  self.waiting = null
  if (waiting.isSmall) noteSmall(self, performance.now() - waiting.startedAtMillis)
  waiting.onAnswer("rows" in told ? { rows: JSON.parse(told.rows) } : told)
}

const errorOf = (thrown: Thrown): Error => Object.assign(new Error(thrown.message), thrown)

const started = (self: Writer, ready: boolean): void => {
  self.state = ready ? "ready" : "gone"
  self.onReady(ready)
  for (const starter of self.starters.splice(0)) starter()
}

const end = (self: Writer, cause: unknown): void => {
  if (self.state === "gone") return
  void self.thread?.terminate()
  if (self.state === "starting") self.onAbsent(cause)
  const { waiting } = self
  self.waiting = null
  started(self, false)
  waiting?.onAnswer({ thrown: SqliteFailure.threadEnded })
}

const run = (
  self: Writer,
  text: string,
  parameters: ReadonlyArray<unknown>,
  onAnswer: (answer: Answer) => void
): void => {
  // The thread has ended since `takes`.
  if (self.state !== "ready") return onAnswer({ thrown: SqliteFailure.closed })
  self.waiting = { onAnswer, isSmall: !isLarge(parameters), startedAtMillis: performance.now() }
  self.smallCount = 0
  self.thread!.ref()
  self.thread!.postMessage({ text, parameters } satisfies Asked)
}

const close = (self: Writer): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    const { state, thread } = self
    if (thread === null || state === "gone") return resume(Effect.void)
    self.state = "gone"
    const done = (): void => resume(Effect.void)
    thread.once("exit", done)
    // Terminated from here, because not every runtime lets a thread end itself.
    thread.on("message", (told: Told) => told === "closed" && void thread.terminate().then(done, done))
    thread.postMessage("close" satisfies Asked)
  }).pipe(Effect.interruptible, Effect.timeoutOption(closeMillis), Effect.asVoid)
