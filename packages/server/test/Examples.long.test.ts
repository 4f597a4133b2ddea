/** The examples that kill, start a cluster, stay or judge a run, run as a user runs them. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { node, type Program, start as program, root } from "./Program.js"

/** What the console asks for, as far as it is looked at here. */
interface Shown {
  readonly sessions: ReadonlyArray<{ readonly checkoutSessionId: string }>
  readonly rings: ReadonlyArray<{ readonly attempts: ReadonlyArray<{ readonly by: string }> }>
}

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

  // A terminal, where there is a way to have one. `exec`: a shell that waits would end with a code of its own when the
  // terminal interrupts it too.
  const script = "/usr/bin/script"
  const example = "examples/dist/01-two-browsers.js"
  const watched = (): readonly [Program, interrupt: () => void] => {
    if (!existsSync(script)) {
      const started = node([join(root, example), "--stay"])
      return [started, () => void started.process.kill("SIGINT")]
    }
    const started = program(script, ["-qec", `exec ${process.execPath} ${example}`, "/dev/null"], {}, "pipe")
    return [started, () => void started.process.stdin!.write("\x03")]
  }

  it("01-two-browsers, watched: shows its race in the console, by a link whose token nobody is sent, and stays until it is interrupted", async () => {
    const [started, interrupt] = watched()
    const line = await started.line((text) => text.includes("/console/#token="))
    const [, url, token] = /(http:\S+)\/console\/#token=(\S+)/.exec(line)!
    const ask = async (name: string, input: object = {}) => {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" }
      const answer = await fetch(`${url}/admin/v1/${name}`, {
        method: "POST",
        headers,
        body: JSON.stringify(input)
      })
      const body: Shown = JSON.parse(await answer.text())
      return { status: answer.status, body }
    }
    let attempts: Shown["rings"][number]["attempts"] = []
    while (attempts.length === 0) {
      await setTimeout(100)
      const { body } = await ask("sessions.list", { search: "cart-0", archived: true })
      const [session] = body.sessions
      if (session === undefined) continue
      const inspected = await ask("sessions.inspect", { checkoutSessionId: session.checkoutSessionId })
      attempts = inspected.body.rings[0]!.attempts
    }
    assert.include(["ann", "bob"], attempts[0]!.by)
    await started.line((text) => text.includes("until you press Ctrl-C"))
    await setTimeout(1_500)
    assert.strictEqual((await ask("engine.stats")).status, 200)
    interrupt()
    const { code, stdout } = await started.ended
    assert.strictEqual(code, 0, stdout.slice(-2_000))
    assert.match(stdout, /Checked against the file: one winner in every race/)
  })

  it("04-checkout-flow: tasks retried, one process killed in its payment, the next one finishes, money taken once", async () => {
    const { code, stderr, stdout } = await run("04-checkout-flow")
    assert.strictEqual(code, 0, stderr)
    assert.match(stdout, /priced, at try 2/)
    assert.match(stdout, /Taxes → Error \(ADDRESS_UNKNOWN: .*\)\n +\d+ Error → Taxes/)
    assert.match(stdout, /ended by SIGKILL; charges made: 1, answers that arrived: 0/)
    const keys = [...stdout.matchAll(/paying under key (\S+)/g)].map(([, key]) => key)
    assert.deepStrictEqual(keys, [keys[0], keys[0]])
    assert.match(stdout, /ended by code 0; the session is in Complete, its order is order-of-cart-1/)
    assert.match(stdout, /payments in its history: 1, requests to the provider: 2\ncharges made: 1\n$/)
  })

  it("05-watch: the loser sees the winner's change, through a kill of the server, without gap or duplicate", async () => {
    const { code, stderr, stdout } = await run("05-watch")
    assert.strictEqual(code, 0, stderr)
    assert.strictEqual(stdout.match(/(ann|bob) won/g)?.length, 6)
    assert.strictEqual(stdout.match(/was told ExpectedStateMismatch/g)?.length, 6)
    assert.match(stdout, /ann saw versions 2 3 4 5 6 7 8\nbob saw versions 2 3 4 5 6 7 8\n/)
    assert.match(stdout, /no gap, no duplicate, and nobody polled\n$/)
  })

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
