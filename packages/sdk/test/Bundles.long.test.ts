import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { bundled, bundledWithout, plain, whole } from "./Bundle.js"

/** Where other runtimes are installed, if they are: `.ci/run` does that. */
const runtimes = process.env.ONELANE_RUNTIMES

const others = [
  ["Bun", ["@oven/bun-linux-x64/bin/bun"]],
  ["Deno", ["@deno/linux-x64-glibc/deno", "run", "--allow-all"]]
] as const

const bundlers = ["esbuild, ESM, split", "esbuild, CommonJS, minified", "rollup, ESM", "rollup, CommonJS", "webpack"]

describe("Bundles, long form", () => {
  it.each(bundlers)(
    "a bundle by %s makes its large commits in the thread, and its bundler warns of nothing of ours",
    { timeout: 300_000 },
    async (bundler) => {
      assert.deepStrictEqual(await bundled(bundler, [process.execPath]), [whole, []])
    }
  )

  it.each(bundlers)(
    "a bundle by %s needs no list of externals where the optional peers are not installed",
    { timeout: 300_000 },
    async (bundler) => {
      assert.deepStrictEqual(await bundledWithout(bundler), [whole, "npm install pg @effect/sql-pg@0"])
    }
  )

  it("the thread starts in a process that takes its program from the command line as a module", async () => {
    assert.deepStrictEqual(
      await plain([process.execPath, "--input-type=module", "--eval", "await import(process.argv[1])"]),
      whole
    )
  })

  it.skipIf(runtimes === undefined).each(others)(
    "%s commits in the thread, and closes without an error",
    async (_, [file, ...args]) => {
      assert.deepStrictEqual(await plain([join(runtimes!, "node_modules", file), ...args]), whole)
    }
  )
})
