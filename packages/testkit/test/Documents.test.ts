/** What README files, recipes and the changelog state about packages and programs is what is there. */
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { read } from "../src/tidy/Repository.js"

const repository = read(fileURLToPath(new URL("../../..", import.meta.url)))
const text = (path: string): string => repository.files.get(path) ?? assert.fail(`${path} does not exist`)

interface Package {
  readonly name: string
  readonly description: string
  readonly imports: ReadonlyArray<string>
}

const packages: ReadonlyArray<Package> = [...repository.files.keys()].flatMap((path) => {
  const name = /^packages\/([^/]+)\/package\.json$/.exec(path)?.[1]
  if (name === undefined) return []
  const { dependencies, description, optionalDependencies, peerDependencies } = JSON.parse(text(path))
  const declared = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })
  const imports = declared.filter((each) => each.startsWith("@onelane/")).map((each) => each.slice("@onelane/".length))
  return [{ name, description, imports: imports.sort() }]
})

const sourcesOfExamples = [...repository.files].filter(([path]) =>
  /^examples\/.*\.ts$|^packages\/[^/]+\/test\//.test(path)
)
const words = (code: string): string => code.replace(/\s+/g, " ").trim()
const blocks = (body: string, language: string): ReadonlyArray<string> =>
  [...body.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)\`\`\`$`, "gms"))].map(([, code]) => code!)

describe("README", () => {
  const row = /^\| \[(\w+)\]\(packages\/\w+\/README\.md\) \| (.*) \| (.*) \|$/gm
  const rows: ReadonlyArray<Package> = [...text("README.md").matchAll(row)].map(([, name, description, imports]) => ({
    name: name!,
    description: description!,
    imports: imports === "nothing" ? [] : imports!.split(", ").sort()
  }))

  it("the table of packages is the real graph: purposes and imports are those of the manifests", () => {
    const byName = (all: ReadonlyArray<Package>) => [...all].sort((a, b) => (a.name < b.name ? -1 : 1))
    assert.deepStrictEqual(byName(rows), byName(packages))
  })

  it("each package imports only packages above it, so there is no circle", () => {
    const order = rows.map(({ name }) => name)
    for (const [index, { imports, name }] of rows.entries())
      for (const each of imports) assert.isBelow(order.indexOf(each), index, `${name} imports ${each}`)
  })
})

describe("README of each package", () => {
  for (const { description, imports, name } of packages) {
    it(`${name}: states purpose, imports, importers and an example, in 60 lines`, () => {
      const body = text(`packages/${name}/README.md`)
      assert.isAtMost(body.split("\n").length, 60)
      assert.isTrue(body.startsWith(`# @onelane/${name}\n\n${description}.\n`), "title and purpose")
      const cell = (title: string) => new RegExp(`^\\| ${title} \\| (.*) \\|$`, "m").exec(body)?.[1] ?? ""
      const named = (title: string) => [...cell(title).matchAll(/\[(\w+)\]/g)].map(([, each]) => each!).sort()
      assert.deepStrictEqual(named("imports"), [...imports], "imports")
      const users = packages.filter((each) => each.imports.includes(name)).map((each) => each.name)
      assert.deepStrictEqual(named("imported by"), users.sort(), "imported by")
      const examples = blocks(body, "ts")
      assert.isAbove(examples.length + blocks(body, "sh").length, 0, "an example")
      for (const code of examples) {
        const found = sourcesOfExamples.some(([, source]) => words(source).includes(words(code)))
        assert.isTrue(found, `no example and no test contains:\n${code}`)
      }
    })
  }
})

describe("CHANGELOG", () => {
  const unreleased = text("CHANGELOG.md").split(/^## /m)[1] ?? ""

  it("Unreleased has the sections Breaking, Added, Changed and Fixed, and no others", () => {
    assert.match(unreleased, /^\[Unreleased\]/)
    for (const [, title] of unreleased.matchAll(/^### (.*)$/gm))
      assert.include(["Breaking", "Added", "Changed", "Fixed"], title)
  })

  it("every breaking change says what to do", () => {
    const breaking = /^### Breaking\n(.*?)(?=^### |$(?![\s\S]))/ms.exec(unreleased)?.[1] ?? ""
    for (const entry of breaking.split(/^- /m).slice(1)) assert.include(entry, "**Do:**", entry)
  })
})
