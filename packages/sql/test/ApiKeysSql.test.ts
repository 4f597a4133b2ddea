import { assert, describe, it } from "@effect/vitest"
import { ApiKeysSql } from "@onelane/sql"
import { Effect } from "effect"
import { makePlaces } from "./Databases.js"

const places = makePlaces()

const key = (id: string, more: Partial<ApiKeysSql.ApiKey> = {}): ApiKeysSql.ApiKey => ({
  id,
  label: "nightly export",
  digest: `digest-${id}`,
  userId: "ann",
  roles: ["buyer-checkout"],
  accountId: null,
  createdAt: 1_000,
  expiresAt: null,
  revokedAt: null,
  ...more
})

for (const [where, place] of places)
  describe(`ApiKeysSql on ${where}`, () => {
    it.scoped("keeps keys over a restart, finds them by id, and revokes each once", () =>
      Effect.gen(function* () {
        const opened = Effect.provide(ApiKeysSql.layer)
        const client = Effect.provide(yield* place)
        const second = key("b", { userId: "a\0%b", accountId: "acme", expiresAt: 5_000, createdAt: 2_000, roles: [] })
        yield* Effect.gen(function* () {
          const keys = yield* ApiKeysSql.ApiKeys
          yield* keys.add(second)
          yield* keys.add(key("a"))
          assert.isTrue(yield* keys.revoke("a", 3_000))
          assert.isFalse(yield* keys.revoke("a", 4_000))
          assert.isFalse(yield* keys.revoke("none", 4_000))
          // Asked by whoever may end keys, on the wire too: an id is opaque text, even one that no key has.
          assert.isFalse(yield* keys.revoke("a\0b", 4_000))
          assert.strictEqual((yield* Effect.flip(keys.add(key("a"))))._tag, "PortUnavailable")
        }).pipe(opened, client, Effect.scoped)
        yield* Effect.gen(function* () {
          const keys = yield* ApiKeysSql.ApiKeys
          assert.deepStrictEqual(yield* keys.find("a"), key("a", { revokedAt: 3_000 }))
          assert.deepStrictEqual(yield* keys.find("b"), second)
          assert.isNull(yield* keys.find("c"))
          assert.isNull(yield* keys.find("a\0b"))
          assert.deepStrictEqual(yield* keys.list, [key("a", { revokedAt: 3_000 }), second])
        }).pipe(opened, client, Effect.scoped)
      })
    )
  })
