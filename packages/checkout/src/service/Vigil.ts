/**
 * Vigil: rights that are watched while a stream runs. Whoever streams for the same caller and the same thing shares one
 * look: silent streams are looked after at intervals, all at once when somebody says that something changed.
 *
 * 1. A look begins after it was asked for: one under way may have seen a right that is gone since.
 * 2. A right that was lost stays lost for those who watched it then.
 * 3. It never takes more than `looksAtOnce` looks at the same time, and none when nobody watches.
 *
 * Owns when a right is looked at; does not own what it is.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"

/** How often a silent stream's right is looked at, milliseconds. */
export const periodMillis = 2_000

/** Looks at the same time, most. */
export const looksAtOnce = 64

/** What a look finds: null while the right holds, else why it is gone. A failure is no finding: it will be looked again. */
export type Look<Lost, Undecided> = () => Effect.Effect<Lost | null, Undecided>

/** Is called once when a look finds the right gone, on the stack of that look: must be quick. */
export type OnLost<Lost> = (lost: Lost) => void

/** Looks now: fails when the right is gone, or nobody could say. */
export type Check<Lost, Undecided> = Effect.Effect<void, Lost | Undecided>

/** Watches rights. */
export interface Vigil<Lost, Undecided> {
  /**
   * Watches while the scope is open, and gives what looks at the right at once. Those with the same key share the looks of the
   * first.
   */
  readonly watch: (
    key: string,
    look: Look<Lost, Undecided>,
    onLost: OnLost<Lost>
  ) => Effect.Effect<Check<Lost, Undecided>, never, Scope.Scope>
  /** Looks at all of them now. */
  readonly signal: () => void
}

/** Each is one of its own, though two may be told by the same function. */
interface Watcher<Lost> {
  readonly onLost: OnLost<Lost>
}

interface Entry<Lost, Undecided> {
  readonly key: string
  readonly look: Look<Lost, Undecided>
  readonly watchers: Set<Watcher<Lost>>
  /** What a look found, once the right was gone. */
  loss: Exit.Exit<never, Lost> | null
  /** The look that has been asked for and has not begun. */
  next: Deferred.Deferred<void, Lost | Undecided> | null
  isLooking: boolean
}

interface Watching<Lost, Undecided> {
  readonly entries: Map<string, Entry<Lost, Undecided>>
  readonly permits: Effect.Semaphore
  readonly fork: (looking: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  isOver: boolean
  /** Runs while somebody watches. */
  rounds: Fiber.RuntimeFiber<void> | null
}

/** Makes a vigil; it ends with the scope. */
export const make = <Lost, Undecided>(): Effect.Effect<Vigil<Lost, Undecided>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const watching: Watching<Lost, Undecided> = {
      entries: new Map(),
      permits: yield* Effect.makeSemaphore(looksAtOnce),
      fork: yield* FiberSet.runtime(yield* FiberSet.make<void>())(),
      isOver: false,
      rounds: null
    }
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        watching.isOver = true
        for (const entry of watching.entries.values()) giveUp(entry)
      })
    )
    return {
      watch: (key, look, onLost) =>
        Effect.suspend(() => {
          const watcher = { onLost }
          return Effect.map(
            Effect.acquireRelease(
              Effect.sync(() => join(watching, key, look, watcher)),
              (entry) => Effect.sync(() => leave(watching, entry, watcher))
            ),
            (entry) => Effect.suspend(() => entry.loss ?? Deferred.await(ask(watching, entry)))
          )
        }),
      signal: () => askAll(watching)
    }
  })

const join = <L, U>(watching: Watching<L, U>, key: string, look: Look<L, U>, watcher: Watcher<L>): Entry<L, U> => {
  const { entries } = watching
  let entry = entries.get(key)
  if (entry === undefined) {
    entry = { key, look, watchers: new Set(), loss: null, next: null, isLooking: false }
    entries.set(key, entry)
  }
  entry.watchers.add(watcher)
  watching.rounds ??= watching.fork(
    Effect.forever(
      Effect.delay(
        Effect.sync(() => askAll(watching)),
        periodMillis
      )
    )
  )
  return entry
}

const leave = <L, U>(watching: Watching<L, U>, entry: Entry<L, U>, watcher: Watcher<L>): void => {
  const { entries } = watching
  entry.watchers.delete(watcher)
  if (entry.watchers.size === 0 && entries.get(entry.key) === entry) entries.delete(entry.key)
  if (entries.size > 0) return
  watching.rounds?.unsafeInterruptAsFork(FiberId.none)
  watching.rounds = null
}

const askAll = <L, U>(watching: Watching<L, U>): void => {
  for (const entry of watching.entries.values()) ask(watching, entry)
}

/** Asks for a look that has not begun. */
const ask = <L, U>(watching: Watching<L, U>, entry: Entry<L, U>): Deferred.Deferred<void, L | U> => {
  entry.next ??= Deferred.unsafeMake(FiberId.none)
  const asked = entry.next
  if (watching.isOver) giveUp(entry)
  else if (!entry.isLooking) {
    entry.isLooking = true
    watching.fork(looking(watching, entry))
  }
  return asked
}

// Nobody looks any more: who waits for a look is over, too.
const giveUp = <L, U>(entry: Entry<L, U>): void => {
  if (entry.next !== null) Deferred.unsafeDone(entry.next, Exit.interrupt(FiberId.none))
  entry.next = null
}

const looking = <L, U>(watching: Watching<L, U>, entry: Entry<L, U>): Effect.Effect<void> =>
  Effect.gen(function* () {
    // Whoever asks in this turn of the event loop shares the look.
    yield* Effect.yieldNow()
    while (entry.next !== null) {
      const asked = entry.next
      entry.next = null
      const look = Effect.exit(watching.permits.withPermits(1)(Effect.suspend(entry.look)))
      yield* Effect.intoDeferred(
        Effect.flatMap(look, (exit) => settle(watching, entry, exit)),
        asked
      )
    }
    entry.isLooking = false
  })

const settle = <L, U>(
  { entries }: Watching<L, U>,
  entry: Entry<L, U>,
  exit: Exit.Exit<L | null, U>
): Exit.Exit<void, L | U> => {
  if (Exit.isFailure(exit)) return exit
  const { value } = exit
  if (value === null) return Exit.void
  entry.loss = Exit.fail(value)
  if (entries.get(entry.key) === entry) entries.delete(entry.key)
  for (const { onLost } of entry.watchers) onLost(value)
  return entry.loss
}
