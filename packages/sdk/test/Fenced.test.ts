import { closeSync, openSync, readdirSync, readlinkSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { type CheckoutError, Onelane } from "@onelane/sdk"
import { Effect } from "effect"
import { inFolder, toInventory } from "./fixture.js"

const target = (descriptor: string): string | undefined => {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`)
  } catch {
    return undefined
  }
}

const descriptorsOf = (log: string): ReadonlyArray<number> =>
  readdirSync("/proc/self/fd")
    .filter((each) => target(each) === log)
    .map(Number)

/** Makes every write to the log fail, while what it holds can be read. Linux only, as `/proc` is. */
const breakWrites = async (log: string): Promise<void> => {
  // On a slow disk a thread with a connection of its own begins to write: one that is starting has opened the log then.
  let descriptors: ReadonlyArray<number> = []
  for (let found = descriptorsOf(log); `${found}` !== `${descriptors}`; found = descriptorsOf(log)) {
    descriptors = found
    await Effect.runPromise(Effect.sleep(300))
  }
  assert.isNotEmpty(descriptors)
  for (const descriptor of descriptors) {
    closeSync(descriptor)
    assert.strictEqual(openSync(log, "r"), descriptor)
  }
}

const errorOf = (answer: { readonly ok: boolean; readonly error?: unknown }) =>
  answer.error as CheckoutError.CheckoutError

describe("a file whose disk failed", () => {
  for (const directory of [false, true]) {
    it(`answers FENCED at once and for good ${directory ? "with" : "without"} a directory`, () =>
      inFolder(async (storage) => {
        await using checkout = await Onelane.open({ storage, directory })
        if ("directory" in checkout) {
          const cart = { storeId: "store", accountId: "acme", ownerId: "ann", status: "Active" } as const
          await checkout.directory.putStore("store")
          await checkout.directory.putAccount({ id: "acme", active: true })
          await checkout.directory.putStoreMember("store", "acme")
          await checkout.directory.putCart({ id: "cart-1", ...cart })
        }
        const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
        const { id: checkoutSessionId } = session
        // What is written behind the commit is there: the next write is the update.
        while ((await checkout.sessionsOrThrow({ cartId: "cart-1" })).sessions.length === 0)
          await Effect.runPromise(Effect.sleep(20))
        await breakWrites(`${storage}-wal`)
        // Under a key of the caller's own the SDK may ask again, and is told that the store is fenced: still unknown.
        const lost = errorOf(await checkout.update({ ...toInventory(checkoutSessionId), idempotencyKey: "mine" }))
        assert.deepInclude(lost, {
          ...{ _tag: "StorageUnavailable", reason: "OUTCOME_UNKNOWN", applied: "unknown" },
          ...{ retryable: false, idempotencyKey: "mine" }
        })
        assert.deepInclude(lost._tag === "StorageUnavailable" ? lost.last : {}, { reason: "FENCED", applied: "no" })
        const beganAtMillis = performance.now()
        const answers = await Promise.all([
          checkout.update(toInventory(checkoutSessionId)),
          checkout.update(toInventory(checkoutSessionId), { signal: new AbortController().signal }),
          checkout.get({ checkoutSessionId }),
          checkout.history({ checkoutSessionId }),
          checkout.cancel({ checkoutSessionId }),
          checkout.open({ cartId: "cart-2" }),
          checkout.completeTask({ checkoutSessionId, operationId: "op_1" })
        ])
        assert.isBelow(performance.now() - beganAtMillis, 2_000)
        for (const answer of answers)
          assert.deepInclude(errorOf(answer), {
            ...{ _tag: "StorageUnavailable", reason: "FENCED", applied: "no", retryable: false }
          })
      }))
  }
})
