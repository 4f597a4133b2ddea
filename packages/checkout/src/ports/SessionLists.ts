/**
 * SessionLists: the port to a narrow table of sessions, for lists. Optional: without it lists read the states in the
 * journal, which is fast enough for a journal in memory. An engine writes to it after its commits, so a row may be
 * slightly stale.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { ListedSession } from "../service/CheckoutSessions.js"
import type { PortUnavailable } from "./Access.js"

/** The filter of a page: rows that match every member that is not null. */
export interface Wanted {
  readonly states: ReadonlyArray<string> | null
  readonly cartId: string | null
  readonly isArchived: boolean | null
  /** Only sessions with a running task. */
  readonly isClaimed: boolean
  /** Rows after this id; "" for the first page. */
  readonly after: string
  readonly limit: number
}

/** The port. */
export interface SessionListsShape {
  /** Writes rows. Skips a row with a lower version than the stored one, and rows of removed sessions. */
  readonly write: (rows: ReadonlyArray<ListedSession>) => Effect.Effect<void, PortUnavailable>
  /** Reads rows in the order of their ids. Fewer than `limit`: this is the last page. */
  readonly page: (wanted: Wanted) => Effect.Effect<ReadonlyArray<ListedSession>, PortUnavailable>
}

/** The table of sessions. */
export class SessionLists extends Context.Tag("@onelane/checkout/SessionLists")<SessionLists, SessionListsShape>() {}
