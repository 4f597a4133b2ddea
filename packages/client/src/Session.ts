/**
 * Session: sessions, history and inputs, typed by the flow of the shop. Types only. Instants are epoch milliseconds.
 */

/** A JSON value. */
export type JsonValue = string | number | boolean | null | ReadonlyArray<JsonValue> | JsonObject

/** A JSON object. */
export interface JsonObject {
  readonly [name: string]: JsonValue
}

/**
 * The part of a flow that the compiler needs: `connect<typeof shop>` with `import type { shop }`, so that no server
 * code comes into a browser.
 */
export interface FlowTypes {
  readonly transitions: { readonly [State in string]: ReadonlyArray<string> }
}

/** The states of a flow. */
export type StateOf<F> = F extends { readonly transitions: infer T } ? (keyof T & string) | "Error" : string

/** The states that may follow `S`; from `Error`, any state of the flow. */
export type NextOf<F, S extends string> = F extends { readonly transitions: infer T }
  ? S extends keyof T
    ? T[S] extends ReadonlyArray<infer Next extends string>
      ? Next
      : string
    : S extends "Error"
      ? keyof T & string
      : string
  : string

/** The data of a flow's sessions; any JSON object if the flow is not known to the compiler. */
export type DataOf<F> = F extends { readonly data: { readonly input?: infer D } | null }
  ? unknown extends D
    ? JsonObject | null
    : D
  : JsonObject | null

type Patch<D> =
  D extends ReadonlyArray<unknown>
    ? D
    : D extends object
      ? { readonly [Name in keyof D]?: Patch<D[Name]> | null | undefined }
      : D

/** A merge patch for the data of a flow's sessions. */
export type PatchOf<F> =
  DataOf<F> extends JsonObject | null
    ? JsonObject extends NonNullable<DataOf<F>>
      ? JsonObject
      : Patch<NonNullable<DataOf<F>>>
    : Patch<NonNullable<DataOf<F>>>

/** How a session ended. */
export type ClosedBy = "COMPLETED" | "CANCELLED" | "EXPIRED"

/** A checkout session. */
export interface Session<F = FlowTypes> {
  readonly id: string
  readonly cartId: string
  readonly storeId: string
  readonly accountId: string
  readonly ownerId: string
  readonly state: StateOf<F>
  /** The state after the running task completes; null if no task runs. */
  readonly nextState: StateOf<F> | null
  readonly isProcessing: boolean
  readonly isError: boolean
  readonly isArchived: boolean
  readonly closedBy: ClosedBy | null
  readonly operationId: string | null
  readonly workKey: string | null
  readonly orderId: string | null
  readonly version: number
  readonly lastRequestId: string | null
  readonly createdAt: number
  readonly updatedAt: number
  readonly expiresAt: number | null
  readonly data: DataOf<F>
}

/** One committed change. */
export interface HistoryEntry<F = FlowTypes> {
  readonly version: number
  readonly type:
    | "Opened"
    | "Updated"
    | "Claimed"
    | "TaskCompleted"
    | "TaskFailed"
    | "ClaimReleased"
    | "OwnerChanged"
    | "Cancelled"
    | "Expired"
    | "LateResult"
    | "Migrated"
    | "Moved"
  readonly at: number
  readonly from: StateOf<F> | null
  readonly to: StateOf<F> | null
  readonly requestId: string | null
  readonly operationId: string | null
  readonly workKey: string | null
  readonly orderId: string | null
  readonly by: string | null
  readonly reason: string | null
  readonly cause: { readonly code: string; readonly message: string } | null
  readonly cartChanged: boolean
  readonly passedThrough: ReadonlyArray<StateOf<F>>
  readonly followUp: { readonly operationId: string; readonly workKey: string; readonly nextState: string } | null
  readonly data: PatchOf<F> | null
}

/** Inputs of a call that writes. The client generates a key for a call without one. */
export interface Keyed {
  readonly idempotencyKey?: string | undefined
}

