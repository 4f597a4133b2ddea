/** `onelane erase` and `onelane sessions prune`, on the storage itself and on a running server. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Onelane } from "@onelane/sdk"
import { asked, run } from "./Command.js"
import { inFolder, node, serveArgs, urlOf } from "./Program.js"

const holds = (file: string, text: string): boolean =>
  ["", "-wal", "-shm"].some((end) => existsSync(file + end) && readFileSync(file + end).includes(text))

describe("onelane erase", { timeout: 120_000 }, () => {
  it("erase: --yes removes every byte of a buyer from a file", () =>
    inFolder(async (folder) => {
      const storage = join(folder, "checkout.db")
      const env = { ONELANE_STORAGE: storage }
      const erase = ["erase", "--owner", "marked-ann"]
      assert.include((await run([...erase, "--yes"], env)).stderr, "onelane migrate")
      {
        await using checkout = await Onelane.open({ storage })
        const { session } = await checkout.openOrThrow({ cartId: "marked-cart", ownerId: "marked-ann" })
        await checkout.cancel({ checkoutSessionId: session.id })
        await checkout.openOrThrow({ cartId: "marked-two", ownerId: "marked-ann" })
        await checkout.openOrThrow({ cartId: "bobs", ownerId: "bob" })
      }
      const unsure = await run(erase, env)
      assert.strictEqual(unsure.code, 2)
      assert.include(unsure.stderr, "--yes")
      for (const args of [
        ["erase", "--yes"],
        [...erase, "--cart", "marked-cart", "--yes"]
      ])
        assert.strictEqual((await run(args, env)).code, 2)
      const live = await run([...erase, "--yes"], env)
      assert.strictEqual(live.code, 1)
      assert.match(live.stderr, /Live sessions: cs_/)
      assert.isTrue(holds(storage, "marked-cart"))
      const erased = await asked([...erase, "--force", "--yes"], env)
      assert.deepInclude(erased, { sessions: 2, carts: 2, entries: 0 })
      assert.match(erased.erasureId, /^req_/)
      assert.isFalse(holds(storage, "marked-"))
      assert.strictEqual((await asked(["sessions", "list"], env)).sessions.length, 1)
    }))

  it("erase: a running server removes a buyer from memory too, and logs no id", () =>
    inFolder(async (folder) => {
      const storage = join(folder, "checkout.db")
      const server = node(serveArgs(folder))
      const url = await urlOf(server)
      const env = { ONELANE_URL: url, ONELANE_TOKEN: "operator" }
      await using checkout = await Onelane.connect({ url, token: "operator" })
      const { session } = await checkout.openOrThrow({ cartId: "marked-cart", ownerId: "marked-ann" })
      await checkout.cancelOrThrow({ checkoutSessionId: session.id })
      assert.isTrue(holds(storage, "marked-"))
      const erased = await asked(["erase", "--cart", "marked-cart", "--yes"], env)
      assert.deepInclude(erased, { sessions: 1, carts: 1 })
      const gone = await checkout.get({ checkoutSessionId: session.id })
      assert.strictEqual(gone.ok || gone.error._tag, "SessionInaccessible")
      assert.isFalse(holds(storage, "marked-"))
      const old = await checkout.openOrThrow({ cartId: "other", ownerId: "bob" })
      await checkout.cancelOrThrow({ checkoutSessionId: old.session.id })
      assert.deepStrictEqual(await asked(["sessions", "prune", "--archived-before", "2100-01-01"], env), { pruned: 1 })
      server.process.kill("SIGTERM")
      const { stderr, stdout } = await server.ended
      assert.include(stdout + stderr, erased.erasureId)
      assert.notInclude(stdout + stderr, "marked-")
    }))
})
