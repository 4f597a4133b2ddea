import { assert, describe, it } from "@effect/vitest"
import { check } from "../src/tidy/TidyCitations.js"

const documents = {
  "docs/CONTRACT.md": "## §1 One\n## §2 Two\n| 1 | check |\n| 2 | check |\n",
  "docs/TARGETS.md": "| P1 | speed |\n| F3b | fault |\n",
  "packages/http/PROTOCOL.md": "* **W1** Paths\n* **W2** Methods\n"
}

const found = (files: Record<string, string>): ReadonlyArray<string> => [
  ...new Set(
    check({ files: new Map(Object.entries({ ...documents, ...files })) }).map(
      ({ rule, path, line }) => `${rule} ${path}:${line}`
    )
  )
]

const citing = (text: string) => found({ "packages/engine/test/Planted.test.ts": text })
const stale = (line: number) => [`stale citation packages/engine/test/Planted.test.ts:${line}`]

// Put together here, so that this file cites nothing.
const [contract, protocol, targets] = ["CONTRACT", "PROTOCOL", "TARGETS"]

describe("TidyCitations", () => {
  it("citations: sections, steps, rules and targets that exist are accepted", () => {
    for (const text of [
      `${contract} §1 and §2, step 2`,
      `steps 1-2 of ${contract} §2`,
      `${contract}.md §1-§2`,
      `${protocol} W1-W2`,
      `${targets} P1`,
      `${targets}, "Faults and load"`,
      "F3b; p99; the engine's A1-A4; SQLSTATE 57P03; P1"
    ])
      assert.deepStrictEqual(citing(`// ${text}\n`), [], text)
  })

  it("citations: a section, step, rule, target or document that does not exist is found", () => {
    for (const text of [
      `${contract} §3`,
      `${contract} §1-§3`,
      `${contract} §2 step 3`,
      `${contract} §1 step 1`,
      `steps 1-3 of ${contract} §2`,
      `${protocol} W1-W3`,
      `${protocol} X1`,
      `${targets} F${4}`,
      `the task of P${23}`,
      `${"GOSPEL"} §1`
    ])
      assert.deepStrictEqual(citing(`\n// ${text}\n`), stale(2), text)
  })

  it("citations: one that is broken over two lines of a comment is read as one", () => {
    assert.deepStrictEqual(citing(`/**\n * as it stands in ${contract}\n * §2 step 2\n */`), [])
    assert.deepStrictEqual(citing(`/**\n * as it stands in ${contract}\n * §2 step 3\n */`), stale(2))
  })

  it("links: a relative link of a Markdown file must lead to a file or a folder", () => {
    const readme = [
      "[a](packages/http/PROTOCOL.md) [b](packages/http) [c](https://example.com/x.md) [d](#part) ![e](x.svg)",
      "[f](packages/http/Gone.ts)",
      "[g](docs/CONTRACT.md#part) [h](gone/)"
    ]
    assert.deepStrictEqual(found({ "README.md": readme.join("\n") }), [
      "stale link README.md:2",
      "stale link README.md:3"
    ])
    assert.deepStrictEqual(found({ "docs/A.md": "[up](../packages/http/PROTOCOL.md)" }), [])
  })
})
