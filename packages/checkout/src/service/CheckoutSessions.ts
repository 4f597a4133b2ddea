/**
 * CheckoutSessions: the service. The same Tag is provided by the embedded engine (`layer`, in CheckoutEngine), by the
 * HTTP client and by the cluster; one behaviour suite runs on each.
 *
 * Inputs arrive as a caller sent them and are validated here, after the permission check and before any session is read
 * (CONTRACT §3, steps 1-4): a wrong type is an `InvalidInput`, never a defect.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type {
  AccessError,
  CancelError,
  CompleteError,
  HistoryError,
  MoveError,
  OpenError,
  OperationError,
  UpdateError
} from "../errors/CheckoutError.js"
import type { Caller } from "../ports/Caller.js"
import type { CheckoutSession, ClosedBy, HistoryEntry } from "../session/CheckoutSession.js"
import type { JsonObject } from "../session/Json.js"
import type { Follow } from "./Subscription.js"

/** Get the live session of a cart, or create one. */
export interface OpenInput {
  readonly cartId: string
  /** State of a new session; default: the flow's initial state. */
  readonly initialState?: string | undefined
  /** Id of a new session, `[A-Za-z0-9_-]{1,64}`; default: a generated one. */
  readonly checkoutSessionId?: string | undefined
  /**
   * True opens a new session even if the cart's last one was completed, for a second order. Without it such an open is
   * refused: `SessionClosed`, reason `COMPLETED`, with the order and the session.
   */
  readonly again?: boolean | undefined
  /** Milliseconds until a new session expires, 1..31,536,000,000 (a year); default: the service's own, or never. */
  readonly expiresInMillis?: number | undefined
  /**
   * The cart's owner from now on, 1..255 characters. For privileged callers: to open a cart for somebody else, or to
   * reassign it when a guest logs in. A live session adopts the owner. Default: a new cart belongs to the buyer who
   * opens it.
   */
  readonly ownerId?: string | undefined
  /** The cart's account from now on. Like `ownerId`. */
  readonly accountId?: string | undefined
  /** The cart's store from now on. Like `ownerId`. */
  readonly storeId?: string | undefined
  /**
   * Data of a new session: a JSON merge patch (RFC 7396) on `{}`. A live session's data stays as it is. Only where the
   * flow declares data.
   */
  readonly data?: JsonObject | undefined
  /**
   * 1..255 characters; a repeated call with the same key and input gets the first answer, as long as the cart's
   * sessions are kept.
   */
  readonly idempotencyKey?: string | undefined
}

/**
 * Waits for the work that a call starts or finds running. The call is answered when the session has arrived: none of
 * its work runs any more, so it is in its next state, in `Error`, or archived. If no work runs, the call is answered at
 * once.
 *
 * The call is accepted before the wait begins. If the time is over, the service closes, too many calls wait, or the
 * right to read the session is lost, the call is answered as accepted, with `arrived: false`. The work continues.
 */
export interface Wait {
  readonly wait: "screen"
  /** Most milliseconds to wait, 1..60,000; default 10,000. */
  readonly waitMillis?: number | undefined
}

/** Wait in a `get`. */
export interface WaitAfter extends Wait {
  /** Wait for the first state without running work after this version; default: any, the present one included. */
  readonly afterVersion?: number | undefined
}

/** Present if the call waited: whether the session has arrived. */
export interface Arrived {
  readonly arrived?: boolean | undefined
}

/**
 * `created` is false when the cart had a live session already. `replayed`: this is the answer given before under this
 * idempotency key, the session as it was then.
 */
export interface Opened extends Arrived {
  readonly requestId: string
  readonly created: boolean
  readonly replayed: boolean
  readonly session: CheckoutSession
}

/** Move a session from the state the caller believes it is in to the next one. */
export interface UpdateInput {
  readonly checkoutSessionId: string
  readonly expCurrentState: string
  readonly nextState: string
  /** The version the caller last saw; with it, both states may be the same. */
  readonly expectedVersion?: number | undefined
  /**
   * A JSON merge patch (RFC 7396) for the session's data, committed with the move. With two equal states it edits the
   * data in place. Only where the flow declares data.
   */
  readonly data?: JsonObject | undefined
  /**
   * 1..255 characters; a repeated call with the same key and input gets the first answer, as long as the session is
   * kept.
   */
  readonly idempotencyKey?: string | undefined
}

/** The update was accepted and is durable. `replayed`: it had been accepted before under this idempotency key. */
export interface Updated extends Arrived {
  readonly requestId: string
  readonly replayed: boolean
  readonly session: CheckoutSession
}

/** Names one session. */
export interface SessionInput {
  readonly checkoutSessionId: string
}

/** Names one cart. */
export interface FindInput {
  readonly cartId: string
}

/** The end of a cart's last session. */
export interface ClosedCart {
  readonly checkoutSessionId: string
  readonly closedBy: ClosedBy
  /** The order that was created; null if none. */
  readonly orderId: string | null
  /** When, epoch milliseconds; null if only the order is remembered, because the session was pruned. */
  readonly closedAt: number | null
}

