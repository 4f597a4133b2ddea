/** The examples of frameworks: the HTTP API of a checkout in somebody else's server. More: Frameworks.long.test.ts. */
import { join } from "node:path"
import { describe, it } from "@effect/vitest"
import * as Frameworks from "./Frameworks.js"
import { node, root } from "./Program.js"

describe("examples/frameworks", { timeout: 60_000 }, () => {
  it.each(["express", "fastify", "hono"])(
    "%s: of forty callers one wins, refusals are typed, and it ends in order with streams open",
    async (name) => {
      const program = node([join(root, "examples/dist/frameworks", `${name}.js`)])
      const line = await program.line((each) => each.startsWith("listening at "))
      await Frameworks.use(program, line.slice("listening at ".length))
    }
  )
})
