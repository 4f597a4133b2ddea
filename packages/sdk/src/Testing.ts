/**
 * Testing: the parts that `@onelane/testing` uses for an engine with a simulated clock, scheduler and journal, and for
 * callers on a faulty network. Programs do not need them.
 */
export type { Behind } from "./door/Behind.js"
export * as Checkout from "./door/Checkout.js"
export * as Mountable from "./door/Mountable.js"
export * as App from "./open/App.js"
export { openIn, type Surroundings } from "./open/Embedded.js"
export * as Retry from "./retry/Retry.js"
