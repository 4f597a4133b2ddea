/** The whole way, as somebody would go it who puts a server on the internet: a key pair, signed tokens, updates, the end. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Onelane } from "@onelane/sdk"
import * as jose from "jose"
import { call } from "./Call.js"
import { inFolder, node, onelane, urlOf } from "./Program.js"

/** An identity provider: published keys, which may change, and tokens signed with the newest. */
const providing = async (
  test: (provider: {
    readonly jwksUrl: string
    readonly sign: (sub: string, roles: ReadonlyArray<string>) => Promise<string>
    readonly rotate: () => Promise<void>
  }) => Promise<void>
): Promise<void> => {
  const published: Array<jose.JWK> = []
  let newest: { readonly kid: string; readonly privateKey: jose.CryptoKey } | null = null
  const rotate = async () => {
    const { privateKey, publicKey } = await jose.generateKeyPair("RS256")
    const kid = `key-${published.length + 1}`
    published.push({ ...(await jose.exportJWK(publicKey)), kid, alg: "RS256", use: "sig" })
    newest = { kid, privateKey }
  }
  await rotate()
  const server = createServer((_, response) => response.end(JSON.stringify({ keys: published })))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const sign = (sub: string, roles: ReadonlyArray<string>) =>
    new jose.SignJWT({ realm: { roles } })
      .setProtectedHeader({ alg: "RS256", kid: newest!.kid })
      .setIssuer("https://login.example")
      .setAudience("onelane")
      .setSubject(sub)
      .setExpirationTime("10m")
      .sign(newest!.privateKey)
  try {
    const { port } = server.address() as AddressInfo
    await test({ jwksUrl: `http://127.0.0.1:${port}/jwks.json`, sign, rotate })
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

/** Moves a session on and on until the server is gone: the versions it was promised, and whether the last call is in doubt. */
const moving = async (url: string, token: string, id: string) => {
  let version = 1
  let acknowledged = 0
  for (;;) {
    const [expCurrentState, nextState] = version % 2 === 1 ? ["Start", "Inventory"] : ["Inventory", "Start"]
    try {
      const body = { expCurrentState, nextState }
      const answer = await call(url, token, "POST", `/v1/checkout-sessions/${id}/update`, body)
      if (answer.status !== 200) return { version, acknowledged, doubtful: answer.body.applied !== "no" }
      version = answer.body.session.version
      acknowledged += 1
    } catch {
      return { version, acknowledged, doubtful: true }
    }
  }
}

describe("a front door", { timeout: 120_000 }, () => {
  it("O5 signed tokens are accepted, one of two updates wins, and SIGTERM under load loses nothing", () =>
    inFolder((folder) =>
      providing(async ({ jwksUrl, rotate, sign }) => {
        const storage = join(folder, "checkout.db")
        const jwt = { issuer: "https://login.example", audience: ["onelane"], jwksUrl, cooldownMillis: 0 }
        const claims = { roles: "realm.roles", roleNames: { shopper: "buyer-checkout" } }
        const args = ["--storage", storage, "--seed", join(folder, "seed.json"), "--flow", "any", "--port", "0"]
        const server = node([onelane, "serve", ...args, "--jwt", JSON.stringify({ ...jwt, claims })])
        const url = await urlOf(server)
        const alice = await sign("alice", ["shopper"])
        const opened = await call(url, alice, "POST", "/v1/checkout-sessions", { cartId: "cart-0" })
        assert.strictEqual(opened.status, 201, opened.text)
        const update = `/v1/checkout-sessions/${opened.body.session.id}/update`
        const body = { expCurrentState: "Start", nextState: "Inventory" }
        assert.deepInclude(await call(url, alice, "POST", update, body), { status: 200 })
        const second = await call(url, alice, "POST", update, body)
        assert.deepInclude(second.body, { status: 409, _tag: "ExpectedStateMismatch", applied: "no" })
        assert.deepInclude(second.body.current, { state: "Inventory", version: 2 })

        // The provider takes a new key: its tokens are good at once, and those of the old one still are.
        await rotate()
        const renewed = await sign("alice", ["shopper"])
        for (const token of [renewed, alice]) {
          assert.strictEqual((await call(url, token, "POST", update, body)).status, 409)
        }

        const ids: Array<string> = []
        for (let cart = 1; cart <= 24; cart++) {
          const { body } = await call(url, renewed, "POST", "/v1/checkout-sessions", { cartId: `cart-${cart}` })
          ids.push(body.session.id)
        }
        const running = Promise.all(ids.map((id) => moving(url, renewed, id)))
        while (!/answers_total\{status="200"\} \d{3,}/.test((await call(url, null, "GET", "/metrics")).text)) {}
        server.process.kill("SIGTERM")
        const promised = await running
        const { code, stderr } = await server.ended
        assert.strictEqual(code, 0, stderr)

        await using file = await Onelane.open({ storage })
        const held = await Promise.all(ids.map((checkoutSessionId) => file.getOrThrow({ checkoutSessionId })))
        const acknowledged = promised.reduce((sum, each) => sum + each.acknowledged, 0)
        const kept = held.reduce((sum, { version }) => sum + version - 1, 0)
        const doubtful = promised.filter((each) => each.doubtful).length
        assert.isAbove(acknowledged, 50)
        assert.isAtLeast(kept, acknowledged)
        assert.isAtMost(kept, acknowledged + doubtful)
        for (const [index, { version }] of held.entries()) assert.isAtLeast(version, promised[index]!.version)
      })
    ))
})
