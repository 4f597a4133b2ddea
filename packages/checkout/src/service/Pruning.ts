/**
 * Pruning: removes finished sessions: those archived before an instant and, with a journal in memory, the oldest ones
 * beyond a bound. An archived session never changes, so it can be removed while the engine runs; its cart follows in a
 * turn of its own.
 */
import { QuietTimer, Race } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { CartCommand, CartReply, CartState } from "../commands/CartBehavior.js"
import * as Input from "../commands/Input.js"
import type { CheckoutError, Overloaded, StorageUnavailable } from "../errors/CheckoutError.js"
import type { CartActors } from "../ports/CartBook.js"
import type { CheckoutSession } from "../session/CheckoutSession.js"
import type { SessionState } from "../session/SessionState.js"
import type { Sessions } from "../work/Sessions.js"
import type { Bounds, Pruned, PruneInput, RetentionShape } from "./Retention.js"

/** The two kinds of actors. */
export interface Actors {
  readonly sessions: Sessions
  readonly carts: CartActors
}

/** Sessions removed in one commit. */
const removedAtOnce = 1_000

type Undecided = StorageUnavailable | Overloaded

/** A finished session to be removed. */
interface Finished {
  readonly sequence: number
  readonly session: CheckoutSession
}

const fields = {
  archivedBefore: { is: "an instant, epoch milliseconds", required: true, check: Number.isFinite },
  keepCompleted: Input.optionalFlag
}

/** Removes every session that was archived before an instant. */
export const prune =
  (actors: Actors): RetentionShape["prune"] =>
  (input) => {
    const invalid = Input.accept(input, fields)
    return invalid === null ? pruneAll(actors, input) : Exit.fail(invalid)
  }

const pruneAll = (
  actors: Actors,
  { archivedBefore, keepCompleted = false }: PruneInput
): Effect.Effect<Pruned, Undecided> =>
  Effect.gen(function* () {
    const isOver = (_: string, { session }: SessionState): boolean =>
      session?.isArchived === true && session.updatedAt < archivedBefore
    let after: string | null = ""
    let pruned = 0
    while (after !== null) {
      const part: Effect.Effect.Success<ReturnType<Sessions["select"]>> = yield* actors.sessions.select(after, isOver)
      const over = part.found.flatMap(finishedOf)
      for (let from = 0; from < over.length; from += removedAtOnce) {
        pruned += (yield* remove(actors, over.slice(from, from + removedAtOnce), keepCompleted)).length
        yield* Effect.yieldNow()
      }
      after = part.next
    }
    return { pruned }
  })

/** Returns the finished session of a state as a list of one; empty if it is not finished. */
export const finishedOf = ({ sequence, state }: { readonly sequence: number; readonly state: SessionState }) =>
  state.session?.isArchived === true ? [{ sequence, session: state.session }] : []

// Returns the removed sessions. A cart that names another session by now keeps it.
const remove = (
  { carts, sessions }: Actors,
  over: ReadonlyArray<Finished>,
  keepCompleted: boolean
): Effect.Effect<ReadonlyArray<CheckoutSession>, Undecided> =>
  Effect.gen(function* () {
    const gone = yield* sessions.remove(over.map(({ sequence, session }) => ({ id: session.id, sequence })))
    const removed = over.filter((_, index) => gone[index]).map(({ session }) => session)
    const forgotten: Array<{ readonly id: string; readonly sequence: number }> = []
    for (const session of removed) {
      const { sequence, state } = yield* carts.read(session.cartId) as Effect.Effect<CartSnapshot, Undecided>
      if (state.sessionId !== session.id) continue
      const completed = completedBy(session) ?? state.completed
      if (keepCompleted && completed !== null)
        yield* tell(carts, session.cartId, { tag: "Prune", sessionId: session.id, completed })
      else forgotten.push({ id: session.cartId, sequence })
    }
    yield* carts.remove(forgotten) as Effect.Effect<unknown, Undecided>
    return removed
  })

