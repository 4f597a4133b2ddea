import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import type { Repository } from "../src/tidy/Repository.js"
import { read } from "../src/tidy/Repository.js"
import { check, render } from "../src/tidy/Tidy.js"

const root = { name: "root", devDependencies: {}, scripts: { start: "node ." } }

/** A tidy little tree of two packages, with `files` laid over it. */
const tree = (files: Record<string, string>): Repository => ({
  files: new Map(
    Object.entries({
      "package.json": JSON.stringify(root),
      "packages/engine/package.json": JSON.stringify({ name: "@onelane/engine", dependencies: { effect: "1" } }),
      "packages/engine/src/Engine.ts": 'import "effect/Effect"\n/** Runs. */\nexport const run = 1\n',
      "packages/checkout/package.json": JSON.stringify({ name: "@onelane/checkout", dependencies: {} }),
      ...files
    })
  )
})

const found = (files: Record<string, string>): ReadonlyArray<string> =>
  check(tree(files)).map(({ rule, path, line }) => `${rule} ${path}:${line}`)

const inEngine = (text: string, name = "Planted"): ReadonlyArray<string> =>
  found({ [`packages/engine/src/${name}.ts`]: text }).map((each) => each.replace("packages/engine/src/", ""))

describe("Tidy", () => {
  it("finds nothing in a tidy tree", () => assert.deepStrictEqual(found({}), []))

  it("limits the length of a function, but not of one that registers tests", () => {
    const body = (lines: number, statement: string) => `const f = () => {\n${`${statement}\n`.repeat(lines)}}\n`
    assert.deepStrictEqual(inEngine(body(58, "f()")), [])
    assert.deepStrictEqual(inEngine(body(59, "f()")), ["function length Planted.ts:1"])
    assert.deepStrictEqual(inEngine(body(59, 'it("works", f)')), [])
  })

  it("refuses banned words in file names and in declared names, not inside other words", () => {
    assert.deepStrictEqual(inEngine("", "LockManager"), [
      "banned word LockManager.ts:1",
      "banned word LockManager.ts:1"
    ])
    assert.deepStrictEqual(inEngine("const clock = (block: number) => block\n"), [])
    assert.deepStrictEqual(inEngine("const pathUtils = 1\n"), ["banned word Planted.ts:1"])
    assert.deepStrictEqual(inEngine("interface A {\n  rowInfo: string\n}\n"), ["banned word Planted.ts:2"])
    assert.deepStrictEqual(inEngine("const f = ({ info }: { info: 1 }) => 1\n").length, 2)
    assert.deepStrictEqual(found({ "packages/http/src/A.ts": "const handler = 1\n" }), [])
  })

  it("refuses banned calls and casts outside the listed places", () => {
    for (const call of [
      "Date.now()",
      "const now = new Date()",
      "Math.random()",
      "const a = 1 as any",
      "Effect.raceFirst(a, b)"
    ]) {
      assert.deepStrictEqual(inEngine(`${call}\n`), ["banned call Planted.ts:1"], call)
    }
    assert.deepStrictEqual(inEngine('// Date.now()\nconst text = "Math.random()"\nconst at = new Date(0)\n'), [])
    assert.deepStrictEqual(found({ "bench/one.ts": "Date.now()\n" }), [])
  })

  it("wants a docstring on every export; a type may share its schema's", () => {
    assert.deepStrictEqual(inEngine("export const a = 1\n"), ["docstring Planted.ts:1"])
    assert.deepStrictEqual(inEngine("export class A {}\n"), ["docstring Planted.ts:1"])
    assert.deepStrictEqual(inEngine("/** It. */\nexport const A = 1\nexport type A = typeof A\n"), [])
    assert.deepStrictEqual(inEngine("const a = 1\nexport * from './Engine.js'\n"), [])
  })

  it("wants imports declared: in the package, or for a test in the root", () => {
    const upward = 'await import("@onelane/engine")\n'
    assert.deepStrictEqual(found({ "packages/checkout/src/A.ts": upward }), [
      "undeclared import packages/checkout/src/A.ts:1"
    ])
    assert.deepStrictEqual(found({ "packages/checkout/test/A.test.ts": upward }), [])
    assert.deepStrictEqual(
      found({ "packages/sql/package.json": '{"name":"@onelane/sql"}', "packages/sql/src/A.ts": 'import "left-pad"\n' }),
      ["undeclared import packages/sql/src/A.ts:1"]
    )
  })

  it("finds files, packages and scripts that Markdown names and that are gone", () => {
    const readme =
      "See `Engine.ts`, `engine/src/Gone.ts`.\n`@onelane/engine`, `@onelane/gone`\nnpm run start; npm run gone\n"
    assert.deepStrictEqual(found({ "README.md": readme, "CHANGELOG.md": "`Gone.ts`" }), [
      "stale name README.md:1",
      "stale name README.md:2",
      "stale name README.md:3"
    ])
  })

  it("limits the lines of pages, but not those of tables and of code", () => {
    const long = "a ".repeat(61)
    assert.deepStrictEqual(found({ "docs/A.md": `${"a".repeat(120)}\n| ${long} |\n\`\`\`\n${long}\n\`\`\`\n` }), [])
    assert.deepStrictEqual(found({ "docs/A.md": `one\n${long}\n` }), ["line length docs/A.md:2"])
    assert.deepStrictEqual(found({ "packages/engine/NOTES.md": long }), [])
  })

  it("this repository is tidy", { timeout: 180_000 }, () => {
    assert.strictEqual(render(check(read(fileURLToPath(new URL("../../..", import.meta.url))))), "")
  })
})
