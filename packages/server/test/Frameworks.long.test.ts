/**
 * The examples of frameworks: the HTTP API of a checkout in somebody else's server. Nest and Next have folders of their own, with
 * our packages from their tarballs; `.ci/run` installs them (`ONELANE_FRAMEWORKS`).
 */
import { execFile } from "node:child_process"
import { existsSync, rmSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import * as Link from "@onelane/testkit/Link"
import { Effect } from "effect"
import * as Frameworks from "./Frameworks.js"
import { node, root, start } from "./Program.js"

/** Where they are installed, if they are. */
const installed = process.env.ONELANE_FRAMEWORKS

const execute = promisify(execFile)

const env = (folder: string, port: number) => ({
  ...{ PORT: String(port), SHOP_STORAGE: join(folder, "checkout.db"), NEXT_TELEMETRY_DISABLED: "1" },
  // That of the tests.
  NODE_ENV: "production"
})

const examples = [
  ["nest", "dist/main.js", null],
  ["next", "node_modules/next/dist/bin/next start --hostname 127.0.0.1", 143]
] as const

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

describe.skipIf(installed === undefined)("examples/frameworks with folders of their own", () => {
  it.each(examples)(
    "%s: builds, one of forty callers wins, refusals are typed, and it ends in order with streams open",
    { timeout: 300_000 },
    async (name, main, exit) => {
      const folder = join(installed!, name)
      const port = await Effect.runPromise(Link.freePort)
      for (const file of ["checkout.db", "checkout.db-wal", "checkout.db-shm"])
        rmSync(join(folder, file), { force: true })
      await execute("npm", ["run", "build"], { cwd: folder, env: { ...process.env, ...env(folder, port) } })
      const command = `cd ${folder} && exec ${process.execPath} ${main}`
      const program = start("bash", ["-c", command], env(folder, port))
      await program.line((line) => /127\.0\.0\.1|Ready in/.test(line))
      await Frameworks.use(program, `http://127.0.0.1:${port}`, exit)
      assert.isTrue(existsSync(join(folder, "checkout.db")))
    }
  )
})
