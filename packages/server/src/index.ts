/** Composition root and command line: `onelane serve`. */
export * as ApiKey from "./identity/ApiKey.js"
export * as Identity from "./identity/Identity.js"
export * as Tokens from "./identity/Tokens.js"
export * as Seed from "./operations/Seed.js"
export * as Listener from "./serve/Listener.js"
export { serve } from "./serve/Serve.js"
export * as ServeConfig from "./settings/ServeConfig.js"
