import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Caller, CheckoutSessions, Directory, Flow, Onelane, OnelaneError } from "@onelane/sdk"
import { Effect } from "effect"
import { inFolder, tagOf, toInventory } from "./fixture.js"

describe("Onelane.open", () => {
  it("answers a call with its value or its typed error, and never rejects on a refusal", async () => {
    await using checkout = await Onelane.open({ storage: ":memory:" })
    const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
    const answers = await Promise.all([
      checkout.update(toInventory(session.id)),
      checkout.update(toInventory(session.id))
    ])
    assert.deepStrictEqual(answers.map(({ ok }) => ok).sort(), [false, true])
    const lost = answers.find((answer) => !answer.ok)
    if (lost === undefined || lost.ok || lost.error._tag !== "ExpectedStateMismatch") return assert.fail("no loser")
    assert.strictEqual(lost.error.current.state, "Inventory")
  })

  it("throws a real Error that carries the typed one, where throwing is asked for", async () => {
    await using checkout = await Onelane.open({ storage: ":memory:" })
    const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
    await checkout.updateOrThrow(toInventory(session.id))
    try {
      await checkout.updateOrThrow(toInventory(session.id))
      assert.fail("it was accepted twice")
    } catch (thrown) {
      if (!(thrown instanceof OnelaneError)) throw thrown
      assert.instanceOf(thrown, Error)
      const { applied, current, error, name, reason, tag } = thrown
      assert.deepStrictEqual([name, tag, reason, applied], ["OnelaneError", error._tag, "STATE_MISMATCH", "no"])
      assert.strictEqual(current?.state, "Inventory")
    }
  })

  it("keeps every acknowledged update in its file", () =>
    inFolder(async (storage) => {
      const first = await Onelane.open({ storage })
      const { session } = await first.openOrThrow({ cartId: "cart-1" })
      await first.updateOrThrow(toInventory(session.id))
      await first.close()
      await using again = await Onelane.open({ storage })
      const read = await again.getOrThrow({ checkoutSessionId: session.id })
      assert.strictEqual(read.state, "Inventory")
      assert.strictEqual((await again.openOrThrow({ cartId: "cart-1" })).session.id, session.id)
    }))

  it("says why a file cannot be opened", async () => {
    try {
      await Onelane.open({ storage: join(tmpdir(), "onelane-no-such-folder", "checkout.db") })
      assert.fail("it opened")
    } catch (error) {
      assert.strictEqual((error as { readonly _tag: string })._tag, "DatabaseRefused")
    }
  })

  it("refuses a flow it does not know", async () => {
    const rejected = await Onelane.open({ storage: ":memory:", flow: "b2c" as "b2b" }).catch(String)
    assert.match(String(rejected), /^TypeError: Onelane.open: flow must be the name of a preset \(b2b, /)
  })

  it("answers calls after close at once, certainly not applied", async () => {
    const checkout = await Onelane.open({ storage: ":memory:" })
    await checkout.close()
    await checkout.close()
    const late = await checkout.open({ cartId: "cart-1" })
    assert.deepInclude(late.ok ? {} : late.error, { _tag: "Overloaded", reason: "DRAINING", applied: "no" })
  })

  it("runs a flow of the host's own, with the host's work between its states", async () => {
    const flow = Flow.defineFlow({
      name: "short",
      initial: "Basket",
      transitions: { Basket: ["Pay"], Pay: ["Done"], Done: [] },
      tasks: { Pay: {} }
    })
    await using checkout = await Onelane.open({ storage: ":memory:", flow })
    const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
    const checkoutSessionId = session.id
    await checkout.updateOrThrow({ checkoutSessionId, expCurrentState: "Basket", nextState: "Pay" })
    const paying = await checkout.updateOrThrow({ checkoutSessionId, expCurrentState: "Pay", nextState: "Done" })
    const operationId = paying.session.operationId!
    const busy = await checkout.update({ checkoutSessionId, expCurrentState: "Pay", nextState: "Done" })
    assert.strictEqual(tagOf(busy), "SessionProcessing")
    const done = await checkout.completeTaskOrThrow({ checkoutSessionId, operationId, orderId: "order-1" })
    assert.deepInclude(done.session, { state: "Done", orderId: "order-1", isArchived: true })
    assert.strictEqual(
      tagOf(await checkout.failTask({ checkoutSessionId, operationId, code: "X" })),
      "OperationNotCurrent"
    )
    const released = await checkout.releaseClaim({ checkoutSessionId, operationId, reason: "late" })
    assert.strictEqual(tagOf(released), "OperationNotCurrent")
  })
})

describe("changes", () => {
  it("iterates over what was and what comes, and ends with the session", async () => {
    await using checkout = await Onelane.open({ storage: ":memory:" })
    const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
    const seen: Array<string> = []
    for await (const { type } of checkout.changes({ checkoutSessionId: session.id, afterVersion: 0 })) {
      seen.push(type)
      if (type === "Opened") await checkout.updateOrThrow(toInventory(session.id))
      if (type === "Updated") await checkout.cancelOrThrow({ checkoutSessionId: session.id })
    }
    assert.deepStrictEqual(seen, ["Opened", "Updated", "Cancelled"])
    const history = await checkout.historyOrThrow({ checkoutSessionId: session.id })
    assert.deepStrictEqual(
      history.map(({ type }) => type),
      seen
    )
  })

  it("ends when its signal fires, and throws an OnelaneError where a call would refuse", async () => {
    await using checkout = await Onelane.open({ storage: ":memory:" })
    const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
    const abort = new AbortController()
    const input = { checkoutSessionId: session.id, afterVersion: 0 }
    let entries = 0
    for await (const _ of checkout.changes(input, { signal: abort.signal })) {
      entries++
      abort.abort()
    }
    assert.strictEqual(entries, 1)
    try {
      for await (const _ of checkout.changes({ checkoutSessionId: "cs_none" })) assert.fail("there is no such session")
      assert.fail("it ended without a word")
    } catch (thrown) {
      assert.strictEqual(thrown instanceof OnelaneError && thrown.tag, "SessionInaccessible")
    }
  })
})

describe("signal", () => {
  it("aborted before the call: certainly not applied", async () => {
    await using checkout = await Onelane.open({ storage: ":memory:" })
    const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
    const answer = await checkout.update(toInventory(session.id), { signal: AbortSignal.abort() })
    assert.deepInclude(answer.ok ? {} : answer.error, { _tag: "Aborted", applied: "no" })
    assert.strictEqual((await checkout.getOrThrow({ checkoutSessionId: session.id })).version, 1)
  })

  it("aborted while its turn waits for a port: in doubt, and the same key settles it", async () => {
    const abort = new AbortController()
    let asked = 0
    await using checkout = await Onelane.open({
      storage: ":memory:",
      carts: {
        find: async (id) => {
          if (++asked === 2) abort.abort()
          await new Promise((resolve) => setImmediate(resolve))
          return { id, storeId: "store", accountId: "account", ownerId: "host", status: "Active" }
        }
      }
    })
    const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
    asked = 1
    const update = { ...toInventory(session.id), idempotencyKey: "mine" }
    const left = await checkout.update(update, { signal: abort.signal })
    assert.deepInclude(left.ok ? {} : left.error, { _tag: "Aborted", applied: "unknown" })
    const settled = await checkout.updateOrThrow(update)
    assert.strictEqual(settled.session.state, "Inventory")
    assert.strictEqual((await checkout.getOrThrow({ checkoutSessionId: session.id })).version, 2)
  })
})

describe("Onelane.layer", () => {
  it.effect("provides the same service to an Effect program", () =>
    Effect.gen(function* () {
      const sessions = yield* CheckoutSessions.CheckoutSessions
      const { session } = yield* sessions.open(Caller.host, { cartId: "cart-1" })
      const { replayed } = yield* sessions.update(Caller.host, toInventory(session.id))
      assert.isFalse(replayed)
    }).pipe(Effect.provide(Onelane.layer({ storage: ":memory:" })))
  )

  it.effect("provides the directory with it, where it is kept", () =>
    Effect.gen(function* () {
      const sessions = yield* CheckoutSessions.CheckoutSessions
      yield* (yield* Directory.Directory).putUser({ id: "ann", roles: ["buyer-checkout"] })
      const refused = yield* Effect.flip(sessions.open(Caller.make("ann", []), { cartId: "cart-1" }))
      assert.strictEqual(refused._tag, "SessionInaccessible")
    }).pipe(Effect.provide(Onelane.layerWithDirectory({ storage: ":memory:", directory: true })))
  )
})
