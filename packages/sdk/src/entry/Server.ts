/** Server: what Node imports as `@onelane/sdk/server`; see `Main`. */
import "./Supported.js"

/** The exports of `Server`, by the same names: a test compares them. */
export const { sseHeaders, toHttp, toNodeHandler, toSse, toWebHandler } = await import("../Server.js")