/** The sessions of a cart. Both are null for a cart that was never opened, or whose sessions were pruned. */
export interface Found {
  /** The live session; null if there is none. */
  readonly session: CheckoutSession | null
  /** How the last session ended; null while one is live. */
  readonly closed: ClosedCart | null
}

/** Names one session, or the live session of a cart. Exactly one of the two. */
export interface CancelInput {
  readonly checkoutSessionId?: string | undefined
  readonly cartId?: string | undefined
  readonly expectedVersion?: number | undefined
  /** Why, for the history; 1..4,000 characters. */
  readonly reason?: string | undefined
  /**
   * 1..255 characters; a repeated call with the same key and input gets the first answer, as long as the session is
   * kept.
   */
  readonly idempotencyKey?: string | undefined
}

/**
 * The result of a cancel. A named session is archived by this call. For a named cart, `session` is null if there was
 * nothing to cancel: it never had a session, or its last one was cancelled before.
 */
export interface Cancelled {
  readonly requestId: string
  readonly replayed: boolean
  readonly session: CheckoutSession | null
}

/**
 * A page of history: entries with a version above `afterVersion` (default 0), at most `limit` (default 100, 1..1,000),
 * and fewer where they are large: a page ends after about 1 MiB. Continue after its last version until a page is empty.
 * Late results of an archived session follow its last entry, at most 16.
 */
export interface HistoryInput {
  readonly checkoutSessionId: string
  readonly afterVersion?: number | undefined
  readonly limit?: number | undefined
}

/** Follow a session from a version on; default: from now. */
export interface ChangesInput {
  readonly checkoutSessionId: string
  readonly afterVersion?: number | undefined
}

/** Close the claim of external work. */
export interface CompleteTaskInput {
  readonly checkoutSessionId: string
  readonly operationId: string
  /** The version the caller last saw; the claim is closed only if the session is still at it. */
  readonly expectedVersion?: number | undefined
  /** The order that the task created, if any. */
  readonly orderId?: string | undefined
  /**
   * The next state, instead of the one it was claimed for: one of the states that may follow the present one. Any other
   * state is refused (`InvalidState`, `TransitionNotAllowed`), and the claim stays.
   */
  readonly next?: string | undefined
  /** A JSON merge patch (RFC 7396) for the session's data, committed with the move. */
  readonly data?: JsonObject | undefined
  /**
   * 1..255 characters; a repeated call with the same key and input gets the first answer, as long as the session is
   * kept.
   */
  readonly idempotencyKey?: string | undefined
}

/** Report that external work has failed for good. */
export interface FailTaskInput {
  readonly checkoutSessionId: string
  readonly operationId: string
  /** The version the caller last saw; the claim is closed only if the session is still at it. */
  readonly expectedVersion?: number | undefined
  readonly code: string
  readonly message?: string | undefined
  /**
   * `no`: the work certainly had no effect under its work key (a declined payment), so the next claim of the state gets
   * a new key. Default `unknown`: the next claim uses the same key.
   */
  readonly applied?: "no" | "unknown" | undefined
  /**
   * 1..255 characters; a repeated call with the same key and input gets the first answer, as long as the session is
   * kept.
   */
  readonly idempotencyKey?: string | undefined
}

/** An operator releases a claim. The session stays in its state; a later result is refused. */
export interface ReleaseClaimInput {
  readonly checkoutSessionId: string
  readonly operationId: string
  /** The version the caller last saw; the claim is closed only if the session is still at it. */
  readonly expectedVersion?: number | undefined
  readonly reason: string
  /**
   * 1..255 characters; a repeated call with the same key and input gets the first answer, as long as the session is
   * kept.
   */
  readonly idempotencyKey?: string | undefined
}

/** Move a session to a state of the flow, regardless of its transitions. For operators. */
export interface MoveInput {
  readonly checkoutSessionId: string
  /** A state of the flow, never `Error`; a final one completes the session. */
  readonly state: string
  /** Why, for the history. */
  readonly reason: string
  /** The version the caller last saw; the session is moved only if it is still at it. */
  readonly expectedVersion?: number | undefined
  /**
   * 1..255 characters; a repeated call with the same key and input gets the first answer, as long as the session is
   * kept.
   */
  readonly idempotencyKey?: string | undefined
}

/**
 * The session after a change. `replayed`: this result was reported before, or the call made under this idempotency key;
 * the session is as it was right after that.
 */
export interface Changed extends Arrived {
  readonly replayed: boolean
  readonly session: CheckoutSession
}

/** A session in a list. */
export interface ListedSession {
  readonly checkoutSessionId: string
  readonly cartId: string
  readonly state: string
  readonly isArchived: boolean
  readonly closedBy: ClosedBy | null
  /** The running task; null if there is none. */
  readonly operationId: string | null
  readonly version: number
  readonly createdAt: number
  readonly updatedAt: number
}

/**
 * Filters for a list: sessions that match all given members. On a database, a list may be up to a second stale. After a
 * crash it lacks the last second of changes until the store has been scanned.
 */
