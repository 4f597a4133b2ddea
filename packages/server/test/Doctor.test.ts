import { chmodSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Access, Caller, Carts, CheckoutEngine, CheckoutSessions } from "@onelane/checkout"
import { JournalSql, Statements } from "@onelane/sql"
import { Effect, Layer, TestClock } from "effect"
import * as Doctor from "../src/operations/Doctor.js"
import * as Store from "../src/serve/Store.js"
import { temporaryFolder } from "./Program.js"

const nowMillis = Date.UTC(2026, 5, 1)

const resultsOf = (findings: ReadonlyArray<Doctor.Finding>) =>
  Object.fromEntries(findings.map(({ check, result }) => [check, result]))

const openOne = Effect.flatMap(CheckoutSessions.CheckoutSessions, (sessions) =>
  sessions.open(Caller.host, { cartId: "cart" })
)

const engineOn = (storage: string) =>
  CheckoutEngine.layer().pipe(
    Layer.provide(JournalSql.layer),
    Layer.provide(Store.client(storage)),
    Layer.provide(Layer.merge(Access.layerTrusted, Carts.layerTrusted))
  )

describe("Doctor", () => {
  it("doctor: a Node version that is too old fails", () => {
    assert.strictEqual(Doctor.node("v20.19.0").result, "ok")
    assert.strictEqual(Doctor.node("v24.1.0").result, "ok")
    assert.strictEqual(Doctor.node("v20.18.3").result, "failed")
    assert.strictEqual(Doctor.node("v18.20.0").result, "failed")
  })

  it("doctor: a clock behind the newest stored time or behind this release fails", () => {
    assert.strictEqual(Doctor.clock(nowMillis, null).result, "ok")
    assert.strictEqual(Doctor.clock(nowMillis, nowMillis + 1_000).result, "ok")
    assert.strictEqual(Doctor.clock(nowMillis, nowMillis + 60_000).result, "failed")
    assert.strictEqual(Doctor.clock(0, null).result, "failed")
  })

  it.scoped("doctor: a file that others can open is a warning, a missing file fails", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "store.db")
      assert.strictEqual(Doctor.permissions(path).result, "failed")
      writeFileSync(path, "")
      chmodSync(path, 0o644)
      assert.strictEqual(Doctor.permissions(path).result, "warning")
      chmodSync(path, 0o600)
      assert.strictEqual(Doctor.permissions(path).result, "ok")
    })
  )

  it.scoped("doctor: measures a real sync in the storage's folder and leaves no file", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      assert.match(Doctor.sync(join(folder, "store.db")).found, /^a sync takes \d+\.\d\d ms/)
      assert.strictEqual(Doctor.sync(join(folder, "none", "store.db")).result, "failed")
    })
  )

  it.scoped("doctor: a sound storage passes, any other one does not", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const storage = join(folder, "store.db")
      assert.strictEqual(resultsOf(yield* Doctor.examine(storage)).storage, "failed")

      yield* TestClock.setTime(nowMillis)
      yield* Effect.provide(openOne, engineOn(storage))
      const sound = resultsOf(yield* Doctor.examine(storage))
      assert.deepInclude(sound, { node: "ok", storage: "ok", integrity: "ok", tables: "ok", clock: "ok" })

      yield* TestClock.setTime(nowMillis - 3_600_000)
      assert.strictEqual(resultsOf(yield* Doctor.examine(storage)).clock, "failed")

      const text = join(folder, "text.db")
      writeFileSync(text, "this is no database, and it is long enough to be looked at ".repeat(20))
      assert.strictEqual(resultsOf(yield* Doctor.examine(text)).storage, "failed")
    })
  )

  it.scoped("doctor: reports damage and missing tables, and what to do", () =>
    Effect.gen(function* () {
      const storage = join(yield* temporaryFolder, "store.db")
      const filled = Effect.forEach(Array.from({ length: 40 }).keys(), (n) =>
        Effect.flatMap(CheckoutSessions.CheckoutSessions, (sessions) =>
          sessions.open(Caller.host, { cartId: `cart-${n}-${"x".repeat(200)}` })
        )
      )
      yield* TestClock.setTime(nowMillis)
      yield* Effect.provide(filled, engineOn(storage))
      const sound = readFileSync(storage)
      yield* Effect.provide(
        Effect.flatMap(Statements.Statements, ({ write }) => write("DROP TABLE api_keys", [])),
        Store.client(storage)
      )
      const lacking = (yield* Doctor.examine(storage)).find(({ check }) => check === "integrity")
      assert.strictEqual(lacking?.result, "failed")
      assert.match(lacking?.found ?? "", /a table is missing: api_keys.*onelane restore/)

      writeFileSync(storage, Buffer.concat([sound.subarray(0, 30 * 4_096), sound.subarray(30 * 4_096).fill(0xa5)]))
      const damaged = (yield* Doctor.examine(storage)).find(({ result }) => result === "failed")
      assert.match(damaged?.found ?? "", /damaged.*(onelane restore|restore it)/s)
    })
  )

  it("doctor: a store in a newer format fails and the format is named", () => {
    assert.strictEqual(Doctor.formatOf(1).result, "ok")
    const { found, result } = Doctor.formatOf(99)
    assert.strictEqual(result, "failed")
    assert.match(found, /format 99, this release knows format 1/)
  })
})
