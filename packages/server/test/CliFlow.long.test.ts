/** `onelane flow check` before a deploy, and `onelane sessions move` for what it finds. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Flow, Onelane } from "@onelane/sdk"
import * as PostgresServer from "@onelane/testkit/PostgresServer"
import { Effect } from "effect"
import { asked, run } from "./Command.js"
import { inFolder, node, root, serveArgs, urlOf } from "./Program.js"

const first = Flow.defineFlow({
  name: "shop",
  initial: "Cart",
  transitions: { Cart: ["Gift", "Pay"], Gift: ["Pay"], Pay: ["Done"], Done: [] },
  tasks: { Pay: { deadlineMillis: 86_400_000 } }
})

/** Live sessions in Cart, Gift and Pay, one more in Pay whose task runs, and a completed one. */
const filled = async (storage: string) => {
  const flow = first
  await using checkout = await Onelane.open({ storage, flow })
  const open = async (cartId: string, ...states: ReadonlyArray<"Gift" | "Pay" | "Done">) => {
    const { session } = await checkout.openOrThrow({ cartId, checkoutSessionId: cartId })
    let { state } = session
    for (const nextState of states) {
      const input = { checkoutSessionId: cartId, expCurrentState: state, nextState } as const
      const updated = await checkout.updateOrThrow(input as never)
      state = updated.session.state
    }
  }
  await open("in-cart")
  await open("in-gift", "Gift")
  await open("in-pay", "Pay")
  await open("paying", "Pay", "Done")
  await open("done", "Pay", "Done")
  const { operationId } = await checkout.getOrThrow({ checkoutSessionId: "done" })
  await checkout.completeTaskOrThrow({ checkoutSessionId: "done", operationId: operationId! })
}

/** A module that exports a flow, as an app has it. */
const flowModule = (folder: string, name: string, definition: object): string => {
  const path = join(folder, `${name}.mjs`)
  const checkout = pathToFileURL(join(root, "packages/checkout/dist/index.js")).href
  const text = `import { Flow } from ${JSON.stringify(checkout)}\nexport default Flow.defineFlow(${JSON.stringify(definition)})\n`
  writeFileSync(path, text)
  return path
}

const stranding = { name: "shop", version: 2, initial: "Cart", transitions: { Cart: ["Payment"], Payment: [] } }
const migrating = { ...stranding, migrate: { Gift: "Cart", Pay: "Payment", Done: "Payment" } }

