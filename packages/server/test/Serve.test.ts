/** `onelane serve` as a process, with the SDK as its client. */
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { type Checkout, Onelane } from "@onelane/sdk"
import { inFolder, node, onelane, serveArgs, start, urlOf } from "./Program.js"

const toInventory = { expCurrentState: "Start", nextState: "Inventory" } as const

const connect = (url: string, token = "alice", limit = 0) => Onelane.connect({ url, token, retry: { limit } })

const openAll = async (checkout: Checkout<any>, count: number): Promise<ReadonlyArray<string>> =>
  Promise.all(
    Array.from(
      { length: count },
      async (_, index) => (await checkout.openOrThrow({ cartId: `cart-${index}` })).session.id
    )
  )

describe("onelane serve", { timeout: 120_000 }, () => {
  it("of two clients that race on a seeded directory one wins, and the other gets the reason", () =>
    inFolder(async (folder) => {
      const server = node(serveArgs(folder))
      const url = await urlOf(server)
      await using left = await connect(url)
      await using right = await connect(url, "operator")
      const { session } = await left.openOrThrow({ cartId: "cart-0" })
      const update = { checkoutSessionId: session.id, ...toInventory }
      const answers = await Promise.all([left.update(update), right.update(update)])
      const lost = answers.find((answer) => !answer.ok)
      assert.strictEqual(answers.filter(({ ok }) => ok).length, 1)
      assert.deepInclude(lost?.ok === false ? lost.error : {}, { _tag: "ExpectedStateMismatch", applied: "no" })
      server.process.kill("SIGTERM")
      assert.strictEqual((await server.ended).code, 0)
    }))

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`${signal} under load: every call is answered or certainly not applied, and the exit code is 0`, () =>
      inFolder(async (folder) => {
        const server = node(serveArgs(folder))
        await using checkout = await connect(await urlOf(server))
        const ids = await openAll(checkout, 50)
        const under = ids.map((checkoutSessionId) => checkout.update({ checkoutSessionId, ...toInventory }))
        await Promise.race(under)
        server.process.kill(signal)
        const answers = await Promise.all(under)
        const { code, stderr } = await server.ended
        assert.strictEqual(code, 0, stderr)
        const doubtful = answers.filter((answer) => !answer.ok && answer.error.applied !== "no")
        assert.deepStrictEqual(doubtful, [])

        const again = node(serveArgs(folder))
        await using after = await connect(await urlOf(again))
        for (const [index, checkoutSessionId] of ids.entries()) {
          const { state } = await after.getOrThrow({ checkoutSessionId })
          assert.strictEqual(state, answers[index]!.ok ? "Inventory" : "Start")
        }
        again.process.kill("SIGTERM")
        await again.ended
      }))
  }

  it("a client that follows a session does not delay SIGTERM", () =>
    inFolder(async (folder) => {
      const server = node(serveArgs(folder))
      await using checkout = await connect(await urlOf(server))
      const { session } = await checkout.openOrThrow({ cartId: "cart-0" })
      const following = checkout.changes({ checkoutSessionId: session.id, afterVersion: 0 })[Symbol.asyncIterator]()
      assert.strictEqual((await following.next()).value?.type, "Opened")
      const next = following.next().then(
        () => "an entry",
        (error) => error.tag
      )
      server.process.kill("SIGTERM")
      assert.strictEqual((await server.ended).code, 0)
      assert.strictEqual(await next, "Overloaded")
    }))

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
      const ids = await openAll(checkout, 50)
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
