import { assert, describe, it } from "@effect/vitest"
import { count, render } from "../src/tidy/Lines.js"

const files = {
  "package.json": '{"name":"root","private":true}',
  "README.md": "# One\n\ntwo\n",
  ".ci/audit.mjs": "one\n",
  "packages/engine/package.json": '{"name":"@onelane/engine"}',
  "packages/engine/src/Engine.ts": "one\n\n  \ntwo\nthree\n",
  "packages/engine/test/Engine.test.ts": "one\ntwo\n",
  "packages/testkit/package.json": '{"name":"@onelane/testkit","private":true}',
  "packages/testkit/src/Suite.ts": "one\n",
  "bench/package.json": '{"name":"@onelane/bench","private":true}',
  "bench/src/main.ts": "one\n",
  "examples/01.ts": "one\n"
}

describe("Lines", () => {
  const counts = count({ files: new Map(Object.entries(files)) })

  it("count: the product is the sources of published packages, without empty lines", () => {
    assert.deepStrictEqual(counts.get("product"), { files: 1, lines: 3 })
    assert.deepStrictEqual(counts.get("tests"), { files: 1, lines: 2 })
    assert.deepStrictEqual(counts.get("test kit"), { files: 1, lines: 1 })
    assert.deepStrictEqual(counts.get("documents"), { files: 1, lines: 2 })
    assert.deepStrictEqual(counts.get("tools"), { files: 1, lines: 1 })
  })

  it("render: the last line adds up everything but the product", () => {
    const lines = render(counts).split("\n")
    assert.match(lines[0]!, /^product +1 files +3 lines$/)
    assert.match(lines.at(-1)!, /^everything else +6 files +8 lines$/)
  })
})
