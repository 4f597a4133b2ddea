import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { bundled, bundledWithout, plain, type Said, whole } from "./Bundle.js"

/** Where other runtimes are installed, if they are: `.ci/run` does that. */
const runtimes = process.env.ONELANE_RUNTIMES

const others = [
  ["Bun", ["@oven/bun-linux-x64/bin/bun"]],
  ["Deno", ["@deno/linux-x64-glibc/deno", "run", "--allow-all"]]
] as const

const without = new URL("./programs/without-threads.mjs", import.meta.url).href

/** Two of esbuild, one of each other: what is left out of a bundle does not depend on its format. */
const bundlers = ["esbuild, ESM, split", "esbuild, CommonJS, minified", "rollup, CommonJS", "webpack"]

/** Those whose users have no optional peers installed. */
const bare = ["esbuild, ESM", "webpack, not minified"]

describe("Bundles", { timeout: 180_000 }, () => {
  it.each(bundlers)(
    "a bundle by %s makes its large commits in the thread, checks data, and its bundler warns of nothing of ours",
    { timeout: 300_000 },
    async (bundler) => {
      assert.deepStrictEqual(await bundled(bundler, [process.execPath]), [whole, []])
    }
  )

  it.each(bare)(
    "a bundle by %s needs no list of externals where the optional peers are not installed",
    { timeout: 300_000 },
    async (bundler) => {
      assert.deepStrictEqual(await bundledWithout(bundler), [whole, "npm install pg @effect/sql-pg@0"])
    }
  )

  it("a process without threads makes every commit on its event loop, fails no call and says so once", async () => {
    const { backup, ...said } = await plain([process.execPath, "--import", without])
    assert.strictEqual(backup, "the thread that copies ended")
    const { backup: _, ...expected }: Said = whole
    assert.deepStrictEqual(said, {
      ...expected,
      connections: 1,
      lines: ["warn SQLite's writer thread could not start; every commit is made on the event loop"]
    })
  })

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
