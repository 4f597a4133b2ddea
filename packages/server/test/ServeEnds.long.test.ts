/** What ends `onelane serve` with an error: its disk, its settings, its file, its port. */
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { type Checkout, Onelane } from "@onelane/sdk"
import { inFolder, node, onelane, serveArgs, start, urlOf } from "./Program.js"

const connect = (url: string) => Onelane.connect({ url, token: "alice", retry: { limit: 0 } })

describe("onelane serve", { timeout: 120_000 }, () => {
  it("a failed disk ends the process with an error, and acknowledged updates survive", () =>
    inFolder(async (folder) => {
      const server = start("sh", [
        "-c",
        `ulimit -f 4000; exec "$0" "$@"`,
        process.execPath,
        ...serveArgs(folder),
        "--flow",
        "any"
      ])
      await using checkout = await connect(await urlOf(server))
      const carts = Array.from({ length: 50 }, (_, index) => `cart-${index}`)
      const opened = await Promise.all(carts.map((cartId) => checkout.openOrThrow({ cartId })))
      const ids = opened.map(({ session }) => session.id)
      const versions = new Map<string, number>()
      let failed = 0
      for (let round = 0; round < 200 && failed === 0; round++) {
        const [expCurrentState, nextState] = round % 2 === 0 ? ["Start", "Inventory"] : ["Inventory", "Start"]
        for (const checkoutSessionId of ids) {
          const answer = await (checkout as Checkout).update({ checkoutSessionId, expCurrentState, nextState })
          if (answer.ok) versions.set(checkoutSessionId, answer.value.session.version)
          else failed++
        }
      }
      assert.isAbove(failed, 0)
      const { code, stderr } = await server.ended
      assert.strictEqual(code, 1, stderr)
      assert.match(stderr, /the disk gave no answer to a commit/)

      const again = node([...serveArgs(folder), "--flow", "any"])
      await using after = await connect(await urlOf(again))
      for (const checkoutSessionId of ids) {
        const { version } = await after.getOrThrow({ checkoutSessionId })
        assert.isAtLeast(version, versions.get(checkoutSessionId) ?? 1)
      }
      again.process.kill("SIGTERM")
      await again.ended
    }))

  it("wrong settings are reported and exit 2", async () => {
    const wrong: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
      [["server"], /Invalid subcommand for onelane/],
      [["serve"], /no tokens/],
      [["serve", "--tokens", "/no/such/file"], /no such file/],
      [["serve", "--colour", "red"], /--colour/]
    ]
    for (const [args, sentence] of wrong) {
      const { code, stderr, stdout } = await node([onelane, ...args], { ONELANE_TOKENS: undefined }).ended
      assert.strictEqual(code, 2)
      assert.match(stderr, sentence)
      assert.strictEqual(stdout, "")
    }
  })

  it("a damaged file is reported in one line and exits 1", () =>
    inFolder(async (folder) => {
      const file = join(folder, "checkout.db")
      const damages: ReadonlyArray<(whole: Buffer) => Buffer> = [
        (whole) => whole.fill(0x5a, 101, 60_000),
        (whole) => whole.subarray(0, 40_960)
      ]
      for (const damage of damages) {
        rmSync(file, { force: true })
        assert.strictEqual((await node([onelane, "migrate", "--storage", file]).ended).code, 0)
        writeFileSync(file, damage(readFileSync(file)))
        const { code, stderr, stdout } = await node(serveArgs(folder)).ended
        assert.strictEqual(code, 1)
        assert.match(stderr, /^onelane: .*checkout\.db was not opened: it is damaged; restore it from a copy\n$/)
        assert.strictEqual(stdout, "")
      }
    }))

  it("a file or a port that is in use is reported in one line and exits 1", () =>
    inFolder(async (folder) => {
      const server = node(serveArgs(folder))
      const url = await urlOf(server)
      const second = await node(serveArgs(folder)).ended
      assert.strictEqual(second.code, 1)
      assert.match(second.stderr, /^onelane: .*checkout\.db was not opened: .*\n$/)
      const samePort = [...serveArgs(folder), "--port", new URL(url).port, "--storage", ":memory:"]
      const third = await node(samePort).ended
      assert.strictEqual(third.code, 1)
      assert.match(third.stderr, /EADDRINUSE/)
      server.process.kill("SIGTERM")
      assert.strictEqual((await server.ended).code, 0)
    }))
})
