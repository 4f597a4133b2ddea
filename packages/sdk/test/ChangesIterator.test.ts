import { copyFileSync, rmSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Caller, CheckoutSessions } from "@onelane/checkout"
import { Onelane } from "@onelane/sdk"
import { Effect, Stream } from "effect"
import { inFolder, toInventory } from "./fixture.js"

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

  it("throws VersionAhead at once where the store was restored to an older version, over both doors", () =>
    inFolder(async (file) => {
      const storage = { storage: file }
      let checkoutSessionId = ""
      {
        await using checkout = await Onelane.open(storage)
        checkoutSessionId = (await checkout.openOrThrow({ cartId: "cart-1" })).session.id
      }
      copyFileSync(file, `${file}.backup`)
      {
        await using checkout = await Onelane.open(storage)
        await checkout.updateOrThrow(toInventory(checkoutSessionId))
      }
      for (const end of ["-wal", "-shm"]) rmSync(file + end, { force: true })
      copyFileSync(`${file}.backup`, file)
      const seen = { checkoutSessionId, afterVersion: 2 }
      {
        await using checkout = await Onelane.open(storage)
        const changes = checkout.changes(seen)[Symbol.asyncIterator]()
        assert.match(await changes.next().then(String, String), /^OnelaneError: VersionAhead/)
        const { error } = (await checkout.history(seen)) as { readonly error?: object }
        assert.deepInclude(error, { _tag: "VersionAhead", retryable: false })
      }
      const followed = Effect.flatMap(CheckoutSessions.CheckoutSessions, (sessions) =>
        Effect.flip(Stream.runCollect(sessions.changes(Caller.host, seen)))
      )
      const refused = await Effect.runPromise(Effect.provide(followed, Onelane.layer(storage)))
      assert.deepInclude(refused, { _tag: "VersionAhead" })
      assert.deepInclude("current" in refused && refused.current, { version: 1 })
    }))

  it("throws once where a call would refuse, and is over then", async () => {
    await using checkout = await Onelane.open({ storage: ":memory:" })
    const changes = checkout.changes({ checkoutSessionId: "cs_none" })[Symbol.asyncIterator]()
    assert.match(await changes.next().then(String, String), /^OnelaneError: SessionInaccessible/)
    assert.deepStrictEqual(await changes.next(), end)
  })

  it("hands out no entry of a page it has read once the right to read it is gone", async () => {
    const now = { maySee: true }
    const rights = () => ({ mayInvoke: true, maySee: now.maySee, accountAccessible: true, storeMember: true })
    await using checkout = await Onelane.open({ storage: ":memory:", access: { mayInvoke: () => true, rights } })
    const { changes, session } = await iteratorOf(checkout)
    await checkout.updateOrThrow(toInventory(session.id))
    assert.deepInclude((await changes.next()).value, { type: "Opened" })
    now.maySee = false
    assert.match(await changes.next().then(String, String), /^OnelaneError: SessionInaccessible/)
    assert.deepStrictEqual(await changes.next(), end)
  })

  it("waits for a port that gives no answer for a moment, without losing or repeating an entry", async () => {
    const now = { broken: false }
    const rights = () => {
      if (now.broken) throw new Error("down")
      return { mayInvoke: true, maySee: true, accountAccessible: true, storeMember: true }
    }
    const retry = { limit: 100, baseMillis: 1, maxMillis: 2 }
    await using checkout = await Onelane.open({ storage: ":memory:", retry, access: { mayInvoke: () => true, rights } })
    const { changes, session } = await iteratorOf(checkout)
    await checkout.updateOrThrow(toInventory(session.id))
    assert.deepInclude((await changes.next()).value, { type: "Opened" })
    now.broken = true
    const second = changes.next()
    await new Promise((resolve) => setImmediate(resolve))
    now.broken = false
    assert.deepInclude((await second).value, { type: "Updated", version: 2 })
    await checkout.cancelOrThrow({ checkoutSessionId: session.id })
    assert.deepInclude((await changes.next()).value, { type: "Cancelled", version: 3 })
    assert.deepStrictEqual(await changes.next(), end)
  })

  it("is done when the signal aborts: who waits, whoever asks then, and where it was aborted before", async () => {
    await using checkout = await Onelane.open({ storage: ":memory:" })
    const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
    const abort = new AbortController()
    const input = { checkoutSessionId: session.id }
    const changes = checkout.changes(input, { signal: abort.signal })[Symbol.asyncIterator]()
    const waiting = [changes.next(), changes.next()]
    await new Promise((resolve) => setImmediate(resolve))
    abort.abort()
    assert.deepStrictEqual(await Promise.all(waiting), [end, end])
    const late = checkout.changes({ ...input, afterVersion: 0 }, { signal: abort.signal })[Symbol.asyncIterator]()
    assert.deepStrictEqual(await late.next(), end)
  })
})
