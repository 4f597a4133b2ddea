import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Rows } from "../src/journal/Statements.js"
import * as SqliteDriver from "../src/sqlite/SqliteDriver.js"
import { classify } from "../src/sqlite/SqliteFailure.js"
import * as SqliteWriterThread from "../src/sqlite/SqliteWriterThread.js"
import { temporaryFile } from "./TemporaryFile.js"

const settings = { busyTimeoutMillis: 100, cacheMebibytes: 1, checkpointPages: 100 }
const large = ["x".repeat(20_000)]

const { origin } = await SqliteDriver.load()

const writer = (filename: string, more: Partial<SqliteWriterThread.Options> = {}) => {
  const told: Array<boolean> = []
  const absent: Array<unknown> = []
  const options: SqliteWriterThread.Options = {
    start: { filename, origin, settings },
    always: false,
    onReady: (ready) => told.push(ready),
    onAbsent: (cause) => absent.push(cause)
  }
  return { told, absent, ...SqliteWriterThread.make({ ...options, ...more }) }
}

const run = ({ run }: SqliteWriterThread.SqliteWriterThread, text: string, parameters: ReadonlyArray<unknown>) =>
  Effect.async<Rows, unknown>((resume) =>
    run(text, parameters, (answer) =>
      resume("thrown" in answer ? Effect.fail(answer.thrown) : Effect.succeed(answer.rows))
    )
  )

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
      assert.deepStrictEqual(yield* run(it, "SELECT length(?) AS length", large), [{ length: 20_000 }])
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
      for (const _ of Array.from({ length: 40 })) yield* run(slow, "SELECT 1", ["small"].slice(1))
      assert.isFalse(slow.takes(["small"]))
      for (const _ of Array.from({ length: 1_000 })) slow.stayed(0.1)
      assert.isTrue(slow.takes(["small"]))
      yield* slow.close
    })
  )

  it.scoped("a thread that ends leaves what it was asked unknown, and is not asked again", () =>
    Effect.gen(function* () {
      const it = writer(yield* temporaryFile, { program: readFileSync(program("thread-that-ends.cjs"), "utf8") })
      yield* it.begin
      assert.isTrue(it.takes(large))
      const cause = yield* Effect.flip(run(it, "SELECT 1", []))
      assert.deepStrictEqual(classify(cause), { reason: "THREAD_ENDED", applied: "unknown", fences: true })
      assert.deepStrictEqual(it.told, [true, false])
      assert.isFalse(it.takes(large))
      const later = yield* Effect.flip(run(it, "SELECT 1", []))
      assert.deepInclude(classify(later), { reason: "CLOSED", applied: "no" })
      yield* it.close
    })
  )

  it.effect("a thread that cannot start is told once, and everything stays on the loop", () =>
    Effect.gen(function* () {
      const cannotBeRead = { program: "not a program" }
      const cannotBeCloned = { start: { filename: "", origin, settings, clone: () => {} } as never }
      for (const more of [{}, cannotBeRead, cannotBeCloned]) {
        const it = writer("/no/such/directory/onelane.db", more)
        assert.isFalse(it.takes(large))
        yield* it.begin
        assert.deepStrictEqual(it.told, [false])
        assert.lengthOf(it.absent, 1)
        assert.instanceOf(it.absent[0], Error)
        assert.isFalse(it.takes(large))
        yield* it.close
      }
    })
  )

  it("the text of each thread is what its source gives", () => {
    execFileSync(process.execPath, [program("thread-texts.mjs"), "--check"], { stdio: "pipe" })
  })
})
