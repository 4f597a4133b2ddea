/** Writes the URL of every module that is loaded, a line each, to the file descriptor 3. For `node --import`. */
import { register } from "node:module"

const hooks = `
  import { writeSync } from "node:fs"
  export const load = async (url, context, next) => {
    writeSync(3, url + "\\n")
    return next(url, context)
  }`

register(`data:text/javascript,${encodeURIComponent(hooks)}`)
