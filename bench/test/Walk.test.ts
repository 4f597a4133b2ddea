import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { instrument } from "../src/walk/Instrument.js"
import * as Walk from "../src/walk/Walk.js"

describe("Walk", () => {
  it("instrument: functions of every form tell that they run, and still answer the same", () => {
    const recorder = Walk.makeRecorder()
    const code = `
      const arrow = (a) => ({ a });
      function declared() { return arrow(1).a; }
      class Class { #x = () => 2; constructor() { this.y = this.#x(); } get z() { return this.y; } method() { return this.z; } }
      function* generator() { yield declared(); yield 3; }
      const later = async () => arrow(4);
      return [declared(), new Class().method(), ...generator(), [5].map((each) => each + 1)[0]];`
    const body = instrument("packages/p/src/F.ts", `const run = () => {${code}}`)
    recorder.start()
    const answer = new Function("$walk", `${body.replace("$walk=globalThis.$walk,", "")}; return run()`)(recorder)
    const names = recorder.end().map(({ name }) => name)
    assert.deepStrictEqual(answer, [1, 2, 1, 3, 6])
    assert.deepStrictEqual(names.slice(0, 7), ["run", "declared", "arrow", "new Class", "#x", "method", "z"])
    assert.deepStrictEqual(names.slice(7), ["generator", "declared", "arrow", "(line 7)"])
  })

  it("instrument: a function that throws is left, so the next one stands where it should", () => {
    const recorder = Walk.makeRecorder()
    const code =
      "const fails = () => { throw 1 }; const run = () => { try { fails() } catch {} after() }; const after = () => 1;"
    const body = instrument("packages/p/src/F.ts", code).replace("$walk=globalThis.$walk,", "")
    recorder.start()
    new Function("$walk", `${body} run()`)(recorder)
    assert.deepStrictEqual(
      recorder.end().map(({ depth, name }) => [name, depth]),
      [
        ["run", 0],
        ["fails", 1],
        ["after", 1]
      ]
    )
  })

  it("summarise: functions and files count once, a border once for each direction", () => {
    const step = (path: string, name: string, from: string | null = null): Walk.Step => ({ path, name, depth: 0, from })
    const summary = Walk.summarise([
      step("packages/a/src/A.ts", "one", "program"),
      step("packages/b/src/B.ts", "two", "a"),
      step("packages/a/src/A.ts", "three", "b"),
      step("packages/b/src/B.ts", "two", "a"),
      step("packages/b/src/C.ts", "two")
    ])
    assert.deepStrictEqual(summary, {
      functions: 4,
      files: 3,
      borders: ["program → a", "a → b", "b → a"],
      crossings: 4,
      calls: 5
    })
  })

  it("walk: one accepted update on SQLite is walked, from the SDK down to the database", { timeout: 120_000 }, () => {
    const main = fileURLToPath(new URL("../dist/walk/main.js", import.meta.url))
    const { status, stderr, stdout } = spawnSync(process.execPath, [main], { encoding: "utf8" })
    assert.strictEqual(status, 0, stderr)
    console.log(stdout.split("\n").slice(-8).join("\n"))
    const [functions, files, borders] = /(\d+) functions, (\d+) files, (\d+) package borders/.exec(stdout)!.slice(1)
    // What it may cost at most; lower these as the walk gets shorter. 125 in 39 files on the event loop, 124 in 38 through the writer
    // thread, which takes over while the disk is slow; a busy machine adds up to three functions.
    assert.isAtMost(Number(functions), 128)
    assert.isAtMost(Number(files), 39)
    assert.isAtMost(Number(borders), 7)
    assert.match(stdout, /checkout\/\S*UpdateCheckoutSession.ts decide/)
    assert.match(stdout, /sql\/\S*JournalSql.ts toAppend/)
  })
})
