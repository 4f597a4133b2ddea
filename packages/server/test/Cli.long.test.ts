/** Every command of `onelane` as a process: how it is used, what it does not understand, and the whole directory. */
import { statSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { asked, run } from "./Command.js"
import { inFolder } from "./Program.js"

describe("onelane", { timeout: 240_000 }, () => {
  it("every command shows its usage", async () => {
    assert.deepStrictEqual(await run(["--help"]), await run([]))
    for (const command of ["serve", "sessions", "directory", "keys", "migrate", "doctor"]) {
      const { code, stdout } = await run([command, "--help"])
      assert.strictEqual(code, 0)
      assert.notInclude(stdout, "\u001b")
      assert.notInclude(stdout, "user-defined")
    }
  })

  it("wrong arguments of every command exit 2 and change nothing", () =>
    inFolder(async (folder) => {
      const storage = join(folder, "none.db")
      const wrong: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
        [["keys", "creat"], /Invalid subcommand/],
        [["keys", "create"], /--user/],
        [["keys", "create", "--user", "a", "--role", "king"], /modify-all-data, commerce-integrator, buyer-checkout/],
        [["keys", "create", "--user", "a", "--expires-in", "soon"], /expires-in is a length of time/],
        [["directory", "members", "put", "--account", "a"], /--user or --store/],
        [["directory", "carts", "put", "c", "--status", "Lost"], /Active/],
        [["sessions", "show"], /session/],
        [["migrate", "--colour"], /--colour/]
      ]
      for (const [args, sentence] of wrong) {
        const { code, stderr, stdout } = await run(args, { ONELANE_STORAGE: storage })
        assert.strictEqual(code, 2, args.join(" "))
        assert.match(stderr, sentence)
        assert.strictEqual(stdout, "")
      }
      assert.isUndefined(statSync(storage, { throwIfNoEntry: false }))
    }))

  it("directory commands change and list a storage", () =>
    inFolder(async (folder) => {
      const env = { ONELANE_STORAGE: join(folder, "checkout.db") }
      await asked(["migrate"], env)
      await asked(["directory", "users", "put", "ann", "--role", "buyer-checkout"], env)
      await asked(["directory", "accounts", "put", "acme", "--inactive"], env)
      await asked(["directory", "members", "put", "--account", "acme", "--user", "ann"], env)
      assert.deepStrictEqual(await asked(["directory", "users", "list"], env), {
        entries: [{ id: "ann", roles: ["buyer-checkout"] }]
      })
      assert.deepStrictEqual((await asked(["directory", "accounts", "list"], env)).entries, [
        { id: "acme", active: false }
      ])
      assert.deepStrictEqual((await asked(["directory", "members", "list"], env)).entries, [
        { accountId: "acme", userId: "ann" }
      ])
      const unknown = await run(["directory", "members", "put", "--account", "acme", "--store", "none"], env)
      assert.strictEqual(unknown.code, 1)
      assert.strictEqual(unknown.stderr, "onelane: There is no such store: none\n")
      await asked(["directory", "users", "remove", "ann"], env)
      assert.deepStrictEqual((await asked(["directory", "members", "list"], env)).entries, [])
    }))
})
