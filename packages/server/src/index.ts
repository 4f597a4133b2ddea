/** Composition root and command line: `onelane serve`. */
export * as ApiKey from "./ApiKey.js"
export * as Identity from "./Identity.js"
export * as Listener from "./Listener.js"
export * as Seed from "./Seed.js"
export { serve } from "./Serve.js"
export * as ServeConfig from "./ServeConfig.js"
export * as Tokens from "./Tokens.js"
