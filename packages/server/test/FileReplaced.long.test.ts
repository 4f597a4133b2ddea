/** What a server says, and how it ends, when its file is taken away while it runs. */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { inFolder, node, serveArgs, urlOf } from "./Program.js"

const open = async (url: string, cartId: string) => {
  const answer = await fetch(`${url}/v1/checkout-sessions`, {
    method: "POST",
    headers: { authorization: "Bearer alice", "content-type": "application/json" },
    body: JSON.stringify({ cartId })
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

describe("a server and its file", () => {
  it("a server whose file is removed answers unknown, and ends with one sentence and code 1", { timeout: 60_000 }, () =>
    inFolder(async (folder) => {
      const server = node(serveArgs(folder))
      const url = await urlOf(server)
      assert.strictEqual((await open(url, "cart-0")).status, 201)
      rmSync(join(folder, "checkout.db"))
      const { body } = await open(url, "cart-1")
      assert.deepInclude(body, { reason: "FILE_REPLACED", applied: "unknown" })
      const { code, stderr } = await server.ended
      assert.strictEqual(code, 1)
      assert.match(stderr, /^onelane: the file of the store, or its log, was removed or replaced while the server ran/m)
      // The log is all that is left of the store.
      assert.isTrue(existsSync(join(folder, "checkout.db-wal")))
    })
  )

  it(
    "a server whose file is replaced ends even without calls, and leaves the new file alone",
    { timeout: 60_000 },
    () =>
      inFolder(async (folder) => {
        const storage = join(folder, "checkout.db")
        const server = node(serveArgs(folder))
        await urlOf(server)
        writeFileSync(`${storage}.other`, "another file")
        renameSync(`${storage}.other`, storage)
        const { code, stderr } = await server.ended
        assert.strictEqual(code, 1)
        assert.match(stderr, /removed or replaced/)
        assert.strictEqual(readFileSync(storage, "utf8"), "another file")
      })
  )

  it("a server that is asked to end leaves one file", { timeout: 60_000 }, () =>
    inFolder(async (folder) => {
      const server = node(serveArgs(folder))
      const url = await urlOf(server)
      assert.strictEqual((await open(url, "cart-0")).status, 201)
      server.process.kill("SIGTERM")
      assert.strictEqual((await server.ended).code, 0)
      assert.deepStrictEqual(readdirSync(folder).sort(), ["checkout.db", "seed.json", "tokens.json"])
    })
  )
})
