import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { type Access, Caller, CheckoutSessions, Directory, Flow, Onelane, OnelaneError } from "@onelane/sdk"
import { Effect } from "effect"
import { vi } from "vitest"

const inFolder = async (test: (file: string) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "onelane-sdk-"))
  try {
    await test(join(folder, "checkout.db"))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const toInventory = (checkoutSessionId: string) =>
  ({ checkoutSessionId, expCurrentState: "Start", nextState: "Inventory" }) as const

const tagOf = (answer: { readonly ok: boolean; readonly error?: { readonly _tag: string } }) =>
  answer.ok ? "ok" : answer.error?._tag

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

  it("refuses options that are none, by name and without showing what they were", async () => {
    const whyNot = (given: object | undefined) => Onelane.open(given as { readonly storage: string }).then(fail, String)
    const fail = () => "it opened"
    const storage = ":memory:"
    assert.match(await whyNot(undefined), /^TypeError: Onelane.open: an object of options is missing/)
    assert.match(await whyNot({}), /storage must be text/)
    assert.match(await whyNot({ storage, flwo: "b2b" }), /there is no flwo; there are storage, flow, /)
    assert.match(await whyNot({ storage, expiresInMillis: "5" }), /expiresInMillis must be a whole number from 1 to /)
    assert.match(await whyNot({ storage, retry: { limit: Number.NaN } }), /retry must be an object with limit, a whole/)
    assert.match(await whyNot({ storage, retry: { limits: 1 } }), /retry must be/)
    assert.match(await whyNot({ storage, access: {} }), /access must be an object with mayInvoke\(\) and rights\(\)/)
    assert.match(await whyNot({ storage, flow: {} }), /flow must be the name of a preset/)
    const token = "secret secret"
    const connected = await Onelane.connect({ url: "http://127.0.0.1", token }).then(fail, String)
    assert.strictEqual(connected, "TypeError: Onelane.connect: token must be text of printable ASCII without spaces")
    for (const url of ["checkout.example", "ftp://checkout.example"])
      assert.match(await Onelane.connect({ url, token: "t" }).then(fail, String), /url must be an http or https URL/)
  })

  it("speaks for nobody who is no caller", async () => {
    await using checkout = await Onelane.open({ storage: ":memory:" })
    const as = (caller: object) => () => checkout.as(caller as Caller.Caller)
    assert.throws(as({ userId: "ann" }), "as: roles must be a list of ")
    assert.throws(as({ ...Caller.host, roles: ["admin"] }), "as: roles must be a list of ")
    assert.throws(as({ ...Caller.host, userId: "" }), "as: userId must be text")
  })

  it("refuses a flow it does not know", async () => {
    const rejected = await Onelane.open({ storage: ":memory:", flow: "b2c" as "b2b" }).catch(String)
    assert.strictEqual(rejected, 'TypeError: no such flow: "b2c"')
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

describe("the iterator of changes", () => {
  const iteratorOf = async (checkout: Awaited<ReturnType<typeof Onelane.open<"b2b">>>) => {
    const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
    const changes = checkout.changes({ checkoutSessionId: session.id, afterVersion: 0 })[Symbol.asyncIterator]()
    return { session, changes }
  }
  const end = { done: true, value: undefined } as const

  it("answers who waits when it is left, and whoever asks then", async () => {
    await using checkout = await Onelane.open({ storage: ":memory:" })
    const { changes } = await iteratorOf(checkout)
    assert.deepInclude((await changes.next()).value, { type: "Opened" })
    const waiting = changes.next()
    assert.deepStrictEqual(await changes.return!(), end)
    assert.deepStrictEqual(await waiting, end)
    assert.deepStrictEqual(await changes.next(), end)
  })

  it("answers in order who asks at the same time, and after the end", async () => {
    await using checkout = await Onelane.open({ storage: ":memory:" })
    const { changes, session } = await iteratorOf(checkout)
    const answers = Promise.all([changes.next(), changes.next(), changes.next(), changes.next()])
    await checkout.updateOrThrow(toInventory(session.id))
    await checkout.cancelOrThrow({ checkoutSessionId: session.id })
    const types = (await answers).map(({ done, value }) => (done ? "end" : value.type))
    assert.deepStrictEqual(types, ["Opened", "Updated", "Cancelled", "end"])
    assert.deepStrictEqual(await changes.next(), end)
  })

  it("throws once where a call would refuse, and is over then", async () => {
    await using checkout = await Onelane.open({ storage: ":memory:" })
    const changes = checkout.changes({ checkoutSessionId: "cs_none" })[Symbol.asyncIterator]()
    assert.match(await changes.next().then(String, String), /^OnelaneError: SessionInaccessible/)
    assert.deepStrictEqual(await changes.next(), end)
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

describe("ports", () => {
  const rights: Access.Rights = { mayInvoke: true, maySee: true, accountAccessible: true, storeMember: true }

  it("a host's own rules and carts decide, as values, Promises or Effects", async () => {
    await using checkout = await Onelane.open({
      storage: ":memory:",
      access: {
        mayInvoke: (caller) => caller.userId !== "eve",
        rights: async (caller, _, { storeId }) => ({ ...rights, storeMember: storeId === caller.userId })
      },
      carts: {
        find: (id) =>
          Effect.succeed({
            id,
            storeId: "ann",
            accountId: "a",
            ownerId: "ann",
            status: id === "sold" ? "Closed" : "Active"
          })
      }
    })
    const as = (userId: string) => checkout.as(Caller.make(userId, []))
    assert.strictEqual(tagOf(await as("ann").open({ cartId: "cart-1" })), "ok")
    assert.strictEqual(tagOf(await as("ann").open({ cartId: "sold" })), "CartNotUpdatable")
    assert.strictEqual(tagOf(await as("eve").open({ cartId: "cart-1" })), "ActionNotPermitted")
    assert.strictEqual(tagOf(await as("bob").open({ cartId: "cart-1" })), "NotStoreMember")
  })

  it("a port that throws or rejects gives no answer, and nothing is written", async () => {
    let broken: "throws" | "rejects" | false = "throws"
    await using checkout = await Onelane.open({
      storage: ":memory:",
      retry: { limit: 1, baseMillis: 1, maxMillis: 1 },
      carts: {
        find: (id) => {
          if (broken === "throws") throw new Error("down")
          if (broken === "rejects") return Promise.reject(new Error("down"))
          return { id, storeId: "store", accountId: "account", ownerId: "host", status: "Active" as const }
        }
      }
    })
    for (broken of ["throws", "rejects"] as const) {
      const answer = await checkout.open({ cartId: "cart-1" })
      assert.deepInclude(answer.ok ? {} : answer.error, { _tag: "StorageUnavailable", applied: "no" })
    }
    broken = false
    assert.isTrue((await checkout.openOrThrow({ cartId: "cart-1" })).created)
  })

  it("takes no cart for no cart, and any other shape for no answer, which the log explains", async () => {
    const lines: Array<string> = []
    const answers: { cart: unknown; rights: unknown } = { cart: undefined, rights }
    const ports = {
      carts: { find: () => answers.cart as undefined },
      access: { mayInvoke: () => true, rights: () => answers.rights as Access.Rights }
    }
    await using checkout = await Onelane.open({ storage: ":memory:", retry: { limit: 0 }, ...ports })
    const open = () => checkout.open({ cartId: "cart-1" }).then(tagOf)
    assert.strictEqual(await open(), "SessionInaccessible")
    const cart = { storeId: "store", accountId: "acme", ownerId: "ann", status: "Active" }
    const spy = vi.spyOn(console, "log").mockImplementation((line) => void lines.push(String(line)))
    try {
      answers.cart = { ...cart, status: "Sold" }
      assert.strictEqual(await open(), "StorageUnavailable")
      answers.cart = cart
      answers.rights = { ...rights, storeMember: "yes" }
      assert.strictEqual(await open(), "StorageUnavailable")
      await new Promise((resolve) => setTimeout(resolve, 20))
    } finally {
      spy.mockRestore()
    }
    assert.match(lines.join("\n"), /carts.find must answer null or an object of storeId/)
    assert.match(lines.join("\n"), /access.rights must answer an object of mayInvoke/)
    answers.rights = rights
    assert.strictEqual(await open(), "ok")
  })

  for (const where of ["in memory", "in the file"]) {
    it(`the directory kept ${where} says who may do what`, () =>
      inFolder(async (file) => {
        const storage = where === "in memory" ? ":memory:" : file
        await using checkout = await Onelane.open({ storage, directory: true })
        const { directory } = checkout
        await directory.putStore("store")
        await directory.putAccount({ id: "acme", active: true })
        await directory.putStoreMember("store", "acme")
        await directory.putUser({ id: "ann", roles: ["buyer-checkout"] })
        await directory.putAccountMember("acme", "ann")
        const cart = { storeId: "store", accountId: "acme", ownerId: "ann", status: "Active" } as const
        await directory.putCart({ id: "cart-1", ...cart })
        const ann = checkout.as(Caller.make("ann", []))
        const { session } = await ann.openOrThrow({ cartId: "cart-1" })
        assert.strictEqual(session.ownerId, "ann")
        await directory.removeAccountMember("acme", "ann")
        assert.strictEqual(tagOf(await ann.update(toInventory(session.id))), "AccountInaccessible")
        assert.strictEqual(await directory.setCartStatus("none", "Closed").catch(() => "unknown"), "unknown")
        assert.strictEqual(existsSync(file), where === "in the file")
      }))
  }
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
