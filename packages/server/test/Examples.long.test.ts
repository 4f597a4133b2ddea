/** The examples that start a cluster or judge a run, run as a user runs them. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { node, root } from "./Program.js"

const run = (example: string) => node([join(root, "examples/dist", `${example}.js`)]).ended

describe("examples", { timeout: 240_000 }, () => {
  it("06-cluster: three servers, one killed, one winner in every race", async () => {
    const { code, stderr, stdout } = await run("06-cluster")
    assert.strictEqual(code, 0, stderr)
    assert.match(stdout, /After \d+ races process \d+ is killed, SIGKILL, in mid-request/)
    assert.match(stdout, /\d+ more races; the longest took \d+ ms/)
    assert.match(stdout, /exactly one of three won each of 224 races; every loser knew why/)
  })

  it("07-judge-a-run: a recorded race is linearizable, and a forged answer in it is found and drawn", async () => {
    const { code, stderr, stdout } = await run("07-judge-a-run")
    assert.strictEqual(code, 0, stderr)
    assert.match(stdout, /^25 calls of 1 session: linearizable\n\S+: double win, two calls were accepted.*\n {2}p\d/)
    const [, file = ""] = /the same as a picture: (\S+)/.exec(stdout) ?? []
    assert.match(readFileSync(file, "utf8"), /^<svg .*double win/s)
  })
})
