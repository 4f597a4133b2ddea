/**
 * Vigil: rights that are watched while a stream runs. Whoever streams for the same caller and the same thing shares one
 * look: silent streams are looked after at intervals, all at once when somebody says that something changed.
 *
 * 1. A look begins after it was asked for: one under way may have seen a right that is gone since.
 * 2. A right that was lost stays lost for those who watched it then.
 * 3. It never takes more than `looksAtOnce` looks at the same time, and none when nobody watches.
 *
 * A state machine of callbacks: a look that is an `Exit` needs no fiber, and who watches needs none at all.
 *
 * Owns when a right is looked at; does not own what it is.
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

/** How often a silent stream's right is looked at, milliseconds. */
export const periodMillis = 2_000

/** Looks at the same time that must be waited for, most. */
export const looksAtOnce = 64

/** What a look finds: null while the right holds, else why it is gone. A failure is no finding: it will be looked again. */
export type Look<Lost, Undecided> = () => Effect.Effect<Lost | null, Undecided>

/** Is called once when a look finds the right gone, on the stack of that look: must be quick. */
export type OnLost<Lost> = (lost: Lost) => void

/** Is called once: a failure when the right is gone, or nobody could say. Runs on the stack of a look: must be quick. */
export type OnVerdict<E> = (verdict: Exit.Exit<void, E>) => void

/** A right that is watched. */
export interface Watch<E> {
  /** Looks now, together with all who ask in the same turn of the event loop; calls back later, never at once. */
  readonly check: (onVerdict: OnVerdict<E>) => void
  /** Ends the watch. */
  readonly leave: () => void
}

/** Watches rights. */
export interface Vigil<Lost, Undecided> {
  /** Watches until it is left. Those with the same key share the looks of the first. */
  readonly watch: (key: string, look: Look<Lost, Undecided>, onLost: OnLost<Lost>) => Watch<Lost | Undecided>
  /** Looks at all of them now. */
  readonly signal: () => void
}

/** Looks once, as an effect, at a right that nobody watches before or after. */
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
  /** What a look found, once the right was gone. */
  loss: Exit.Exit<never, L> | null
  /** Who asked for a look that has not begun; null: nobody wants one. */
  asked: Array<OnVerdict<L | U>> | null
  /** Whether a look is under way, or waits for its turn. */
  isLooking: boolean
}

interface Watching<L, U> {
  readonly entries: Map<string, Entry<L, U>>
  readonly runtime: Runtime.Runtime<never>
  readonly scheduler: Scheduler.Scheduler
  /** What is told to those who ask when nobody looks any more. */
  readonly over: Exit.Exit<never, U>
  readonly looking: Set<Fiber.RuntimeFiber<unknown, unknown>>
  /** Looks to begin, in order. */
  due: Array<Entry<L, U>>
  isDue: boolean
  isOver: boolean
  /** Runs while somebody watches, and a round longer. */
  rounds: Fiber.RuntimeFiber<void> | null
}

/** Makes a vigil; it ends with the scope. `whenOver`: what is said to those who ask for a look then. */
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

// They end with the first one that finds nobody who watches: streams that come and go need not begin them each time.
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

/** Wants a look that has not begun; whoever wants one in this turn of the event loop shares it. */
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

// One that throws harms no other.
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
