/** Every package as it is published: what its tarball holds, and README's snippets in a project that has nothing else. */
import { execFile } from "node:child_process"
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { assert, beforeAll, describe, it } from "@effect/vitest"
import * as Packed from "./Packed.js"
import { root, start, urlOf } from "./Program.js"

const execute = promisify(execFile)
const readme = readFileSync(join(root, "README.md"), "utf8")
const blocks = (language: string): ReadonlyArray<string> =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)\`\`\`$`, "gms"))].map(([, code]) => code!)

let project: Packed.Project
beforeAll(async () => {
  project = await Packed.make()
}, 300_000)

describe("tarballs", () => {
  it("hold README, LICENSE, types and source of everything that runs, and no leftover of a build", () => {
    assert.isAbove(project.tarballs.length, 8)
    for (const { files, manifest } of project.tarballs) {
      const has = new Set(files)
      for (const name of ["README.md", "LICENSE", "package.json"])
        assert.isTrue(has.has(name), `${manifest.name}: ${name}`)
      for (const file of files.filter((each) => /^dist\/(?!assets\/).*\.js$/.test(each))) {
        const stem = file.slice("dist/".length, -".js".length)
        assert.isTrue(has.has(`src/${stem}.ts`) || has.has(`src/${stem}.tsx`), `${manifest.name}: src/${stem}.ts`)
        assert.isTrue(has.has(`dist/${stem}.d.ts`), `${manifest.name}: dist/${stem}.d.ts`)
      }
      const strange = files.filter(
        (file) =>
          !/^(README\.md|LICENSE|package\.json|[\w-]+\.d?\.?cts|[\w-]+\.cjs|[\w-]+\.schema\.json|(bin|dist|src)\/.*)$/.test(
            file
          )
      )
      assert.deepStrictEqual(strange, [], manifest.name)
      assert.deepStrictEqual(
        files.filter((file) => /tsbuildinfo|\.test\./.test(file)),
        [],
        manifest.name
      )
    }
  })

  it("say where they come from and what they are about, and export their manifest and only files that they hold", () => {
    for (const { files, manifest } of project.tarballs) {
      const { exports, keywords, repository } = manifest
      assert.deepInclude(repository, { type: "git", directory: `packages/${manifest.name.slice("@onelane/".length)}` })
      assert.isAbove((keywords as ReadonlyArray<string>).length, 2)
      assert.strictEqual(exports["./package.json"], "./package.json")
      for (const target of Object.values(exports).flatMap((each) =>
        typeof each === "string" ? each : Object.values(each)
      )) {
        const pattern = new RegExp(`^${target.slice(2).replaceAll(".", "\\.").replace("*", ".*")}$`)
        assert.isTrue(
          files.some((file) => pattern.test(file)),
          `${manifest.name}: ${target}`
        )
      }
    }
  })

  it("publint finds nothing, and TypeScript resolves every entry of every package", { timeout: 300_000 }, async () => {
    const bin = join(root, "node_modules/.bin")
    for (const { path } of project.tarballs) {
      const { stdout } = await execute(join(bin, "publint"), [path, "--strict"])
      assert.include(stdout, "All good", path)
      await execute(join(bin, "attw"), [path, "--profile", "esm-only", "--format", "json"], { maxBuffer: 1e8 })
    }
  })
})

describe("a project with nothing but the tarballs", { timeout: 120_000 }, () => {
  it("README's first snippet runs there as plain JavaScript", async () => {
    const [first] = blocks("ts")
    writeFileSync(join(project.folder, "first.mjs"), first!)
    const { stderr, stdout } = await execute(process.execPath, ["first.mjs"], { cwd: project.folder })
    assert.match(stdout, /^accepted: the session is in Inventory\nrefused: ExpectedStateMismatch, .*\n$/)
    assert.strictEqual(stderr, "")
  })

  it("README's server starts there, and its two calls are a success and a refusal", async () => {
    const { folder } = project
    mkdirSync(join(folder, "examples"), { recursive: true })
    for (const name of ["tokens.json", "seed.json"])
      cpSync(join(root, "examples", name), join(folder, "examples", name))
    const [serve, call] = [
      /^npx (onelane serve .*)$/m.exec(readme)![1]!,
      blocks("sh").find((each) => each.includes("action()"))!
    ]
    const command = `cd ${folder} && exec node_modules/.bin/${serve}`
    const server = start("bash", ["-c", command], { ONELANE_PORT: "0" })
    const script = call
      .replace("http://127.0.0.1:8080", await urlOf(server))
      .replace(/^action checkoutSessionAction (.*)$/m, 'answer=$(action checkoutSessionAction $1)\necho "$answer"')
      .replace(
        /^action update/gm,
        'id=$(echo "$answer" | sed -E \'s/.*"checkoutSessionId":"([^"]+)".*/\\1/\')\naction update'
      )
      .replaceAll("<the id it gave>", "'\"$id\"'")
    const update = /^action update.*$/m.exec(script)![0]
    writeFileSync(join(folder, "call.sh"), `${script}\n${update}\n`)
    chmodSync(join(folder, "call.sh"), 0o755)
    const { stdout } = await execute("bash", ["call.sh"], { cwd: folder })
    const [opened, accepted, refused] = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)[0])
    assert.isTrue(opened.isSuccess && accepted.isSuccess, stdout)
    assert.isFalse(refused.isSuccess)
    assert.strictEqual(refused.errors[0].statusCode, "INVALID_INPUT")
    server.process.kill("SIGTERM")
    assert.strictEqual((await server.ended).code, 0)
    assert.isTrue(existsSync(join(folder, "checkout.db")))
  })

  it("a host that exports what it wrote around the SDK compiles with declarations", async () => {
    const { folder } = project
    const host = join(folder, "host")
    mkdirSync(host, { recursive: true })
    cpSync(join(root, "packages/sdk/test/programs/host.ts"), join(host, "host.mts"))
    const compilerOptions = {
      ...{ target: "ES2022", module: "NodeNext", moduleResolution: "NodeNext", lib: ["ES2023", "ESNext.Disposable"] },
      ...{ strict: true, declaration: true, outDir: "out", skipLibCheck: true, preserveSymlinks: true },
      ...{ types: ["node"], typeRoots: [join(root, "node_modules/@types")] }
    }
    writeFileSync(join(host, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["host.mts"] }))
    const { stdout } = await execute(process.execPath, [
      join(root, "node_modules/typescript/bin/tsc"),
      "-p",
      host
    ]).catch((failed: { readonly stdout: string }) => failed)
    assert.strictEqual(stdout, "")
    assert.isTrue(existsSync(join(host, "out/host.d.mts")))
  })
})
