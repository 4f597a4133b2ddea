/** One app behind `onelane serve --app`, in TypeScript. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { afterAll } from "vitest"
import { onelane } from "../src/Program.js"
import { run } from "./Command.js"
import { node, urlOf } from "./Program.js"

const app = fileURLToPath(new URL("programs/typed-shop.ts", import.meta.url))
const tokens = JSON.stringify({ token: { userId: "ann", roles: ["modify-all-data"] } })
const headers = { authorization: "Bearer token", "content-type": "application/json" }

const folder = mkdtempSync(join(tmpdir(), "onelane-app-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const post = async (url: string, body: object): Promise<any> =>
  (await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })).json()

const get = async (url: string): Promise<any> => (await fetch(url, { headers })).json()

describe("an app in TypeScript", () => {
  it("is served with its other files, its carts and its tasks, and names the same flow to the commands", async () => {
    const server = node([onelane, "serve", "--app", app, "--port", "0", "--tokens", tokens, "--log-level", "error"])
    try {
      const url = await urlOf(server)
      const opened = await post(`${url}/v1/checkout-sessions`, { cartId: "cart-1" })
      assert.strictEqual(opened.session.ownerId, "ann")
      const update = { expCurrentState: "Basket", nextState: "Receipt" }
      const session = `${url}/v1/checkout-sessions/${opened.session.id}`
      await post(`${session}/update`, update)
      while ((await get(session)).orderId !== "order of 500") await Effect.runPromise(Effect.sleep(50))
    } finally {
      server.process.kill()
    }
    const examined = await run(["doctor", "--storage", ":memory:", "--app", app])
    assert.match(examined.stdout, /flow typed, version 1, 2 states, 1 with a task/)
    const storage = join(folder, "checked.db")
    await run(["migrate", "--storage", storage])
    const checked = await run(["flow", "check", "--storage", storage, "--app", app])
    assert.match(checked.stdout, /flow typed, version 1: 0 live sessions/)
  }, 90_000)
})
