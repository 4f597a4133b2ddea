/** A program beside an Effect that we cannot run on: one sentence, at import and from the command, and never a missing file. */
import { execFile } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as EffectVersion from "@onelane/engine/EffectVersion"
import * as Ours from "./Ours.js"

const { root } = Ours

/** A project with our packages and a planted `effect` of that version, which has none of the files that ours ask for. */
const inProject = async (version: string, test: (folder: string) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "onelane-effect-"))
  try {
    Ours.lay("server", join(folder, "node_modules"))
    const effect = join(folder, "node_modules/effect")
    mkdirSync(effect)
    const manifest = { name: "effect", version, type: "module", exports: { ".": "./index.js" } }
    writeFileSync(join(effect, "package.json"), JSON.stringify(manifest))
    writeFileSync(join(effect, "index.js"), "export const Effect = {}\n")
    for (const name of ["@effect", "jose", "pg"])
      symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name))
    await test(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Ended {
  readonly code: number | string
  readonly stderr: string
}

const run = (folder: string, args: ReadonlyArray<string>): Promise<Ended> =>
  new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder }, (error, _, stderr) => resolve({ code: error?.code ?? 0, stderr }))
  })

const evaluate = (folder: string, program: string): Promise<Ended> =>
  run(folder, ["--input-type=module", "-e", program])

describe("the version of Effect", { timeout: 60_000 }, () => {
  it("Effect 4 is one sentence wherever the SDK is imported, and what the command says before it ends with 2", () =>
    inProject("4.0.0-beta.7", async (folder) => {
      const sentence = EffectVersion.faultOf("4.0.0-beta.7")!
      assert.match(sentence, /^Onelane needs Effect 3, from 3\.21\.2 on, and finds Effect 4\.0\.0-beta\.7: /)
      for (const [name, entry] of [
        ["Onelane", "@onelane/sdk"],
        ["toNodeHandler", "@onelane/sdk/server"],
        ["checkHistory", "@onelane/sdk/check"]
      ]) {
        const { code, stderr } = await evaluate(folder, `import { ${name} } from "${entry}"`)
        assert.strictEqual(code, 1)
        assert.include(stderr, `Error: ${sentence}\n`)
        assert.notInclude(stderr, "Cannot find")
        const caught = `await import("${entry}").catch(({ message }) => console.error(message))`
        assert.deepStrictEqual(await evaluate(folder, caught), { code: 0, stderr: `${sentence}\n` })
      }
      const command = join(folder, "node_modules/@onelane/server/bin/onelane.js")
      assert.deepStrictEqual(await run(folder, [command, "serve"]), { code: 2, stderr: `${sentence}\n` })
    }))

  it("an Effect 3 that is too old is named as well", () =>
    inProject("3.10.0", async (folder) => {
      const { stderr } = await evaluate(folder, 'import { Onelane } from "@onelane/sdk"')
      assert.include(stderr, "finds Effect 3.10.0: npm install effect@3")
    }))

  it("every Effect 3 from the one that the manifests ask for will do, and one that is not known is not judged", () => {
    const { peerDependencies } = JSON.parse(readFileSync(join(root, "packages/sdk/package.json"), "utf8"))
    const oldest = peerDependencies.effect.slice("^".length)
    for (const version of [oldest, "3.22.0", "3.100.1", undefined, "next"])
      assert.isNull(EffectVersion.faultOf(version), version)
    for (const version of ["3.21.1", "3.9.9", "2.4.0", "4.0.0", "10.0.0"])
      assert.include(EffectVersion.faultOf(version), `from ${oldest} on, and finds Effect ${version}: `)
    assert.isNull(EffectVersion.fault())
  })

  it("what Node imports has the exports of what bundlers and require take", async () => {
    const entries = { ".": "index", "./server": "Server", "./check": "Check" }
    const { exports } = JSON.parse(readFileSync(join(root, "packages/sdk/package.json"), "utf8"))
    for (const [name, file] of Object.entries(entries)) {
      assert.strictEqual(exports[name].require, `./dist/${file}.js`)
      const [looked, plain] = await Promise.all(
        [exports[name].node, exports[name].default].map((path) => import(join(root, "packages/sdk", path)))
      )
      assert.deepStrictEqual({ ...looked }, { ...plain }, name)
    }
  })
})
