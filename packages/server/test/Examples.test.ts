/** The examples, run as a user runs them: as programs, on built output. */
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { node, root } from "./Program.js"

const run = (example: string) => node([join(root, "examples/dist", `${example}.js`)]).ended

describe("examples", { timeout: 240_000 }, () => {
  it("01-two-browsers: one winner in every race, and nothing acknowledged is lost in a kill", async () => {
    const { code, stderr, stdout } = await run("01-two-browsers")
    assert.strictEqual(code, 0, stderr)
    assert.match(
      stdout,
      /Start → Shipping Address +(Ann|Bob) won, version 2\n +(Ann|Bob) was told ExpectedStateMismatch/
    )
    assert.match(stdout, /Killed after \d+ races; started again on the same file/)
    assert.match(stdout, /\n434 races: Ann won \d+, Bob won \d+\.\n/)
    assert.match(stdout, /Checked against the file: one winner in every race.*nothing acknowledged was lost/)
    assert.strictEqual(stderr, "")
  })

  it("02-embedded: of two updates at once one is accepted, the other refused", async () => {
    const { code, stderr, stdout } = await run("02-embedded")
    assert.strictEqual(code, 0, stderr)
    assert.match(stdout, /^accepted: the session is in Inventory\nrefused: ExpectedStateMismatch, .*\n$/)
  })

  it("03-embedded-effect: the same as an Effect service", async () => {
    const { code, stderr, stdout } = await run("03-embedded-effect")
    assert.strictEqual(code, 0, stderr)
    assert.strictEqual(stdout, "accepted: the session is in Inventory, version 2\nrefused: it is in Inventory now\n")
  })
})
