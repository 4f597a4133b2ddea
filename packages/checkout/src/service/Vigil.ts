/**
 * Vigil: checks rights repeatedly while streams run. Streams with the same key (caller and cart) share one check.
 * Silent streams are checked at intervals, and all at once when a port announces a change.
 *
 * 1. A check starts after it was requested: one that is already running may have seen a right that is lost since.
 * 2. A lost right stays lost for those who watched it at that time.
 * 3. It never runs more than `looksAtOnce` checks at the same time, and none when nobody watches.
 *
 * A state machine of callbacks: a check that is an `Exit` needs no fiber, and a watcher needs none at all.
 *
 * Owns when a right is checked; does not own the rule.
 */
import { EffectRunner, QuietTimer } from "@onelane/engine"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as Runtime from "effect/Runtime"
import type * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"

/** Interval of the checks for a silent stream, milliseconds. */
export const periodMillis = 2_000

/** Most concurrent asynchronous checks. */
export const looksAtOnce = 64

/**
 * One check of a right: null while it holds, else why it is lost. A failure decides nothing: the right is checked again
 * later.
 */
export type Look<Lost, Undecided> = () => Effect.Effect<Lost | null, Undecided>

/** Called once when a check finds the right lost, on the stack of that check: must be quick. */
export type OnLost<Lost> = (lost: Lost) => void

/**
 * Called once: with a failure if the right is lost or the check failed. Runs on the stack of a check: must be quick.
 */
export type OnVerdict<E> = (verdict: Exit.Exit<void, E>) => void

/** A right that is watched. */
export interface Watch<E> {
  /** Checks now, together with all requests of the same turn of the event loop; calls back later, never at once. */
  readonly check: (onVerdict: OnVerdict<E>) => void
  /** Ends the watch. */
  readonly leave: () => void
}

/** Watches rights. */
export interface Vigil<Lost, Undecided> {
  /** Watches until `leave`. Watchers with the same key share the checks of the first. */
  readonly watch: (key: string, look: Look<Lost, Undecided>, onLost: OnLost<Lost>) => Watch<Lost | Undecided>
  /** Checks all rights now. */
  readonly signal: () => void
}

/** Checks a right once, as an effect, without watching it further. */
export const once = <E>(watch: () => Watch<E>): Effect.Effect<void, E> =>
  Effect.async((resume) => {
    const watched = watch()
    watched.check((verdict) => {
      watched.leave()
      resume(verdict)
    })
    return Effect.sync(() => watched.leave())
  })

interface Entry<L, U> {
  readonly key: string
  readonly look: Look<L, U>
  readonly watchers: Set<Watcher<L, U>>
  /** The failure of the check that found the right lost. */
  loss: Exit.Exit<never, L> | null
  /** Callbacks of a requested check that has not begun; null: none requested. */
  asked: Array<OnVerdict<L | U>> | null
  /** Whether a check is running or scheduled. */
  isLooking: boolean
}

interface Watching<L, U> {
  readonly entries: Map<string, Entry<L, U>>
  readonly runtime: Runtime.Runtime<never>
  readonly scheduler: Scheduler.Scheduler
  /** The verdict after the vigil has ended. */
  readonly over: Exit.Exit<never, U>
  readonly looking: Set<Fiber.RuntimeFiber<unknown, unknown>>
  /** Checks to start, in order. */
  due: Array<Entry<L, U>>
  isDue: boolean
  isOver: boolean
  /** Runs while there are watchers, and one round longer. */
  rounds: Fiber.RuntimeFiber<void> | null
}

/** Makes a vigil; it ends with the scope. `whenOver`: the error for checks requested after that. */
export const make = <Lost, Undecided>(whenOver: Undecided): Effect.Effect<Vigil<Lost, Undecided>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const watching: Watching<Lost, Undecided> = {
      entries: new Map(),
      runtime: yield* Effect.runtime<never>(),
      scheduler: yield* FiberRef.get(FiberRef.currentScheduler),
      over: Exit.fail(whenOver),
      looking: new Set(),
      due: [],
      isDue: false,
      isOver: false,
      rounds: null
    }
    yield* Effect.addFinalizer(() => Effect.sync(() => end(watching)))
    return {
      watch: (key, look, onLost) => new Watcher(watching, join(watching, key, look), onLost),
      signal: () => askAll(watching)
    }
  })

class Watcher<L, U> implements Watch<L | U> {
  constructor(
    private readonly watching: Watching<L, U>,
    private readonly entry: Entry<L, U>,
    readonly onLost: OnLost<L>
  ) {
    entry.watchers.add(this)
  }
  check(onVerdict: OnVerdict<L | U>): void {
    want(this.watching, this.entry).push(onVerdict)
  }
  leave(): void {
    leave(this.watching, this.entry, this)
  }
}

const join = <L, U>(watching: Watching<L, U>, key: string, look: Look<L, U>): Entry<L, U> => {
  const { entries, isOver, runtime } = watching
  let entry = entries.get(key)
  if (entry === undefined) {
    entry = { key, look, watchers: new Set(), loss: null, asked: null, isLooking: false }
    entries.set(key, entry)
  }
  if (watching.rounds === null && !isOver) watching.rounds = Runtime.runFork(runtime)(rounds(watching))
  return entry
}