export interface SessionsInput {
  /** Only sessions in this state, or in one of these, 32 at most. `Error`: those whose last task failed. */
  readonly state?: string | ReadonlyArray<string> | undefined
  readonly cartId?: string | undefined
  /** True: only closed sessions. False: only live ones. Default: both. */
  readonly archived?: boolean | undefined
  /** True: only sessions with a running task. Default: all. */
  readonly claimed?: boolean | undefined
  /** Only sessions that last changed before this instant, epoch milliseconds. */
  readonly changedBefore?: number | undefined
  /** Only sessions that last changed at this instant or later, epoch milliseconds. */
  readonly changedAfter?: number | undefined
  /** The `next` of the page before. Default: the first page. */
  readonly after?: string | undefined
  /** Sessions of the page, 1 to 200. Default 100. */
  readonly limit?: number | undefined
}

/** A page of sessions, in the order of their ids. It may be short, or empty: go on until `next` is null. */
export interface SessionsPage {
  readonly sessions: ReadonlyArray<ListedSession>
  /** Where the next page begins; null at the end. */
  readonly next: string | null
}

/** Filters for a list of claims. */
export interface ClaimsInput {
  /** Only claims of sessions in this state. Default: all claims. */
  readonly state?: string | undefined
  /** The `next` of the page before. Default: the first page. */
  readonly after?: string | undefined
  /** Claimed sessions to read per page, 1 to 200; those in another state are skipped. Default 100. */
  readonly limit?: number | undefined
}

/** An open claim, with what an external worker needs to do the work and to close the claim. */
export interface OpenOperation {
  readonly operationId: string
  readonly checkoutSessionId: string
  readonly cartId: string
  readonly state: string
  readonly nextState: string
  readonly workKey: string | null
  readonly orderId: string | null
  readonly version: number
  readonly updatedAt: number
  readonly data: JsonObject | null
}

/** A page of claims, in the order of their session ids. It may be short, or empty: go on until `next` is null. */
export interface ClaimsPage {
  readonly operations: ReadonlyArray<OpenOperation>
  /** Where the next page begins; null at the end. */
  readonly next: string | null
}

/**
 * The guarantee: each time a session enters a state, at most one update out of that state succeeds; every other one
 * fails with a typed error and the session's present state. Nothing is acknowledged before it is durable.
 *
 * **Cancellation**: a call interrupted before its turn has begun is dropped, certainly not applied; once begun it
 * finishes. A waiting call stops waiting at once; its accepted change stays.
 */
export interface SessionCalls {
  readonly open: (caller: Caller, input: OpenInput, wait?: Wait) => Effect.Effect<Opened, OpenError>
  readonly update: (caller: Caller, input: UpdateInput, wait?: Wait) => Effect.Effect<Updated, UpdateError>
  /** Reads a session. With `wait`: after it has arrived, or as it is when the time is over. */
  readonly get: (caller: Caller, input: SessionInput, wait?: WaitAfter) => Effect.Effect<CheckoutSession, AccessError>
  /** Reads the live session of a cart, without creating one. Needs the rights of `get`, for the cart. */
  readonly find: (caller: Caller, input: FindInput) => Effect.Effect<Found, AccessError>
  readonly cancel: (caller: Caller, input: CancelInput) => Effect.Effect<Cancelled, CancelError>
  readonly history: (caller: Caller, input: HistoryInput) => Effect.Effect<ReadonlyArray<HistoryEntry>, HistoryError>
  /** Follows a session: the entries of `changes`, in pages. Call `leave` on a subscription that was asked. */
  readonly follow: (caller: Caller, input: ChangesInput) => Follow
  readonly completeTask: (
    caller: Caller,
    input: CompleteTaskInput,
    wait?: Wait
  ) => Effect.Effect<Changed, CompleteError>
  readonly failTask: (caller: Caller, input: FailTaskInput) => Effect.Effect<Changed, OperationError>
  readonly releaseClaim: (caller: Caller, input: ReleaseClaimInput) => Effect.Effect<Changed, OperationError>
  readonly move: (caller: Caller, input: MoveInput) => Effect.Effect<Changed, MoveError>
  /** Lists sessions by state, age, cart and claim, for operators (action `administer`). */
  readonly sessions: (caller: Caller, input: SessionsInput) => Effect.Effect<SessionsPage, AccessError>
  /** Lists the open claims, for external workers (action `complete-task`). */
  readonly claims: (caller: Caller, input: ClaimsInput) => Effect.Effect<ClaimsPage, AccessError>
}

/** The service, with sessions followed as streams. */
export interface CheckoutSessionsShape extends SessionCalls {
  /**
   * Committed changes in order, no gap and no duplicate. Nothing is emitted before it is durable. Ends when the session
   * is archived.
   */
  readonly changes: (caller: Caller, input: ChangesInput) => Stream.Stream<HistoryEntry, HistoryError>
}

/** The service. */
export class CheckoutSessions extends Context.Tag("@onelane/checkout/CheckoutSessions")<
  CheckoutSessions,
  CheckoutSessionsShape
>() {}
