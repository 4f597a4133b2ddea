/** SessionEvent: the events of a session, as the journal stores them. Each is one version. Types only. */
import type { CartOwner, CartRevision } from "../ports/Carts.js"
import type { CheckoutSession, TaskCause } from "./CheckoutSession.js"
import type { KeyUse } from "./IdempotencyKey.js"
import type { JsonObject } from "./Json.js"
import type { Migrated } from "./Migrated.js"

/** The cart's new owner from this event on; null or absent if unchanged. */
interface Following {
  readonly owner?: CartOwner | null | undefined
}

/** A claim that the engine makes automatically, in the commit that brings a session to a state that proceeds. */
export interface FollowUp {
  readonly operationId: string
  readonly workKey: string
  readonly deadlineAt: number
  /** The revision the cart had at the client's call. */
  readonly cartRevision: CartRevision | null
  readonly nextState: string
}

/** Why the automatic steps stopped. */
export type Halted = "CART_NOT_UPDATABLE" | "CART_CHANGED" | "TOO_MANY_FOLLOW_UPS"

/** The part of an event that brings a session to a state. */
export interface Arriving {
  readonly to: string
  readonly archives: boolean
  /** If that state proceeds: the states passed through, the follow-up claim, and why the steps stopped. */
  readonly proceeded?:
    | { readonly through: ReadonlyArray<string>; readonly followUp: FollowUp | null; readonly halted: Halted | null }
    | undefined
}

/** A merge patch for the session's data; absent if there was none. */
export interface Patching {
  readonly data?: JsonObject | undefined
}

interface Moved extends Following, Patching {
  readonly at: number
  readonly by: string
  readonly requestId: string
  readonly from: string
  readonly use: KeyUse | null
}

interface Closing extends Following {
  /** True if the cart has changed since the claim. */
  readonly cartChanged?: true | undefined
  readonly at: number
  readonly from: string
  readonly by: string | null
  readonly operationId: string
  readonly workKey: string
  readonly use?: KeyUse | null | undefined
}

/** All events of a session. Plain JSON. Every event is one version. */
export type SessionEvent =
  | ({
      readonly type: "Opened"
      readonly at: number
      readonly by: string
      readonly requestId: string
      readonly use?: KeyUse | null | undefined
      readonly archives?: boolean | undefined
      readonly proceeded?: Arriving["proceeded"]
    } & Patching &
      Pick<CheckoutSession, "id" | "cartId" | "storeId" | "accountId" | "ownerId" | "state" | "expiresAt">)
  | ({ readonly type: "Updated" } & Arriving & Moved)
  | ({
      readonly type: "Claimed"
      readonly to: string
      readonly operationId: string
      readonly workKey: string
      readonly deadlineAt: number
      /** The revision the cart had then, where the port gives one. */
      readonly cartRevision?: CartRevision | null | undefined
    } & Moved)
  | ({
      readonly type: "TaskCompleted"
      readonly orderId: string | null
    } & Arriving &
      Closing &
      Patching)
  | ({
      readonly type: "TaskFailed"
      readonly cause: TaskCause
      readonly applied: "no" | "unknown"
      /**
       * The order that a task created although its result was refused: the cart had changed, or a member was invalid.
       */
      readonly orderId?: string | null | undefined
    } & Closing)
  | ({
      readonly type: "ClaimReleased"
      readonly reason: string
      /** True if the flow has made its state final meanwhile. */
      readonly archives?: boolean | undefined
    } & Closing)
  | ({
      readonly type: "Cancelled"
      readonly at: number
      readonly from: string
      readonly by: string
      readonly requestId: string
      /** The task that was running, and its work key; null when none was. */
      readonly operationId: string | null
      readonly workKey: string | null
      readonly reason?: string | undefined
      readonly use?: KeyUse | null | undefined
    } & Following)
  | ({ readonly type: "LateResult"; readonly orderId: string | null } & Closing)
  | ({ readonly type: "OwnerChanged" } & Following & Pick<Moved, "at" | "from" | "by" | "requestId">)
  | ({ readonly type: "Expired"; readonly at: number; readonly from: string } & Following)
  | ({ readonly type: "Migrated" } & Migrated)
  | ({
      readonly type: "Moved"
      readonly at: number
      readonly by: string
      readonly requestId: string
      readonly from: string
      readonly reason: string
      /** `from`, if the flow does not have it. */
      readonly retired?: ReadonlyArray<string> | undefined
      readonly use?: KeyUse | null | undefined
    } & Arriving &
      Following)
