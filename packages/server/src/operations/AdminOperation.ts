/**
 * AdminOperation: the type of an operators' operation: input, output, and the function that runs it.
 */
import type { Access, Caller, CheckoutError, Retention } from "@onelane/checkout"
import type { Directory } from "@onelane/directory"
import type { StoreBackup } from "@onelane/sql"
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type { Kept } from "../serve/Store.js"

/** Why an operation failed. */
export type AdminFailure =
  | Access.PortUnavailable
  | Directory.UnknownEntry
  | CheckoutError.AccessError
  | StoreBackup.BackupRefused

/** One operation. */
export interface Operation<In, Out> {
  readonly input: Schema.Schema<In, any>
  readonly output: Schema.Schema<Out, any>
  /** Runs it for a caller who may administer. */
  readonly run: (input: In, caller: Caller.Caller) => Effect.Effect<Out, AdminFailure, Kept | Retention.Retention>
}

/** Creates an operation. */
export const operation = <In, Out>(
  input: Schema.Schema<In, any>,
  output: Schema.Schema<Out, any>,
  run: Operation<In, Out>["run"]
): Operation<In, Out> => ({ input, output, run })
