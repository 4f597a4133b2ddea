/**
 * Retention: permanent removal of finished sessions that are old enough (`prune`) and of everything about one buyer
 * (`erase`). For the host and its operators, who check the rights themselves.
 *
 * Both work while the engine runs, on every journal. Removed data is also gone from memory: a removed session looks as
 * if it had never existed.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { AccessError, InvalidInput, Overloaded, StorageUnavailable } from "../errors/CheckoutError.js"

/** Which finished sessions to remove. */
export interface PruneInput {
  /** Sessions that were archived before this instant, epoch milliseconds. */
  readonly archivedBefore: number
  /**
   * True: carts still remember the order that completed them, so a cart is not ordered again by accident. Default
   * false.
   */
  readonly keepCompleted?: boolean | undefined
}

/** The number of removed sessions. */
export interface Pruned {
  readonly pruned: number
}

/** What to erase: one cart, or everything about one owner. Exactly one of the two. */
export interface EraseInput {
  readonly cartId?: string | undefined
  readonly ownerId?: string | undefined
  /** True cancels sessions that are live. Default false: such an erasure is refused, and nothing is erased. */
  readonly force?: boolean | undefined
  /**
   * False does not rewrite the file: removed data is overwritten, but values that earlier updates replaced may still be
   * readable in it. To erase many buyers, pass false for all but the last. Default true.
   */
  readonly compact?: boolean | undefined
}

/** What was removed. The erasure is logged under its id, without any id of the buyer. */
export interface Erased {
  readonly erasureId: string
  readonly sessions: number
  readonly carts: number
  /** Entries of the directory: carts, the user, memberships, API keys. */
  readonly entries: number
}

/** Limits for finished sessions and completed carts. */
export interface Bounds {
  /** Most finished sessions kept, 1 or more. */
  readonly finishedCapacity: number
  /** Longest time a finished session is kept, milliseconds. */
  readonly finishedMillis: number
  /** Most carts that remember their order after their session was removed. */
  readonly completedCapacity: number
}

/** The bounds of an engine in memory. */
export const memoryBounds: Bounds = {
  finishedCapacity: 10_000,
  finishedMillis: 86_400_000,
  completedCapacity: 100_000
}

/** Errors of `prune`. */
export type PruneError = InvalidInput | StorageUnavailable | Overloaded

/** Errors of `erase`. Live sessions: `InvalidInput`, field `force`. Retrying is safe. */
export type EraseError = AccessError

/** Permanent removal. */
export interface RetentionShape {
  /** Removes finished sessions with their history, and their carts' references to them. */
  readonly prune: (input: PruneInput) => Effect.Effect<Pruned, PruneError>
  /**
   * Erases a buyer's sessions, history, keys and carts. After that (with `compact`), an SQLite file contains no data of
   * the buyer.
   */
  readonly erase: (input: EraseInput) => Effect.Effect<Erased, EraseError>
}

/** The retention service. */
export class Retention extends Context.Tag("@onelane/checkout/Retention")<Retention, RetentionShape>() {}