/** Get the live session of a cart, or create one. */
export interface OpenInput<F = FlowTypes> extends Keyed {
  readonly cartId: string
  readonly initialState?: Exclude<StateOf<F>, "Error"> | undefined
  readonly checkoutSessionId?: string | undefined
  /** Opens a new session even if the cart's last one was completed. */
  readonly again?: boolean | undefined
  readonly expiresInMillis?: number | undefined
  readonly ownerId?: string | undefined
  readonly accountId?: string | undefined
  readonly storeId?: string | undefined
  /** A merge patch on `{}`, for a new session. */
  readonly data?: PatchOf<F> | undefined
}

/** Move a session from the state the caller believes it is in to the next one. */
export interface UpdateInput<F, S extends StateOf<F>> extends Keyed {
  readonly checkoutSessionId: string
  readonly expCurrentState: S
  /** A state that may follow; or the same one, with `expectedVersion`, which edits the data in place. */
  readonly nextState: NextOf<F, NoInfer<S>> | Exclude<NoInfer<S>, "Error">
  readonly expectedVersion?: number | undefined
  /** A JSON merge patch (RFC 7396). */
  readonly data?: PatchOf<F> | undefined
}

/** Names a session, or the cart of a live session. */
export interface CancelInput extends Keyed {
  readonly checkoutSessionId?: string | undefined
  readonly cartId?: string | undefined
  readonly expectedVersion?: number | undefined
  /** Why, for the history; 1..4,000 characters. */
  readonly reason?: string | undefined
}

/** Report that external work has succeeded. */
export interface CompleteTaskInput<F = FlowTypes> extends Keyed {
  readonly checkoutSessionId: string
  readonly operationId: string
  readonly expectedVersion?: number | undefined
  readonly orderId?: string | undefined
  readonly next?: Exclude<StateOf<F>, "Error"> | undefined
  readonly data?: PatchOf<F> | undefined
}

/** Report that external work has failed for good. */
export interface FailTaskInput extends Keyed {
  readonly checkoutSessionId: string
  readonly operationId: string
  readonly expectedVersion?: number | undefined
  readonly code: string
  readonly message?: string | undefined
  readonly applied?: "no" | "unknown" | undefined
}

/** Release a claim (for operators). */
export interface ReleaseClaimInput extends Keyed {
  readonly checkoutSessionId: string
  readonly operationId: string
  readonly expectedVersion?: number | undefined
  readonly reason: string
}

/** Move a stranded session (for operators). */
export interface MoveInput<F = FlowTypes> extends Keyed {
  readonly checkoutSessionId: string
  readonly state: Exclude<StateOf<F>, "Error">
  readonly reason: string
  readonly expectedVersion?: number | undefined
}

/** Present if the call waited: whether the session has no running work. */
export interface Arrived {
  readonly arrived?: boolean | undefined
}

/** Answer to open. */
export interface Opened<F = FlowTypes> extends Arrived {
  readonly requestId: string
  readonly created: boolean
  readonly replayed: boolean
  readonly session: Session<F>
}

/** Answer to update. */
export interface Updated<F = FlowTypes> extends Arrived {
  readonly requestId: string
  readonly replayed: boolean
  readonly session: Session<F>
}

/** Answer to cancel. `session` is null if there was nothing to cancel. */
export interface Cancelled<F = FlowTypes> {
  readonly requestId: string
  readonly replayed: boolean
  readonly session: Session<F> | null
}

/** Answer to the other writing calls. */
export interface Changed<F = FlowTypes> extends Arrived {
  readonly replayed: boolean
  readonly session: Session<F>
}

/** The live session of a cart, or how its last one ended. */
export interface Found<F = FlowTypes> {
  readonly session: Session<F> | null
  readonly closed: {
    readonly checkoutSessionId: string
    readonly closedBy: ClosedBy
    readonly orderId: string | null
    readonly closedAt: number | null
  } | null
}