/** What a cart remembers about the session that completed it; null if the session ended otherwise. */
export const completedBy = ({ closedBy, id, orderId }: CheckoutSession) =>
  closedBy === "COMPLETED" ? { checkoutSessionId: id, orderId } : null

type CartSnapshot = { readonly sequence: number; readonly state: CartState }

// No rule of a cart refuses this command, so only engine errors are possible.
const tell = (carts: CartActors, cartId: string, command: CartCommand) =>
  carts.askInternal(cartId, command) as Effect.Effect<CartReply, Undecided>

/** Limits the number and age of finished sessions. */
export interface Keeper {
  /** Called for every session that is archived, after it is durable. */
  readonly finished: (id: string) => void
  /** Removes sessions beyond the bounds, until it is interrupted. */
  readonly keeping: (actors: Actors) => Effect.Effect<void>
}

/** Shortest pause between two checks of the age, milliseconds. */
const ageMillis = 60_000

/** Pause after a round that failed, milliseconds. */
const retryMillis = 1_000

const keepsAll: Keeper = { finished: () => {}, keeping: () => Effect.void }

/** Makes the keeper of an engine whose journal begins empty; without bounds it keeps everything. */
export const makeKeeper = (bounds: Bounds | undefined, nowMillis: () => number): Keeper => {
  if (bounds === undefined) return keepsAll
  const finished: Array<{ readonly id: string; readonly at: number }> = []
  const completed: Array<string> = []
  const latch = Effect.unsafeMakeLatch(false)
  const dueEntries = (): number => {
    const oldest = nowMillis() - bounds.finishedMillis
    let count = Math.max(0, finished.length - bounds.finishedCapacity)
    while (count < finished.length && finished[count]!.at < oldest) count += 1
    return Math.min(count, removedAtOnce)
  }
  const round = (actors: Actors, count: number): Effect.Effect<void, CheckoutError> =>
    Effect.gen(function* () {
      const states = yield* Effect.forEach(finished.slice(0, count), ({ id }) => actors.sessions.read(id))
      for (const session of yield* remove(actors, states.flatMap(finishedOf), true))
        if (completedBy(session) !== null) completed.push(session.cartId)
      finished.splice(0, count)
      const excess = Math.max(0, completed.length - bounds.completedCapacity)
      yield* forgetCompleted(actors.carts, completed.splice(0, excess))
      yield* Effect.yieldNow()
    })
  const next = (actors: Actors) =>
    Effect.suspend(() => {
      const count = dueEntries()
      if (count > 0) return round(actors, count)
      latch.unsafeClose()
      const oldest = finished[0]
      if (oldest === undefined) return latch.await
      const untilOldMillis = oldest.at + bounds.finishedMillis - nowMillis()
      return Race.first(latch.await, QuietTimer.sleep(Math.max(ageMillis, untilOldMillis)))
    }).pipe(
      Effect.catchAllCause((cause) =>
        Effect.zipRight(Effect.logDebug("finished sessions could not be removed", cause), QuietTimer.sleep(retryMillis))
      )
    )
  return {
    finished: (id) => {
      finished.push({ id, at: nowMillis() })
      if (finished.length === 1 || finished.length > bounds.finishedCapacity) latch.unsafeOpen()
    },
    keeping: (actors) => Effect.interruptible(Effect.forever(next(actors)))
  }
}

// A cart that was opened again meanwhile keeps its session.
const forgetCompleted = (carts: CartActors, cartIds: ReadonlyArray<string>): Effect.Effect<void, CheckoutError> =>
  Effect.forEach(
    cartIds,
    (id) =>
      Effect.flatMap(carts.read(id), ({ sequence, state }) =>
        state.sessionId === null && state.completed !== null ? carts.remove([{ id, sequence }]) : Effect.void
      ),
    { discard: true }
  )
