import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { catches, found, table } from "../src/Catches.js"
import { root } from "../src/processes/Program.js"

const read = (path: string): string => readFileSync(join(root, path), "utf8")

describe("Catches", () => {
  it("every find stands in a test of that name", () => {
    for (const { test, title } of catches) assert.include(read(test), title, test)
  })

  it("every instrument has found something, and nothing else has", () => {
    const sources = readdirSync(join(root, "packages/testkit/src/prove")).map((name) =>
      read(`packages/testkit/src/prove/${name}`)
    )
    const instruments = sources.flatMap((text) => /instrument: Instrument = \{\s*name: "(\w+)"/.exec(text)?.[1] ?? [])
    assert.isAtLeast(instruments.length, 12)
    assert.deepStrictEqual([...new Set(catches.map(({ instrument }) => instrument))].sort(), instruments.sort())
    assert.strictEqual(found("sim"), "7 mended, 2 planted")
    assert.strictEqual(found("kills"), "2 planted")
  })

  it("the page on reliability tells them all", () => {
    assert.include(read("docs/understand/RELIABILITY.md"), table())
  })
})
