/** The examples and the README, run as a user runs them: as programs, on built output. More: Examples.long.test.ts. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { onelane } from "../src/Program.js"
import { node, root, urlOf } from "./Program.js"

const run = (example: string) => node([join(root, "examples/dist", `${example}.js`)]).ended

describe("examples", { timeout: 60_000 }, () => {
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
