/** Registers a hook by which packages cannot be found, as if nobody had installed them: ONELANE_WITHOUT, separated by commas. */
import { register } from "node:module"

const hook = `
  const missing = (process.env.ONELANE_WITHOUT ?? "").split(",")
  export const resolve = (name, context, next) => {
    if (!missing.some((each) => name === each || name.startsWith(each + "/"))) return next(name, context)
    throw Object.assign(new Error("Cannot find package '" + name + "'"), { code: "ERR_MODULE_NOT_FOUND" })
  }`
register(`data:text/javascript,${encodeURIComponent(hook)}`)
