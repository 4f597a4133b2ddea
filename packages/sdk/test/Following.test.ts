import { assert, describe, it } from "@effect/vitest"
import { Onelane } from "@onelane/sdk"
import { toInventory } from "./fixture.js"

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
