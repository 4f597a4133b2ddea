/** The pages that show a program show it as it is, and its output as well. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { node, root } from "./Program.js"

const page = (path: string): string => readFileSync(join(root, path), "utf8")
const code = (path: string): string => page(path).replace(/^\/\*\*.*?\*\/\n/s, "")
const run = (example: string) => node([join(root, "examples/dist", `${example}.js`)]).ended

/** Pages about an example with a folder and a test of its own: examples/08-shop (Shop.test.ts), 10-shop-front (ShopFront.long.test.ts). */
const ofFolders = ["your-database.md", "browser-token.md", "react.md"]

const recipes = readdirSync(join(root, "docs/recipes"))
  .filter((name) => name.endsWith(".md") && name !== "README.md" && !ofFolders.includes(name))
  .map((name) => name.slice(0, -".md".length))

const shown = [
  ...recipes.map((name) => [`docs/recipes/${name}.md`, `recipes/${name}`] as const),
  ["docs/start/embed.md", "02-embedded"] as const
]

describe("recipes", { timeout: 60_000 }, () => {
  it("every recipe has a page, and every page is listed", () => {
    const programs = readdirSync(join(root, "examples/recipes")).map((name) => name.replace(/\.ts$/, ""))
    assert.deepStrictEqual(recipes.sort(), programs.sort())
    const listed = page("docs/recipes/README.md")
    for (const name of [...recipes.map((each) => `${each}.md`), ...ofFolders]) assert.include(listed, `(${name})`)
  })

  for (const [path, example] of shown) {
    it(`${path}: shows the program and what it prints`, async () => {
      const { code: exit, stderr, stdout } = await run(example)
      assert.strictEqual(exit, 0, stderr)
      assert.strictEqual(stderr, "")
      assert.include(page(path), `\`\`\`ts\n${code(`examples/${example}.ts`)}\`\`\``)
      assert.include(page(path), `\`\`\`text\n${stdout}\`\`\``)
    })
  }

  it("the programs of the packages' README files run", async () => {
    for (const name of readdirSync(join(root, "examples/packages"))) {
      const { code: exit, stderr, stdout } = await run(`packages/${name.replace(/\.ts$/, "")}`)
      assert.strictEqual(exit, 0, `${name}: ${stderr}`)
      assert.notStrictEqual(stdout, "", name)
    }
  })
})
