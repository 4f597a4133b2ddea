/** The linters' settings find what they are there for. `npm run lint` applies them to this repository. */
import { spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

const root = fileURLToPath(new URL("../../..", import.meta.url))
const tool = (name: string) => join(root, "node_modules/.bin", name)

const run = (name: string, args: ReadonlyArray<string>, cwd = root) => {
  const { error, status, stderr, stdout } = spawnSync(tool(name), args, { cwd, encoding: "utf8" })
  if (error !== undefined) throw error
  return { status, text: stdout + stderr }
}

/** A tree of files beside the real tools, for the time of a test. */
const within = <A>(files: Readonly<Record<string, string>>, use: (folder: string) => A): A => {
  const folder = mkdtempSync(join(tmpdir(), "onelane-lint-"))
  try {
    for (const [path, body] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), body)
    }
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
    return use(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe("lint", { timeout: 120_000 }, () => {
  it("biome: each of our rules finds its fault, and only where it holds", () => {
    const all = 'import { Effect } from "effect"\nexport const run = Effect.void\n'
    const files = {
      ".gitignore": "dist/\n",
      "packages/engine/src/Prints.ts": 'console.log("a")\n',
      "packages/engine/src/Waits.ts": "setTimeout(() => {}, 1)\n",
      "packages/engine/src/Repeats.ts": "setInterval(() => {}, 1)\n",
      "packages/engine/src/Whole.ts": all,
      "packages/engine/src/Long.ts": Array.from({ length: 401 }, (_, line) => `export const a${line} = ${line}\n`).join(
        ""
      ),
      "packages/engine/test/Whole.test.ts": all,
      "examples/prints.ts": 'console.log("a")\n',
      "packages/engine/test/FairnessValve.test.ts": "setTimeout(() => {}, 1)\n"
    }
    const text = within(files, (folder) => {
      cpSync(join(root, ".biome.json"), join(folder, ".biome.json"))
      return run("biome", ["lint", "--max-diagnostics=50", "packages", "examples"], folder).text
    })
    const found = [...text.matchAll(/^([\w./]+\.ts):?\S* lint\/\w+\/(\w+)/gm)].map(
      ([, path, rule]) => `${path} ${rule}`
    )
    assert.deepStrictEqual(found.sort(), [
      "packages/engine/src/Long.ts noExcessiveLinesPerFile",
      "packages/engine/src/Prints.ts noConsole",
      "packages/engine/src/Repeats.ts noRestrictedGlobals",
      "packages/engine/src/Waits.ts noRestrictedGlobals",
      "packages/engine/src/Whole.ts noRestrictedImports"
    ])
  })

  it("architecture: wrong directions, paths into a package, circles and impure imports are found", () => {
    const files = {
      "package.json": "{}",
      "packages/testkit/tsconfig.test.json": '{"files":["../engine/src/Upward.ts"]}',
      "packages/engine/src/Upward.ts": 'import "../../checkout/src/Any.js"\n',
      "packages/checkout/src/Any.ts": "export const a = 1\n",
      "packages/checkout/src/Impure.ts": 'import "node:fs"\n',
      "packages/checkout/src/One.ts": 'import { two } from "./Two.js"\nexport const one = () => two\n',
      "packages/checkout/src/Two.ts": 'import { one } from "./One.js"\nexport const two = () => one\n',
      "packages/checkout/src/Gone.ts": 'import "./Missing.js"\n'
    }
    const text = within(files, (folder) => {
      cpSync(join(root, ".dependency-cruiser.mjs"), join(folder, ".dependency-cruiser.mjs"))
      return run("depcruise", ["--config", ".dependency-cruiser.mjs", "packages"], folder).text
    })
    for (const rule of ["direction-engine", "by-name", "pure-packages", "no-circle", "found"])
      assert.match(text, new RegExp(`error ${rule}:`))
  })

  it("unused: a dependency and a file that nothing uses are found", () => {
    const files = {
      "package.json": '{"name":"root","workspaces":["packages/*"],"devDependencies":{"fast-check":"1"}}',
      "packages/engine/package.json": '{"name":"@onelane/engine","main":"src/index.ts","dependencies":{"effect":"1"}}',
      "packages/engine/src/index.ts": 'export * from "./Used.js"\n',
      "packages/engine/src/Used.ts": "export const a = 1\n",
      "packages/engine/src/Dead.ts": "export const a = 1\n"
    }
    const { status, text } = within(files, (folder) => {
      cpSync(join(root, ".knip.json"), join(folder, ".knip.json"))
      return run("knip", ["--config", ".knip.json", "--no-progress", "--no-config-hints"], folder)
    })
    assert.strictEqual(status, 1)
    assert.match(text, /effect +packages\/engine\/package\.json/)
    assert.match(text, /fast-check +package\.json/)
    assert.include(text, "packages/engine/src/Dead.ts")
    assert.notInclude(text, "Used.ts")
  })
})
