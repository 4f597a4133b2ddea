/** `onelane sessions release` on a claim that a host made and left behind. */
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Caller, CheckoutSessions } from "@onelane/checkout"
import { Directory } from "@onelane/directory"
import { Flow, Onelane } from "@onelane/sdk"
import { Effect } from "effect"
import { asked, run } from "./Command.js"
import { inFolder, node, serveArgs, temporaryFolder, urlOf } from "./Program.js"

const flow = Flow.withTasks(Flow.b2b, { Inventory: {} })

/** A session whose claim waits for a host that is gone; by the clock of a test its deadline is long over. */
const claimed = (storage: string, cartId: string, directory = false) =>
  Effect.gen(function* () {
    if (directory) yield* acme(cartId)
    const sessions = yield* CheckoutSessions.CheckoutSessions
    const { id } = (yield* sessions.open(Caller.host, { cartId })).session
    const update = { checkoutSessionId: id, expCurrentState: "Start", nextState: "Inventory" }
    yield* sessions.update(Caller.host, update)
    yield* sessions.update(Caller.host, { ...update, expCurrentState: "Inventory", nextState: "Confirm Price" })
    return id
  }).pipe(Effect.provide(Onelane.layerWithDirectory({ storage, flow, directory })))

/** What the seed of `serveArgs` has of this cart. */
const acme = (cartId: string) =>
  Effect.gen(function* () {
    const directory = yield* Directory.Directory
    yield* directory.putStore("store")
    yield* directory.putAccount({ id: "acme", active: true })
    yield* directory.putStoreMember("store", "acme")
    yield* directory.putCart({ id: cartId, storeId: "store", accountId: "acme", ownerId: "alice", status: "Active" })
  })

describe("onelane sessions release", { timeout: 120_000 }, () => {
  it.scoped("sessions release: ends an abandoned claim directly in the storage; a look at it changes nothing", () =>
    Effect.gen(function* () {
      const storage = join(yield* temporaryFolder, "checkout.db")
      const id = yield* claimed(storage, "cart-1")
      yield* Effect.promise(async () => {
        const env = { ONELANE_STORAGE: storage }
        const [before, again] = [await asked(["sessions", "show", id], env), await asked(["sessions", "show", id], env)]
        assert.deepStrictEqual(again, before)
        assert.deepInclude(before.session, { state: "Inventory", isProcessing: true, nextState: "Confirm Price" })

        const wrong = await run(["sessions", "release", id, "--operation", "op_none"], env)
        assert.deepInclude(wrong, { code: 1, stdout: "" })
        const released = await asked(["sessions", "release", id, "--reason", "the host is gone"], env)
        assert.deepInclude(released.session, { state: "Inventory", isProcessing: false, operationId: null })
        const { history } = await asked(["sessions", "show", id], env)
        assert.deepInclude(history.at(-1), {
          type: "ClaimReleased",
          operationId: before.session.operationId,
          reason: "the host is gone"
        })
        assert.strictEqual((await run(["sessions", "release", id], env)).stderr, `onelane: nothing runs in ${id}\n`)
      })
    })
  )

  it.live("sessions release: a server ends the claim in the name of the caller", () =>
    Effect.promise(() =>
      inFolder(async (folder) => {
        const id = await Effect.runPromise(claimed(join(folder, "checkout.db"), "cart-0", true))
        const server = node(serveArgs(folder))
        const env = { ONELANE_URL: await urlOf(server), ONELANE_TOKEN: "operator" }
        const forbidden = await run(["sessions", "release", id], { ...env, ONELANE_TOKEN: "alice" })
        assert.deepInclude(forbidden, { code: 1, stdout: "" })
        assert.isTrue((await asked(["sessions", "show", id], env)).session.isProcessing)
        const { code, stdout } = await run(["sessions", "release", id], env)
        assert.deepStrictEqual([code, stdout], [0, `released ${id}, it is in Inventory\n`])
        const { history } = await asked(["sessions", "show", id], env)
        assert.deepInclude(history.at(-1), {
          type: "ClaimReleased",
          by: "operator",
          reason: "released by an operator"
        })
        server.process.kill("SIGTERM")
        assert.strictEqual((await server.ended).code, 0)
      })
    )
  )
})
