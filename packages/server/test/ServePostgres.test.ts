/** `onelane serve --storage postgres://…`: several plain servers over one database. */
import { assert, describe, it } from "@effect/vitest"
import { Onelane } from "@onelane/sdk"
import * as PostgresServer from "@onelane/testkit/PostgresServer"
import { Effect } from "effect"
import { inFolder, node, serveArgs, urlOf } from "./Program.js"

const onPostgres = (test: (url: string) => Promise<void>): Promise<void> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const server = yield* PostgresServer.make()
        const url = yield* server.makePlace
        yield* Effect.promise(() => test(url))
      })
    )
  )

describe("onelane serve over PostgreSQL", { timeout: 120_000 }, () => {
  it("two servers that know nothing of each other keep one promise, and what they took outlives them", () =>
    onPostgres((storage) =>
      inFolder(async (folder) => {
        const start = () => node([...serveArgs(folder), "--storage", storage])
        const servers = [start(), start()]
        const urls = await Promise.all(servers.map(urlOf))
        await using left = await Onelane.connect({ url: urls[0]!, token: "alice" })
        await using right = await Onelane.connect({ url: urls[1]!, token: "operator" })
        const { session } = await left.openOrThrow({ cartId: "cart-0" })
        const update = { checkoutSessionId: session.id, expCurrentState: "Start", nextState: "Inventory" } as const
        const answers = await Promise.all([left, right, left, right].map((checkout) => checkout.update(update)))
        assert.lengthOf(
          answers.filter(({ ok }) => ok),
          1
        )
        for (const { process } of servers) process.kill("SIGTERM")
        for (const { ended } of servers) assert.strictEqual((await ended).code, 0)

        const again = start()
        await using after = await Onelane.connect({ url: await urlOf(again), token: "alice" })
        assert.strictEqual((await after.getOrThrow({ checkoutSessionId: session.id })).state, "Inventory")
        again.process.kill("SIGTERM")
        await again.ended
      })
    ))
})
