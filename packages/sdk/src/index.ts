/** The one import of a Node app: embedded or remote, Promise or Effect. */
export {
  Access,
  Caller,
  Carts,
  CheckoutError,
  CheckoutSession,
  CheckoutSessions,
  CheckoutTasks,
  Directory,
  Flow,
  Task
} from "@onelane/checkout"
export type { DatabaseRefused } from "@onelane/sql"
export type { CallOptions, Checkout } from "./Checkout.js"
export type { DirectoryCheckout, DirectoryDoor, EmbeddedCheckout, EmbeddedOptions } from "./Embedded.js"
export * as Onelane from "./Onelane.js"
export type { Answer, HostAccess, HostCarts } from "./Ports.js"
export type { RemoteOptions } from "./Remote.js"
export { type Aborted, type CallError, OnelaneError, type Result } from "./Result.js"
export type { RetryOptions } from "./Retry.js"
export type { FlowOf, HistoryOf, OpenOf, SessionOf, UpdateOf } from "./Typed.js"
