/**
 * BuiltIn: the adapters that come with the command, by name.
 */
import type { Flow } from "@onelane/checkout"
import { acp } from "./AcpAdapter.js"
import type { Adapter } from "./Adapter.js"
import { native } from "./NativeAdapter.js"
import { standardAction } from "./StandardActionAdapter.js"

/** The options of a built-in adapter. */
export interface BuiltInOptions {
  readonly flow: Flow.Flow
  /** Further members of the body that opens a session. */
  readonly create: object
  /** Further members of the body that completes one (`acp`). */
  readonly complete: object
}

/** Name to adapter. */
export const adapters: Readonly<Record<string, (options: BuiltInOptions) => Adapter>> = {
  native: ({ create, flow }) => native(flow, create),
  "standard-action": ({ create, flow }) => standardAction(flow, create),
  acp: ({ complete, create }) => acp({ complete, create })
}
