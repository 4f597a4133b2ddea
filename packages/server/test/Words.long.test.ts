/** What `onelane` says when something is wrong, and that its own example works. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Onelane } from "@onelane/sdk"
import { run } from "./Command.js"
import { inFolder, onelane, start, urlOf } from "./Program.js"

const tokens = ["--tokens", '{"t":{"userId":"me","roles":[]}}']
const inMemory = ["serve", "--storage", ":memory:", "--port", "0"]

describe("what onelane says", { timeout: 120_000 }, () => {
  it("serve --help: its example starts a server, and the SDK's first call succeeds", async () => {
    const { stdout } = await run(["serve", "--help"])
    const line = stdout
      .split("\n")
      .find((text) => text.trim().startsWith("onelane serve --storage"))!
      .trim()
    assert.include(stdout, 'openOrThrow({ cartId: "cart-1" })')
    // The same line in a shell, but for the port, which may be taken here.
    const command = line.replace(/^onelane/, `exec "${process.execPath}" "${onelane}"`)
    const server = start("sh", ["-c", command], { ONELANE_PORT: "0" })
    const url = await urlOf(server)
    await using checkout = await Onelane.connect({ url, token: "secret" })
    const { created, session } = await checkout.openOrThrow({ cartId: "cart-1" })
    assert.isTrue(created)
    const move = { expCurrentState: "Start", nextState: "Shipping Address" } as const
    await checkout.updateOrThrow({ checkoutSessionId: session.id, ...move })
    server.process.kill("SIGTERM")
    assert.strictEqual((await server.ended).code, 0)
  })

  it("a seed that names an unknown user is refused in one sentence with exit code 2", async () => {
    const seed = ["--seed", '{"accounts":[{"id":"acme","users":["nobody"]}]}']
    const { code, stderr } = await run([...inMemory, ...tokens, ...seed])
    assert.strictEqual(stderr, 'onelane: --seed: user "nobody" is neither in the seed nor in the directory\n')
    assert.strictEqual(code, 2)
  })

  it("a missing key, seed or token file is reported in one sentence with exit code 2", () =>
    inFolder(async (folder) => {
      const none = join(folder, "none.pem")
      const jwt = (files: object) => ["--jwt", JSON.stringify({ issuer: "https://id", audience: ["shop"], ...files })]
      const missing = await run([...inMemory, ...jwt({ keyFile: none })])
      assert.strictEqual(missing.stderr, `onelane: --jwt: keyFile ${none}: no such file\n`)
      assert.strictEqual(missing.code, 2)
      for (const name of ["seed", "tokens"]) {
        const { code, stderr } = await run([...inMemory, ...tokens.slice(name === "tokens" ? 2 : 0), `--${name}`, none])
        assert.include(stderr, `onelane: --${name}: ${none}: no such file\n`)
        assert.strictEqual(code, 2)
      }
    }))

  it("a limit out of range is refused with its name and range", async () => {
    const refused = async (limits: object) => {
      const { code, stderr } = await run([...inMemory, ...tokens, "--limits", JSON.stringify(limits)])
      assert.strictEqual(code, 2)
      return stderr.split("\n")[0]
    }
    const range = (least: number) => `must be a whole number from ${least} to 2147483647`
    assert.strictEqual(await refused({ idleMillis: 0 }), `onelane: --limits: idleMillis ${range(1)}`)
    assert.strictEqual(await refused({ lingerMillis: -1 }), `onelane: --limits: lingerMillis ${range(0)}`)
    assert.strictEqual(await refused({ bodyMaxBytes: "1" }), `onelane: --limits: bodyMaxBytes ${range(1)}`)
    assert.match(
      (await refused({ idleMilis: 1 }))!,
      /^onelane: --limits: there is no idleMilis; there are headersMaxBytes, /
    )
  })

  it("no command shows the password of a storage, even of a mistyped one", () =>
    inFolder(async (folder) => {
      const file = join(folder, "config.json")
      const urls = [
        "postgres://user:s3cret@127.0.0.1:1/db",
        "POSTGRES://user:s3cret@h/db",
        "postgres:/user:s3cret@h/db"
      ]
      for (const storage of urls) {
        writeFileSync(file, JSON.stringify({ storage, port: "x" }))
        const commands = [
          ["serve", "--port", "0", ...tokens, "--storage", storage],
          ["serve", "--config", file, ...tokens],
          ["sessions", "list", "--storage", storage],
          ["doctor", "--storage", storage],
          ["migrate", "--storage", storage],
          ["erase", "--cart", "c", "--yes", "--storage", storage]
        ]
        const ends = await Promise.all(commands.map((args) => run(args, { ONELANE_LOG_LEVEL: "debug" })))
        for (const [index, { code, stderr, stdout }] of ends.entries()) {
          assert.notInclude(stderr + stdout, "s3cret", commands[index]!.join(" "))
          assert.notStrictEqual(code, 0, commands[index]!.join(" "))
        }
      }
    }))
})
