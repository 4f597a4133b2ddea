/** The contract on the wire: server, typed client, and the standard-action format. */
export * as Authentication from "./Authentication.js"
export { CheckoutApi } from "./CheckoutApi.js"
export * as CheckoutClient from "./CheckoutClient.js"
export * as CheckoutServer from "./CheckoutServer.js"
export * as HttpLimits from "./HttpLimits.js"
export type * as WireAnswer from "./WireAnswer.js"
export * as WireError from "./WireError.js"
export type * as WireRequest from "./WireRequest.js"
