/** Programs that use the SDK, as processes: when they end, and what they write. */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { inFolder } from "./fixture.js"

interface Ended {
  readonly code: number | null
  readonly lines: ReadonlyArray<string>
  readonly stderr: string
}

const endMillis = 20_000

/** Runs a program to its end. */
const run = (name: string, ...args: ReadonlyArray<string>): Promise<Ended> =>
  new Promise((resolve) => {
    const program = fileURLToPath(new URL(`programs/${name}.mjs`, import.meta.url))
    const child = execFile(process.execPath, [program, ...args], { timeout: endMillis }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, lines: stdout.split("\n").filter((line) => line !== ""), stderr })
    )
  })

/** Runs a test in memory and over a file. */
const onBoth = (name: string, test: (storage: string) => Promise<void>): void => {
  it(`${name}, in memory`, () => test(":memory:"))
  it(`${name}, over a file`, () => inFolder(test))
}

describe("a program that never closes its checkout", () => {
  const clean = { code: 0, stderr: "" }
  onBoth("ends when nothing is pending", async (storage) => {
    assert.deepStrictEqual(await run("idle", storage, "nothing"), { ...clean, lines: ["end", "exit"] })
  })
  onBoth("ends after a crowd that had to wait for the store", async (storage) => {
    assert.deepStrictEqual(await run("idle", storage, "crowd"), { ...clean, lines: ["end", "exit"] })
  })
  onBoth("stays until its task is done", async (storage) => {
    assert.deepStrictEqual(await run("idle", storage, "task"), { ...clean, lines: ["end", "worked", "exit"] })
  })
  onBoth("stays until the deadline of a task that the host runs elsewhere", async (storage) => {
    assert.deepStrictEqual(await run("idle", storage, "host-task"), { ...clean, lines: ["end", "exit"] })
  })
  onBoth("stays while a session is watched", async (storage) => {
    const lines = ["end", "still here", "Cancelled", "exit"]
    assert.deepStrictEqual(await run("idle", storage, "watcher"), { ...clean, lines })
  })
})

describe("a program that closes its checkout while it watches", () => {
  onBoth("goes on, and ends with code 0", async (storage) => {
    assert.deepStrictEqual(await run("shutdown", storage), { code: 0, lines: ["Opened", "Closed"], stderr: "" })
  })
})
