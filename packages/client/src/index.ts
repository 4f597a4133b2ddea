/** The small client: checkout sessions from a browser, an edge runtime or Node. */

export type { WaitAfterOptions, WaitOptions } from "./Calls.js"
export type { FollowOptions } from "./Changes.js"
export type * from "./CheckoutError.js"
export { type CallOptions, type Client, type ClientOptions, connect } from "./Client.js"
export { OnelaneError } from "./OnelaneError.js"
export type * from "./Session.js"
export type { Token } from "./Token.js"
export type { Result } from "./Wire.js"
