/**
 * Server: a checkout inside the server of a host. Import it as `@onelane/sdk/server`; the SDK itself does not load
 * HTTP.
 */
export { type ErrorAnswer, type ErrorOptions, toHttp } from "./mount/ErrorAnswer.js"
export { type EventOptions, type EventStream, sseHeaders, toSse } from "./mount/EventText.js"
export type { HostCaller, Identified, MountOptions } from "./mount/MountOptions.js"
export { type NodeMount, toNodeHandler } from "./mount/NodeMount.js"
export { toWebHandler, type WebMount } from "./mount/WebMount.js"
