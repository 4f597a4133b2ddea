import { assert, describe, it } from "@effect/vitest"
import { bundled, bundledWithout, plain, type Said, whole } from "./Bundle.js"

const without = new URL("./programs/without-threads.mjs", import.meta.url).href

describe("Bundles", () => {
  it("a bundle by esbuild makes its large commits in the thread, and checks data by its effect/Schema", async () => {
    assert.deepStrictEqual(await bundled("esbuild, ESM", [process.execPath]), [whole, []])
  })

  it("a bundle by esbuild needs no list of externals where the optional peers are not installed", async () => {
    assert.deepStrictEqual(await bundledWithout("esbuild, ESM"), [whole, "npm install pg @effect/sql-pg@0"])
  })

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
})
