/** `onelane judge`: recorded histories, as a user gives them to the command. */
import { spawn } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { type Flow, Onelane } from "@onelane/sdk"
import { type History, HistoryLines, Recorder } from "@onelane/sdk/check"
import { run } from "./Command.js"
import { inFolder, onelane } from "./Program.js"

/** A race of three callers through the recorder. */
const recorded = async (flow: Flow.PresetName = "any"): Promise<History.History> => {
  await using checkout = await Onelane.open({ storage: ":memory:", flow })
  const recorder = Recorder.make()
  await recorder.checkout(0, checkout).openOrThrow({ cartId: "c", checkoutSessionId: "s" })
  const update = { checkoutSessionId: "s", expCurrentState: "Start", nextState: "Inventory" } as const
  await Promise.all(
    [1, 2, 3].map(async (process) => {
      await recorder.checkout(process, checkout).update(update as never)
      await recorder.checkout(process, checkout).get({ checkoutSessionId: "s" })
    })
  )
  return recorder.history()
}

/** The same, but a loser was told that it won. */
const forged = (history: History.History): History.History =>
  history.map((each) => (each.error === undefined ? each : { ...each, outcome: "ok", error: undefined }))

describe("onelane judge", { timeout: 120_000 }, () => {
  it("judge: a recorded race is linearizable, exit 0; a forged one is broken, exit 1, with its time line and a picture", () =>
    inFolder(async (folder) => {
      const file = join(folder, "history.jsonl")
      const history = await recorded()
      writeFileSync(file, HistoryLines.toText(history))
      const kept = await run(["judge", file])
      assert.deepStrictEqual(kept, {
        code: 0,
        stderr: "",
        stdout: "7 calls on 1 session: linearizable, one order of the calls explains every answer\n"
      })
      writeFileSync(file, HistoryLines.toText(forged(history)))
      const picture = join(folder, "proof.svg")
      const broken = await run(["judge", file, "--svg", picture])
      assert.strictEqual(broken.code, 1)
      assert.strictEqual(broken.stderr, "onelane: s: double win, two calls were accepted for one visit of a state\n")
      assert.match(broken.stdout, /^7 calls on 1 session: 1 session breaks the promise\n\ns: double win/)
      assert.match(broken.stdout, /p\d +├─*┤ +update Start → Inventory: ok/)
      assert.match(readFileSync(picture, "utf8"), /^<svg .*<\/svg>\n$/s)
      const json = await run(["judge", file, "--json"])
      assert.strictEqual(json.code, 1)
      assert.deepInclude(JSON.parse(json.stdout), { valid: false, operations: 7, sessions: 1, undecided: [] })
    }))

  it("judge: what cannot be judged is exit 3: no file, no history, nothing accepted, a budget that is used up", () =>
    inFolder(async (folder) => {
      const file = join(folder, "history.jsonl")
      const told = async (text: string | null, ...more: ReadonlyArray<string>) => {
        if (text !== null) writeFileSync(file, text)
        const { code, stderr, stdout } = await run(["judge", text === null ? join(folder, "none") : file, ...more])
        assert.deepStrictEqual([code, stdout], [3, ""], stderr)
        return stderr
      }
      assert.match(await told(null), /^onelane: cannot read .*none: there is no such file\n$/)
      assert.match(await told('{"process":0}\n'), /^onelane: .*history\.jsonl, line 1: session is missing\n$/)
      assert.match(await told(""), /0 calls on 0 sessions: none was accepted, so there is nothing to judge/)
      // Without versions, four accepted calls at the same time have several orders.
      const update = { session: "s", action: "update", outcome: "ok", invoked: 2, returned: 3 } as const
      const history: History.History = [
        { ...update, process: 0, action: "open", invoked: 0, returned: 1 },
        ...[1, 2].map((process) => ({ ...update, process, expected: "Start", next: "A" })),
        ...[3, 4].map((process) => ({ ...update, process, expected: "A", next: "Start" }))
      ]
      assert.match(await told(HistoryLines.toText(history), "--budget", "1"), /1 session could not be decided within/)
      assert.strictEqual((await run(["judge", file, "--budget", "0"])).code, 2)
      assert.strictEqual((await run(["judge", file, "--flow", "nowhere"])).code, 2)
      assert.strictEqual((await run(["judge"])).code, 2)
    }))

  it("judge: standard input is a history too, and a flow says what its sessions may do by themselves", () =>
    inFolder(async (folder) => {
      const history = await recorded("b2b-proceed")
      const text = HistoryLines.toText(history)
      const file = join(folder, "history.jsonl")
      writeFileSync(file, text)
      assert.strictEqual((await run(["judge", file])).code, 1)
      const child = spawn(process.execPath, [onelane, "judge", "--flow", "b2b-proceed", "--may", "task", "-"])
      let stderr = ""
      child.stderr.on("data", (piece) => (stderr += piece))
      child.stdin.end(text)
      const code = await new Promise((resolve) => child.on("close", resolve))
      assert.strictEqual(code, 0, stderr)
      assert.strictEqual(stderr, "")
    }))
})
