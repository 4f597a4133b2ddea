import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { classify } from "../src/sqlite/SqliteFailure.js"
import * as SqliteWriterThread from "../src/sqlite/SqliteWriterThread.js"
import { temporaryFile } from "./TemporaryFile.js"

const settings = { busyTimeoutMillis: 100, cacheMebibytes: 1, checkpointPages: 100 }
const large = ["x".repeat(20_000)]

const writer = (filename: string, more: Partial<SqliteWriterThread.Options> = {}) => {
  const told: Array<boolean> = []
  const options = { start: { filename, settings }, always: false, onReady: (ready: boolean) => told.push(ready) }
  return { told, ...SqliteWriterThread.make({ ...options, ...more }) }
}

const program = (name: string): string => fileURLToPath(new URL(`./programs/${name}`, import.meta.url))

describe("SqliteWriterThread", () => {
  it.scoped("nothing waits for a thread that starts, and only what is large goes there", () =>
    Effect.gen(function* () {
      const it = writer(yield* temporaryFile)
      assert.isFalse(it.takes(["small"]))
      assert.isFalse(it.takes(large))
      yield* Effect.async<void>((resume) => {
        const look = (): void => void (it.takes(large) ? resume(Effect.void) : setImmediate(look))
        look()
      })
      assert.isFalse(it.takes(["small"]))
      assert.deepStrictEqual(yield* it.run("SELECT length(?) AS length", large), [{ length: 20_000 }])
      yield* it.close
      assert.isFalse(it.takes(large))
    })
  )

  it.scoped("small commits go apart when they hold the loop for long, and every so often", () =>
    Effect.gen(function* () {
      const slow = writer(yield* temporaryFile)
      yield* slow.begin
      for (const _ of Array.from({ length: 20 })) slow.stayed(50)
      assert.isTrue(slow.takes(["small"]))
      for (const _ of Array.from({ length: 40 })) yield* slow.run("SELECT 1", ["small"].slice(1))
      assert.isFalse(slow.takes(["small"]))
      for (const _ of Array.from({ length: 1_000 })) slow.stayed(0.1)
      assert.isTrue(slow.takes(["small"]))
      yield* slow.close
    })
  )

  it.scoped("a thread that ends leaves what it was asked unknown, and is not asked again", () =>
    Effect.gen(function* () {
      const it = writer(yield* temporaryFile, { program: program("thread-that-ends.mjs") })
      yield* it.begin
      assert.isTrue(it.takes(large))
      const { cause } = yield* Effect.flip(it.run("SELECT 1", []))
      assert.deepStrictEqual(classify(cause), { reason: "THREAD_ENDED", applied: "unknown", fences: true })
      assert.deepStrictEqual(it.told, [true, false])
      assert.isFalse(it.takes(large))
      const later = yield* Effect.flip(it.run("SELECT 1", []))
      assert.deepInclude(classify(later.cause), { reason: "CLOSED", applied: "no" })
      yield* it.close
    })
  )

  it.effect("a thread that cannot begin is done without", () =>
    Effect.gen(function* () {
      for (const more of [{}, { program: program("no-such-program.mjs") }]) {
        const it = writer("/no/such/directory/onelane.db", more)
        yield* it.begin
        assert.deepStrictEqual(it.told, [false])
        assert.isFalse(it.takes(large))
        yield* it.close
      }
    })
  )
})
