/**
 * Connect: `Onelane.connect` alone, for browsers and for programs that load no engine: `@onelane/sdk/connect`. It loads
 * neither Effect nor anything of Node.
 */
export type { CallOptions, Checkout, WaitAfterOptions, WaitOptions } from "./door/Checkout.js"
export { type Aborted, type CallError, type Closed, OnelaneError, type Result } from "./door/Result.js"
export { connect, type RemoteOptions } from "./open/Remote.js"
export type { RetryOptions } from "./retry/RetryOptions.js"
