/**
 * SessionLists: the port to a narrow table of sessions, for lists. Optional: without it lists read the states in the journal, which a
 * journal in memory answers well enough. An engine writes to it behind its commits, so a row may be a moment old.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { ListedSession } from "../service/CheckoutSessions.js"
import type { PortUnavailable } from "./Access.js"

/** Which rows a page has: those that fit everything that is not null. */
export interface Wanted {
  readonly states: ReadonlyArray<string> | null
  readonly cartId: string | null
  readonly isArchived: boolean | null
  /** Only sessions with a running task. */
  readonly isClaimed: boolean
  /** Rows behind this id; "" for the first ones. */
  readonly after: string
  readonly limit: number
}

/** The port. */
export interface SessionListsShape {
  /** Writes rows. One of a lower version than the stored one is left out, and so is one of a session that was removed. */
  readonly write: (rows: ReadonlyArray<ListedSession>) => Effect.Effect<void, PortUnavailable>
  /** Reads rows in the order of their ids. Fewer than `limit` are the last ones. */
  readonly page: (wanted: Wanted) => Effect.Effect<ReadonlyArray<ListedSession>, PortUnavailable>
}

/** The table in force. */
export class SessionLists extends Context.Tag("@onelane/checkout/SessionLists")<SessionLists, SessionListsShape>() {}