const leave = <L, U>(watching: Watching<L, U>, entry: Entry<L, U>, watcher: Watcher<L, U>): void => {
  const { entries } = watching
  entry.watchers.delete(watcher)
  if (entry.watchers.size === 0 && entries.get(entry.key) === entry) entries.delete(entry.key)
}

// The rounds end with the first one without watchers, so short-lived streams need not restart them each time.
const rounds = <L, U>(watching: Watching<L, U>): Effect.Effect<void> =>
  Effect.flatMap(QuietTimer.sleep(periodMillis), () => {
    if (watching.entries.size > 0) {
      askAll(watching)
      return rounds(watching)
    }
    watching.rounds = null
    return Effect.void
  })

const end = <L, U>(watching: Watching<L, U>): void => {
  watching.isOver = true
  watching.rounds?.unsafeInterruptAsFork(FiberId.none)
  for (const fiber of watching.looking) fiber.unsafeInterruptAsFork(FiberId.none)
  for (const entry of watching.entries.values()) answer(watching, entry)
}

const askAll = <L, U>(watching: Watching<L, U>): void => {
  for (const entry of watching.entries.values()) want(watching, entry)
}

/** Requests a check that has not begun; all requests in one turn of the event loop share it. */
const want = <L, U>(watching: Watching<L, U>, entry: Entry<L, U>): Array<OnVerdict<L | U>> => {
  if (entry.asked === null) {
    entry.asked = []
    if (!entry.isLooking) plan(watching, entry)
  }
  return entry.asked
}

const plan = <L, U>(watching: Watching<L, U>, entry: Entry<L, U>): void => {
  entry.isLooking = true
  watching.due.push(entry)
  begin(watching)
}

const begin = <L, U>(watching: Watching<L, U>): void => {
  if (watching.isDue) return
  watching.isDue = true
  watching.scheduler.scheduleTask(() => {
    watching.isDue = false
    const { due } = watching
    watching.due = []
    for (let index = 0; index < due.length; index++) {
      if (watching.looking.size >= looksAtOnce) watching.due.push(due[index]!)
      else lookAt(watching, due[index]!)
    }
  }, 0)
}

const lookAt = <L, U>(watching: Watching<L, U>, entry: Entry<L, U>): void => {
  const asked = entry.asked ?? []
  entry.asked = null
  if (asked.length === 0 && entry.watchers.size === 0) return settle(watching, entry, asked, Exit.void)
  if (watching.isOver || entry.loss !== null) return settle(watching, entry, asked, entry.loss ?? watching.over)
  const look = EffectRunner.attempt(entry.look)
  if (EffectRunner.isExit(look)) return settle(watching, entry, asked, found(entry, look))
  const fiber = Runtime.runFork(watching.runtime)(look)
  watching.looking.add(fiber)
  fiber.addObserver((exit) => {
    watching.looking.delete(fiber)
    settle(watching, entry, asked, watching.isOver ? watching.over : found(entry, exit))
    if (watching.due.length > 0) begin(watching)
  })
}

const found = <L, U>(entry: Entry<L, U>, exit: Exit.Exit<L | null, U>): Exit.Exit<void, L | U> => {
  if (Exit.isFailure(exit)) return exit
  if (exit.value === null) return Exit.void
  entry.loss = Exit.fail(exit.value)
  return entry.loss
}

const settle = <L, U>(
  watching: Watching<L, U>,
  entry: Entry<L, U>,
  asked: ReadonlyArray<OnVerdict<L | U>>,
  verdict: Exit.Exit<void, L | U>
): void => {
  entry.isLooking = false
  if (entry.loss !== null && watching.entries.get(entry.key) === entry) watching.entries.delete(entry.key)
  for (const onVerdict of asked) tell(watching, onVerdict, verdict)
  if (entry.loss !== null) tellLoss(watching, entry, entry.loss)
  if (entry.asked !== null) plan(watching, entry)
}

const tellLoss = <L, U>(watching: Watching<L, U>, entry: Entry<L, U>, loss: Exit.Exit<never, L>): void => {
  const watchers = [...entry.watchers]
  entry.watchers.clear()
  if (loss._tag === "Failure" && loss.cause._tag === "Fail")
    for (const { onLost } of watchers) tell(watching, onLost, loss.cause.error)
}

// A callback that throws does not affect the others.
const tell = <A>({ runtime }: Pick<Watching<never, never>, "runtime">, listener: (told: A) => void, told: A): void => {
  try {
    listener(told)
  } catch (defect) {
    Runtime.runFork(runtime)(Effect.logError("defect of a watcher", Cause.die(defect)))
  }
}

const answer = <L, U>(watching: Watching<L, U>, entry: Entry<L, U>): void => {
  const asked = entry.asked ?? []
  entry.asked = null
  for (const onVerdict of asked) tell(watching, onVerdict, watching.over)
}
