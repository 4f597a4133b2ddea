/** `onelane serve` as a process, with the SDK as its client. What ends it is in ServeEnds.long.test.ts. */
import { assert, describe, it } from "@effect/vitest"
import { type Checkout, Onelane } from "@onelane/sdk"
import { inFolder, node, serveArgs, urlOf } from "./Program.js"

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
})
