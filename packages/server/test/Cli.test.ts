/** The commands of `onelane` as processes. More: Cli.long.test.ts and CliServer.long.test.ts. */
import { statSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { run } from "./Command.js"
import { inFolder } from "./Program.js"

describe("onelane", { timeout: 120_000 }, () => {
  it("onelane --help shows the usage", async () => {
    const bare = await run([])
    assert.strictEqual(bare.code, 0)
    assert.strictEqual(bare.stderr, "")
    for (const command of ["serve", "sessions", "directory", "keys", "migrate", "doctor"])
      assert.include(bare.stdout, `\n  onelane ${command} `)
    const { stdout } = await run(["serve", "--help"])
    for (const flag of ["storage", "host", "port", "flow", "tokens", "seed", "config"]) {
      assert.match(stdout, new RegExp(`\n  --${flag} <.*ONELANE_${flag.toUpperCase()} `))
    }
  })

  it("wrong arguments exit 2 and change nothing", () =>
    inFolder(async (folder) => {
      const storage = join(folder, "none.db")
      const wrong: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
        [["keys", "creat"], /Invalid subcommand/],
        [["keys", "create", "--user", "a", "--role", "king"], /modify-all-data, commerce-integrator, buyer-checkout/],
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
})