describe("onelane flow check", { timeout: 120_000 }, () => {
  it("flow check: counts live sessions by state, lists stranded ones, and exits 1 if there are any", () =>
    inFolder(async (folder) => {
      const storage = join(folder, "checkout.db")
      await filled(storage)
      const env = { ONELANE_STORAGE: storage }
      const bad = flowModule(folder, "bad", stranding)
      const { code, stderr, stdout } = await run(["flow", "check", "--flow", bad, "--json"], env)
      assert.strictEqual(code, 1)
      assert.strictEqual(stderr, "onelane: 3 live sessions have no way on in flow shop, version 2\n")
      assert.deepStrictEqual(JSON.parse(stdout), {
        flow: "shop",
        version: 2,
        live: 4,
        archived: 1,
        states: [
          { state: "Cart", fate: "stays", to: "Cart", live: 1, running: 0 },
          { state: "Gift", fate: "stranded", to: "Gift", live: 1, running: 0 },
          { state: "Pay", fate: "stranded", to: "Pay", live: 1, running: 0 },
          { state: "Pay", fate: "stranded", to: "Error", live: 1, running: 1 }
        ],
        strandedCount: 3,
        stranded: [
          { checkoutSessionId: "in-gift", state: "Gift", nextState: null, why: "STATE_GONE" },
          { checkoutSessionId: "in-pay", state: "Pay", nextState: null, why: "STATE_GONE" },
          { checkoutSessionId: "paying", state: "Pay", nextState: "Done", why: "CLAIM_RETIRED" }
        ],
        becameFinal: [],
        noLongerFinal: []
      })
      const good = await asked(["flow", "check", "--flow", flowModule(folder, "good", migrating)], env)
      assert.deepInclude(good, { strandedCount: 0, becameFinal: [{ state: "Pay", live: 1 }] })
      const reopening = {
        name: "shop",
        version: 2,
        initial: "Cart",
        transitions: { ...first.transitions, Done: ["Cart"] }
      }
      const reopened = await asked(["flow", "check", "--flow", flowModule(folder, "reopening", reopening)], env)
      assert.deepInclude(reopened, { strandedCount: 0, noLongerFinal: [{ state: "Done", archived: 1 }] })
      // It has changed nothing: the next look says the same.
      const again = await run(["flow", "check", "--flow", bad, "--json"], env)
      assert.strictEqual(again.stdout, stdout)
    }))

  it("flow check: exits 2 on wrong arguments and 1 if the storage does not exist", () =>
    inFolder(async (folder) => {
      const storage = join(folder, "none.db")
      const unknown = await run(["flow", "check", "--storage", storage, "--flow", "nowhere"])
      assert.deepInclude(unknown, { code: 2, stdout: "" })
      assert.include(unknown.stderr, "no such flow")
      const path = join(folder, "empty.mjs")
      writeFileSync(path, "export const nothing = 1\n")
      const none = await run(["flow", "check", "--storage", storage, "--flow", path])
      assert.strictEqual(none.code, 2)
      assert.include(none.stderr, "exports no flow")
      const absent = await run(["flow", "check", "--storage", storage])
      assert.deepInclude(absent, { code: 1, stdout: "" })
      assert.include(absent.stderr, "there is no")
    }))

  it("sessions move: an operator moves a stranded session directly in the storage", () =>
    inFolder(async (folder) => {
      const storage = join(folder, "checkout.db")
      await filled(storage)
      const env = { ONELANE_STORAGE: storage }
      const flow = flowModule(folder, "next", stranding)
      const move = (...more: ReadonlyArray<string>) => ["sessions", "move", "in-gift", "--to", ...more]
      assert.strictEqual((await run(move("Cart"), env)).code, 2)
      const wrong = await run(move("Nowhere", "--flow", flow), env)
      assert.deepInclude(wrong, { code: 1, stdout: "" })
      assert.include(wrong.stderr, "state must be one of: Cart, Payment")
      const moved = await asked(move("Cart", "--flow", flow, "--reason", "no more gifts"), env)
      assert.deepInclude(moved.session, { state: "Cart", version: 3 })
      const { history } = await asked(["sessions", "show", "in-gift"], env)
      assert.deepInclude(history.at(-1), { type: "Moved", by: "host", reason: "no more gifts" })
    }))

  it("flow check: reads PostgreSQL while an application uses it", () =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const server = yield* PostgresServer.make()
          const storage = yield* server.makePlace
          yield* Effect.promise(() =>
            inFolder(async (folder) => {
              const server = node([...serveArgs(folder), "--storage", storage])
              await using checkout = await Onelane.connect({ url: await urlOf(server), token: "alice" })
              const { session } = await checkout.openOrThrow({ cartId: "cart-0" })
              const flow = flowModule(folder, "next", stranding)
              const looked = await run(["flow", "check", "--flow", flow, "--json"], { ONELANE_STORAGE: storage })
              assert.strictEqual(looked.code, 1)
              assert.deepInclude(JSON.parse(looked.stdout), { live: 1, strandedCount: 1 })
              const update = {
                checkoutSessionId: session.id,
                expCurrentState: "Start",
                nextState: "Inventory"
              } as const
              await checkout.updateOrThrow(update)
              server.process.kill("SIGTERM")
              await server.ended
            })
          )
        })
      )
    ))
})
