/** What a page loads: 6 kB, nothing of Node, nothing of others. */
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { build } from "esbuild"

const source = (name: string): string => fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url))

const bundled = async (name: string) => {
  const { metafile, outputFiles } = await build({
    entryPoints: [source(name)],
    bundle: true,
    minify: true,
    platform: "browser",
    format: "esm",
    target: "es2022",
    metafile: true,
    write: false
  })
  return { inputs: Object.keys(metafile.inputs), bytes: gzipSync(outputFiles[0]!.contents, { level: 9 }).length }
}

describe("a bundle of the small client", () => {
  it("has 6,000 bytes at most, and nothing but the client", async () => {
    const { bytes, inputs } = await bundled("index")
    assert.isAtMost(bytes, 6_000)
    assert.isTrue(inputs.every((path) => path.startsWith("packages/client/src/")))
    // Where shoppers need no more, they load no more.
    assert.isAbove((await bundled("Host")).bytes, bytes)
  })
})
