/** Backups through the doors an operator uses: the command line, on a running server and on a file; and back. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Record from "@onelane/testkit/Record"
import { Effect } from "effect"
import { asked, run } from "./Command.js"
import { inFolder, node, serveArgs, urlOf } from "./Program.js"

const call = async (url: string, path: string, body: object, token = "alice") => {
  const answer = await fetch(`${url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body)
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, any> }
}

const open = (url: string, cartId: string) => call(url, "/v1/checkout-sessions", { cartId })

describe("onelane backup and restore", { timeout: 240_000 }, () => {
  it("backup: a running server writes to its folder during updates, and the copy can be served", () =>
    inFolder(async (folder) => {
      const backups = join(folder, "backups")
      mkdirSync(backups)
      const server = node([...serveArgs(folder), "--backup-folder", backups])
      const url = await urlOf(server)
      const { body } = await open(url, "cart-0")
      let opened = 1
      let ended = false
      const writing = (async () => {
        for (; !ended && opened < 50; opened++) assert.strictEqual((await open(url, `cart-${opened}`)).status, 201)
      })()
      const env = { ONELANE_URL: url, ONELANE_TOKEN: "operator" }
      const made = await asked(["backup", "--to", "night.db"], env)
      assert.deepInclude(made, { path: join(backups, "night.db"), format: 1 })
      assert.isAtLeast(made.sessions, 1)
      const unnamed = await call(url, "/admin/v1/backups.create", {}, "operator")
      assert.match(unnamed.body.path, /backups\/onelane-\d{4}-.*Z\.db$/)
      ended = true
      await writing
      // A name is a name, and only an operator may.
      for (const name of ["../out.db", "/tmp/out.db", ".hidden", "a/b", "x".repeat(101)])
        assert.strictEqual((await call(url, "/admin/v1/backups.create", { name }, "operator")).status, 400, name)
      const taken = await call(url, "/admin/v1/backups.create", { name: "night.db" }, "operator")
      assert.match(taken.body.detail, /night\.db is there already/)
      assert.strictEqual((await call(url, "/admin/v1/backups.create", {})).body.reason, "ACTION_NOT_PERMITTED")
      assert.lengthOf(readdirSync(backups), 2)
      assert.deepInclude(await run(["restore", made.path, "--storage", join(folder, "checkout.db"), "--replace"]), {
        code: 1
      })
      server.process.kill("SIGTERM")
      assert.strictEqual((await server.ended).code, 0)

      const { movedTo } = await asked(["restore", made.path, "--storage", join(folder, "checkout.db"), "--replace"], {})
      assert.match(movedTo, /checkout\.db\.replaced-/)
      const again = node(serveArgs(folder))
      const found = await open(await urlOf(again), "cart-0")
      assert.deepInclude(found.body, { created: false })
      assert.strictEqual(found.body.session.id, body.session.id)
      again.process.kill("SIGTERM")
      await again.ended
    }))

  it("backup: a full disk is named, leaves no file, and the server continues", () =>
    inFolder(async (folder) => {
      const backups = join(folder, "backups")
      mkdirSync(backups)
      const fault = join(folder, "fault")
      const env = await Effect.runPromise(Record.faulting(backups, fault))
      const server = node([...serveArgs(folder), "--backup-folder", backups], env)
      const url = await urlOf(server)
      await open(url, "cart-0")
      writeFileSync(fault, "full")
      const refused = await run(["backup", "--to", "night.db"], { ONELANE_URL: url, ONELANE_TOKEN: "operator" })
      assert.strictEqual(refused.code, 1)
      assert.match(refused.stderr, /^onelane: .*the disk is full/)
      const { body } = await call(url, "/admin/v1/backups.create", { name: "night.db" }, "operator")
      assert.deepInclude(body, { _tag: "StorageUnavailable", reason: "DISK_FULL", applied: "no" })
      assert.deepStrictEqual(readdirSync(backups), [])
      assert.strictEqual((await open(url, "cart-1")).status, 201)
      rmSync(fault)
      assert.strictEqual((await call(url, "/admin/v1/backups.create", { name: "night.db" }, "operator")).status, 200)
      assert.deepStrictEqual(readdirSync(backups), ["night.db"])
      server.process.kill("SIGTERM")
      assert.strictEqual((await server.ended).code, 0)
    }))

  it("backup: a server without a backup folder, or in memory, refuses with the reason", () =>
    inFolder(async (folder) => {
      const server = node(serveArgs(folder))
      const refused = await run(["backup"], { ONELANE_URL: await urlOf(server), ONELANE_TOKEN: "operator" })
      assert.strictEqual(refused.code, 1)
      assert.match(refused.stderr, /--backup-folder/)
      const beside = await run(["backup", "--storage", join(folder, "checkout.db"), "--to", join(folder, "copy.db")])
      assert.strictEqual(beside.code, 1)
      assert.match(beside.stderr, /--url and --token/)
      server.process.kill("SIGKILL")
      await server.ended
    }))

  it("backup: a closed file is copied, also after a kill, and nothing is overwritten", () =>
    inFolder(async (folder) => {
      const storage = join(folder, "checkout.db")
      const copy = join(folder, "copy.db")
      const server = node(serveArgs(folder))
      await open(await urlOf(server), "cart-0")
      server.process.kill("SIGKILL")
      await server.ended
      assert.deepInclude(await asked(["backup", "--storage", storage, "--to", copy], {}), { path: copy, sessions: 1 })
      const taken = await run(["restore", copy, "--storage", storage])
      assert.strictEqual(taken.code, 1)
      assert.match(taken.stderr, /is there already: --replace/)
      const other = join(folder, "other.db")
      assert.match((await run(["restore", copy, "--storage", other])).stdout, /1 sessions/)
      writeFileSync(join(folder, "text.db"), "no database ".repeat(900))
      const text = await run(["restore", join(folder, "text.db"), "--storage", join(folder, "new.db")])
      assert.strictEqual(text.code, 1)
      assert.match(text.stderr, /is not sound/)
    }))
})
