/** `@onelane/testing` as it is published: the same test file under Vitest, Jest and node:test, in a project of tarballs. */
import { execFile } from "node:child_process"
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify, stripVTControlCharacters } from "node:util"
import { assert, beforeAll, describe, it } from "@effect/vitest"
import * as Packed from "./Packed.js"
import { root } from "./Program.js"

const execute = promisify(execFile)
const jest = JSON.stringify({ testEnvironment: "node", transform: {}, testMatch: ["**/shop.test.mjs"] })

let folder: string
let modules: string
beforeAll(async () => {
  const project = await Packed.make()
  modules = join(project.folder, "node_modules")
  folder = join(project.folder, "runners")
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "runners", private: true, type: "module" }))
  cpSync(join(root, "packages/testing/test/programs/shop.test.mjs"), join(folder, "shop.test.mjs"))
}, 300_000)

const run = async (...args: ReadonlyArray<string>): Promise<string> => {
  const { stderr, stdout } = await execute(process.execPath, [...args], {
    cwd: folder,
    env: { ...process.env, CI: "1" }
  })
  return stripVTControlCharacters(stdout + stderr)
}

/** Cases of the file: three of its own, and those of the walk. */
const leastCases = 10

describe("one test file, three runners", { timeout: 120_000 }, () => {
  it("node:test passes it", async () => {
    const told = await run("--test", "--test-reporter=tap", "shop.test.mjs")
    assert.match(told, /# fail 0/)
    assert.isAtLeast(Number(/# pass (\d+)/.exec(told)?.[1]), leastCases)
  })

  it("Vitest passes it", async () => {
    const told = await run(join(modules, "vitest/vitest.mjs"), "run", "--globals", "shop.test.mjs")
    assert.isAtLeast(Number(/Tests\s+(\d+) passed/.exec(told)?.[1]), leastCases, told)
  })

  // Jest belongs to no lockfile of ours: `.ci/run` installs it beside the tarballs.
  it.skipIf(process.env.ONELANE_PACKED === undefined)("Jest passes it", async () => {
    const bin = join(modules, "jest/bin/jest.js")
    assert.isTrue(existsSync(bin), "jest is not installed")
    const told = await run("--experimental-vm-modules", bin, "--config", jest, "--rootDir", folder)
    assert.isAtLeast(Number(/Tests:\s+(\d+) passed/.exec(told)?.[1]), leastCases, told)
  })
})
