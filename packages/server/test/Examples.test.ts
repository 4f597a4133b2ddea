/** The examples and the README, run as a user runs them: as programs, on built output. More: Examples.long.test.ts. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { onelane } from "../src/Program.js"
import { node, root, urlOf } from "./Program.js"

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
})

describe("README", { timeout: 60_000 }, () => {
  const readme = readFileSync(join(root, "README.md"), "utf8")

  it("the README shows example 02 unchanged", () => {
    const [, ...code] = readFileSync(join(root, "examples/02-embedded.ts"), "utf8").split("\n")
    assert.include(readme, `\`\`\`ts\n${code.join("\n")}\`\`\``)
  })

  it("the README's calls of a server get the answers it shows", async () => {
    const files = ["--tokens", join(root, "examples/tokens.json"), "--seed", join(root, "examples/seed.json")]
    const server = node([onelane, "serve", "--storage", ":memory:", "--port", "0", ...files])
    const path = /actions=http:\/\/127\.0\.0\.1:8080(\S+)/.exec(readme)?.[1]
    const headers = { authorization: "Bearer ann-token", "content-type": "application/json" }
    const url = await urlOf(server)
    const action = async (name: string, input: object) => {
      const body = JSON.stringify({ inputs: [input] })
      const answer = await fetch(`${url}${path}/${name}`, { method: "POST", headers, body })
      return ((await answer.json()) as ReadonlyArray<any>)[0]
    }
    const opened = await action("checkoutSessionAction", { cartId: "cart-1" })
    const { checkoutSessionId } = opened.outputValues
    const update = { checkoutSessionId, expCurrentState: "Start", nextState: "Inventory" }
    assert.isTrue((await action("updateCheckoutSessionAction", update)).isSuccess)
    const late = await action("updateCheckoutSessionAction", update)
    assert.deepInclude(late, { isSuccess: false, errorCode: "INVALID_INPUT" })
    assert.strictEqual(late.current.state, "Inventory")
    server.process.kill("SIGTERM")
    assert.strictEqual((await server.ended).code, 0)
  })
})
