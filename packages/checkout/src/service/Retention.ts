/**
 * Retention: what is removed for good: finished sessions that are old enough (`prune`), and everything about one buyer
 * (`erase`). For the host and its operators; rights are theirs to check.
 *
 * Both work beside sessions in use, on every journal. What is removed is gone from memory, too: to everybody it never was.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { AccessError, InvalidInput, Overloaded, StorageUnavailable } from "../errors/CheckoutError.js"

/** Which finished sessions may go. */
export interface PruneInput {
  /** Sessions that were archived before this instant, epoch milliseconds. */
  readonly archivedBefore: number
  /** True: carts go on remembering the order that completed them, so that it is not ordered again unasked. Default false. */
  readonly keepCompleted?: boolean | undefined
}

/** How many sessions went. */
export interface Pruned {
  readonly pruned: number
}

/** Whose data is erased: a cart's, or everything of one owner. Exactly one of the two. */
export interface EraseInput {
  readonly cartId?: string | undefined
  readonly ownerId?: string | undefined
  /** True cancels sessions that are live. Default false: such an erasure is refused, and nothing is erased. */
  readonly force?: boolean | undefined
  /**
   * False leaves the file as it is: what was removed is overwritten, what earlier updates replaced may be readable in it. To
   * erase many buyers, say false for all but the last. Default true.
   */
  readonly compact?: boolean | undefined
}

/** What went. The erasure is logged under its id, and without any id of the buyer. */
export interface Erased {
  readonly erasureId: string
  readonly sessions: number
  readonly carts: number
  /** Entries of the directory: carts, the user, memberships, API keys. */
  readonly entries: number
}

/** How much is kept of what is finished. */
export interface Bounds {
  /** Finished sessions at most, 1 or more. */
  readonly finishedCapacity: number
  /** How long a finished session is kept at most, milliseconds. */
  readonly finishedMillis: number
  /** Carts that remember the order that completed them, after their session went, at most. */
  readonly completedCapacity: number
}

/** The bounds of an engine in memory. */
export const memoryBounds: Bounds = {
  finishedCapacity: 10_000,
  finishedMillis: 86_400_000,
  completedCapacity: 100_000
}

/** What a prune can be answered with. */
export type PruneError = InvalidInput | StorageUnavailable | Overloaded

/** What an erasure can be answered with. Live sessions: `InvalidInput`, field `force`. Repeating it is safe. */
export type EraseError = AccessError

/** Removes for good. */
export interface RetentionShape {
  /** Removes finished sessions with their history, and what their carts know of them. */
  readonly prune: (input: PruneInput) => Effect.Effect<Pruned, PruneError>
  /** Erases a buyer's sessions, history, keys and carts. Nothing of the buyer is left in an SQLite file afterwards. */
  readonly erase: (input: EraseInput) => Effect.Effect<Erased, EraseError>
}

/** The removal in force. */
export class Retention extends Context.Tag("@onelane/checkout/Retention")<Retention, RetentionShape>() {}
