/** One app behind `onelane serve --app`, as processes: raced over HTTP, killed in the middle of its task, and mistaken. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { postgresForThisFile } from "@onelane/testkit/PostgresForFile"
import { Effect } from "effect"
import { afterAll } from "vitest"
import { onelane } from "../src/Program.js"
import { run } from "./Command.js"
import { node, type Program, urlOf } from "./Program.js"

const fixture = (name: string): string => fileURLToPath(new URL(`programs/${name}`, import.meta.url))
const tokens = JSON.stringify({ token: { userId: "ann", roles: ["modify-all-data"] } })

const folder = mkdtempSync(join(tmpdir(), "onelane-app-"))
const postgres = postgresForThisFile()
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let places = 0

/** A storage of its own, and what a server on it needs besides. */
const storages: { readonly [name: string]: () => Promise<ReadonlyArray<string>> } = {
  "an SQLite file": async () => ["--storage", join(folder, `checkout-${++places}.db`)],
  PostgreSQL: async () => ["--storage", await Effect.runPromise(postgres().makePlace), "--cluster", "127.0.0.1:0"]
}

const serveShop = (args: ReadonlyArray<string>, log: string, millis: number, app = "shop.mjs"): Program =>
  node([onelane, "serve", "--app", fixture(app), ...args, "--port", "0", "--tokens", tokens, "--log-level", "error"], {
    SHOP_LOG: log,
    SHOP_MILLIS: String(millis)
  })

const post = async (url: string, body: object): Promise<{ readonly status: number; readonly body: any }> => {
  const headers = { authorization: "Bearer token", "content-type": "application/json" }
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })
  return { status: response.status, body: await response.json() }
}

const toPay = { expCurrentState: "Basket", nextState: "Pay" }
const toReceipt = { expCurrentState: "Pay", nextState: "Receipt" }

const until = async (done: () => Promise<boolean> | boolean): Promise<void> => {
  while (!(await done())) await Effect.runPromise(Effect.sleep(50))
}

const linesOf = (log: string): ReadonlyArray<string> =>
  existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []

const get = async (url: string): Promise<any> =>
  (await fetch(url, { headers: { authorization: "Bearer token" } })).json()

for (const [where, makeStorage] of Object.entries(storages))
  describe(`onelane serve --app on ${where}`, () => {
    it("runs the app's tasks: of many updates one wins, and the others learn that the session is processing", async () => {
      const log = join(folder, `log-${++places}`)
      const server = serveShop(await makeStorage(), log, 3_000)
      try {
        const url = await urlOf(server)
        const { body } = await post(`${url}/v1/checkout-sessions`, { cartId: "cart-1" })
        const session = `${url}/v1/checkout-sessions/${body.session.id}`
        const race = async (update: object): Promise<ReadonlyArray<number>> =>
          (await Promise.all(Array.from({ length: 12 }, () => post(`${session}/update`, update))))
            .map(({ status }) => status)
            .sort()
        assert.deepStrictEqual(await race(toPay), [200, ...Array.from({ length: 11 }, () => 409)])
        assert.deepStrictEqual(await race(toReceipt), [200, ...Array.from({ length: 11 }, () => 409)])
        const action = `${url}/services/data/v62.0/actions/standard/updateCheckoutSessionAction`
        const busy = await post(action, { inputs: [{ checkoutSessionId: body.session.id, ...toReceipt }] })
        assert.strictEqual(busy.body[0].errors[0].statusCode, "ALREADY_IN_PROCESS")
        await until(async () => (await get(session)).state === "Receipt")
        assert.strictEqual((await get(session)).orderId, "order-1")
        assert.strictEqual(linesOf(log).length, 2)
      } finally {
        server.process.kill()
      }
    }, 90_000)

    it("resumes the task of a server that was killed in its middle, under the same work key", async () => {
      const log = join(folder, `log-${++places}`)
      const storage = await makeStorage()
      const first = serveShop(storage, log, 600_000)
      const url = await urlOf(first)
      const { body } = await post(`${url}/v1/checkout-sessions`, { cartId: "cart-1" })
      for (const update of [toPay, toReceipt])
        assert.strictEqual((await post(`${url}/v1/checkout-sessions/${body.session.id}/update`, update)).status, 200)
      await until(() => linesOf(log).length === 1)
      first.process.kill("SIGKILL")
      await first.ended
      const second = serveShop(storage, log, 1)
      try {
        const session = `${await urlOf(second)}/v1/checkout-sessions/${body.session.id}`
        await until(async () => (await get(session)).state === "Receipt")
        const [begun, again, paid] = linesOf(log)
        assert.strictEqual(again, begun)
        assert.strictEqual(paid, begun!.replace("begun", "paid"))
      } finally {
        second.process.kill()
      }
    }, 90_000)
  })

describe("a mistake in an app", () => {
  const mistakes: ReadonlyArray<[string, string, RegExp]> = [
    ["unknown.mjs", "export default { flwo: 1 }", /unknown.mjs: there is no flwo; there are flow, access/],
    ["carts.mjs", "export default { carts: {} }", /carts.mjs: carts must be an object with find\(\)/],
    ["flow.mjs", 'export default { flow: "b2c" }', /flow.mjs: flow must be the name of a preset \(b2b, /],
    ["nothing.mjs", "export const shop = 1", /nothing.mjs: it exports no app; export default defineApp/],
    ["throws.mjs", 'throw new Error("no keys")', /throws.mjs cannot be loaded: no keys/],
    ["syntax.mjs", "export default {", /syntax.mjs cannot be loaded: Unexpected/],
    ["text.mjs", 'export default "shop"', /text.mjs: an object is missing/]
  ]
  for (const [name, text, why] of mistakes)
    it(`is one sentence that names the file and the field: ${name}`, async () => {
      const file = join(folder, name)
      writeFileSync(file, text)
      const { code, stderr } = await run(["serve", "--storage", ":memory:", "--app", file, "--tokens", tokens])
      assert.strictEqual(code, 2)
      assert.match(stderr, why)
      assert.strictEqual(stderr.trim().split("\n").length, 1, stderr)
    }, 30_000)

  it("is a flow beside the app, a seed without a directory, or no file", async () => {
    const serve = ["serve", "--storage", ":memory:", "--tokens", tokens, "--app"]
    const both = await run([...serve, fixture("shop.mjs"), "--flow", "any"])
    assert.match(both.stderr, /--flow: the app has the flow; leave one of them out/)
    const seeded = await run([...serve, fixture("shop.mjs"), "--seed", "{}"])
    assert.match(seeded.stderr, /has no directory; say directory: true, or leave --seed out/)
    assert.match((await run([...serve, "gone.mjs"])).stderr, /--app gone.mjs: no such file/)
  }, 30_000)
})
