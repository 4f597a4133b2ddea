/**
 * Migrated: the content of a migration's event, enough to apply it again without the flow.
 */
import type { CartOwner } from "../ports/Carts.js"
import type { TaskCause } from "./CheckoutSession.js"

/** The changes of a session by a later version of its flow. */
export interface Migrated {
  /** The cart's new owner; null or absent if unchanged. */
  readonly owner?: CartOwner | null | undefined
  readonly at: number
  readonly from: string
  readonly to: string
  /** The versions of the flow before and after. */
  readonly versions: readonly [before: number, after: number]
  /** The target state of the task that keeps running; null if none does. */
  readonly nextState: string | null
  /** `to` has become final. */
  readonly archives: boolean
  /** The claim that ended, its work key, and why; null if none ended. */
  readonly operationId: string | null
  readonly workKey: string | null
  readonly cause: TaskCause | null
  /** The new names of states that work keys belong to. */
  readonly renamed: ReadonlyArray<readonly [former: string, name: string]>
  /** States that the flow no longer has. */
  readonly retired: ReadonlyArray<string>
}
