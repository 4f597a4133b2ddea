/** The one import of a Node app: embedded or remote, Promise or Effect. */
export { Access, Caller, Carts, CheckoutError, CheckoutSession, CheckoutSessions, Flow } from "@onelane/checkout"
export type { CallOptions, Checkout } from "./Checkout.js"
export type { Answer, HostAccess, HostCarts } from "./Ports.js"
export { type Aborted, type CallError, OnelaneError, type Result } from "./Result.js"
export type { RetryOptions } from "./Retry.js"
export type { HistoryOf, OpenOf, SessionOf, UpdateOf } from "./Typed.js"
