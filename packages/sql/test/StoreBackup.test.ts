import {
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync
} from "node:fs"
import { dirname, join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Address, Journal } from "@onelane/engine"
import { JournalSql, SqliteClient, StoreBackup } from "@onelane/sql"
import * as RealFaults from "@onelane/testkit/RealFaults"
import { Effect, Fiber, Layer } from "effect"
import { temporaryDirectory, temporaryFile } from "./TemporaryFile.js"

const store = (filename: string) =>
  JournalSql.layer.pipe(Layer.provideMerge(SqliteClient.layer({ filename, busyTimeoutMillis: 50 })))

const append = (id: string, expectedSequence: number, characters = 500) =>
  Effect.flatMap(Journal.Journal, (journal) =>
    journal.append([
      {
        address: Address.make("session", id),
        expectedSequence,
        events: [{ n: expectedSequence }],
        state: "x".repeat(characters),
        alarmMillis: null
      }
    ])
  )

const fill = (filename: string, sessions: number, characters?: number) =>
  Effect.provide(
    Effect.forEach(Array.from({ length: sessions }).keys(), (n) => append(`s${n}`, 0, characters)),
    store(filename)
  )

const sequenceOf = (id: string) =>
  Effect.flatMap(Journal.Journal, (journal) =>
    Effect.map(journal.load(Address.make("session", id)), (row) => row?.sequence ?? 0)
  )

const make = (path: string) => Effect.flatMap(StoreBackup.StoreBackup, ({ make }) => make(path))

describe("StoreBackup", () => {
  it.scopedLive(
    "a backup is of one moment while updates go on, and holds everything acknowledged before it began",
    () =>
      Effect.gen(function* () {
        const folder = yield* temporaryDirectory
        const copies = [join(folder, "one.db"), join(folder, "two.db")]
        const acknowledged = [0, 0, 0]
        const before: Array<ReadonlyArray<number>> = []
        const run = Effect.gen(function* () {
          const write = (n: number) =>
            Effect.gen(function* () {
              assert.deepStrictEqual(yield* append(`w${n}`, acknowledged[n]!), ["committed"])
              acknowledged[n]! += 1
            })
          const writer = (n: number) => Effect.forever(Effect.delay(write(n), 1))
          const writers = yield* Effect.forkAll([0, 1, 2].map(writer))
          yield* Effect.sleep(50)
          for (const copy of copies) {
            before.push([...acknowledged])
            const backup = yield* make(copy)
            assert.deepInclude(backup, { path: copy, format: 1, sessions: 3, carts: 0, bytes: statSync(copy).size })
            assert.isAtLeast(
              backup.events,
              before.at(-1)!.reduce((sum, each) => sum + each, 0)
            )
          }
          const during = acknowledged.reduce((sum, each) => sum + each, 0)
          assert.isAbove(
            during,
            before[0]!.reduce((sum, each) => sum + each, 0),
            "updates went on"
          )
          yield* Fiber.interrupt(writers)
        })
        yield* Effect.provide(run, store(join(folder, "onelane.db")))
        assert.deepStrictEqual(readdirSync(folder).sort(), ["one.db", "onelane.db", "two.db"])
        for (const [index, copy] of copies.entries())
          for (const n of [0, 1, 2])
            assert.isAtLeast(yield* Effect.provide(sequenceOf(`w${n}`), store(copy)), before[index]![n]!)
      })
  )

  it.scoped("a backup is its owner's alone, and opens as a store without anything beside it", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const copy = join(yield* temporaryDirectory, "it's a copy.db")
      yield* Effect.provide(Effect.zipRight(append("a", 0), make(copy)), store(filename))
      assert.strictEqual(statSync(copy).mode & 0o777, 0o600)
      assert.strictEqual(yield* Effect.provide(sequenceOf("a"), store(copy)), 1)
    })
  )

  it.scoped("a name that is taken, and a folder that is not there, are refused; nothing is written", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const folder = yield* temporaryDirectory
      const taken = join(folder, "taken.db")
      writeFileSync(taken, "mine")
      const run = Effect.gen(function* () {
        assert.deepInclude(yield* Effect.flip(make(taken)), { reason: "EXISTS" })
        assert.deepInclude(yield* Effect.flip(make(filename)), { reason: "EXISTS" })
        assert.deepInclude(yield* Effect.flip(make(join(folder, "none", "a.db"))), { reason: "NAME" })
      })
      yield* Effect.provide(run, store(filename))
      assert.strictEqual(readFileSync(taken, "utf8"), "mine")
      assert.deepStrictEqual(readdirSync(folder), ["taken.db"])
    })
  )

  it.scoped("a backup onto a full disk is refused by name and leaves nothing; with room again it is made", () =>
    Effect.gen(function* () {
      const { folder, isMounted } = yield* RealFaults.smallDisk
      // Where nothing may be mounted, a command meets a disk that says it is full (packages/server/test/Backup.long.test.ts).
      if (!isMounted) return
      const filename = yield* temporaryFile
      yield* fill(filename, 100, 2_000)
      const run = Effect.gen(function* () {
        for (const leftKibibytes of [0, 4, 64, 128]) {
          const empty = RealFaults.fill(folder, leftKibibytes)
          const copy = join(folder, "copy.db")
          const error = yield* Effect.flip(make(copy))
          assert.deepInclude(error, { _tag: "BackupRefused", reason: "DISK_FULL" })
          assert.match(error.message, /disk is full/)
          assert.deepStrictEqual(readdirSync(folder), ["ballast"], `${leftKibibytes} KiB left`)
          empty()
          yield* append(`after-${leftKibibytes}`, 0)
        }
        assert.deepInclude(yield* make(join(folder, "copy.db")), { sessions: 104 })
      })
      yield* Effect.provide(run, store(filename))
    })
  )

  it.scoped("a store in memory says that it has no backup", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.provide(make("/tmp/never.db"), store(":memory:")))
      assert.deepInclude(error, { _tag: "BackupRefused", reason: "NOT_A_FILE" })
    })
  )

  it.scoped("a damaged store gives no backup, and says that it is damaged", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* fill(filename, 60, 3_000)
      const file = openSync(filename, "r+")
      for (let page = 40; page < 44; page++) writeSync(file, Buffer.alloc(4_096, 0xa5), 0, 4_096, page * 4_096)
      const copy = join(dirname(filename), "copy.db")
      const error = yield* Effect.flip(Effect.provide(make(copy), store(filename)))
      assert.deepInclude(error, { reason: "DAMAGED" })
      assert.match(error.message, /restore a backup/)
      assert.deepStrictEqual(readdirSync(dirname(filename)), ["onelane.db"])
    })
  )

  it.scoped("a state without its history is damage as well", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const run = Effect.gen(function* () {
        const sql = yield* SqlClient
        yield* append("a", 0)
        yield* append("b", 0)
        yield* sql`DELETE FROM journal_events WHERE id = 'b'`
        return yield* Effect.flip(make(join(dirname(filename), "copy.db")))
      })
      const error = yield* Effect.provide(run, store(filename))
      assert.deepInclude(error, { reason: "DAMAGED" })
    })
  )
})

describe("restore", () => {
  const backedUp = Effect.gen(function* () {
    const filename = yield* temporaryFile
    const copy = join(yield* temporaryDirectory, "backup.db")
    yield* Effect.provide(Effect.zipRight(append("a", 0), make(copy)), store(filename))
    return copy
  })

  it.scoped("puts a backup where nothing was, and the backup stays", () =>
    Effect.gen(function* () {
      const copy = yield* backedUp
      const to = yield* temporaryFile
      const restored = yield* StoreBackup.restore(copy, to, false)
      assert.deepInclude(restored, { path: to, sessions: 1, events: 1, movedTo: null })
      assert.strictEqual(yield* Effect.provide(sequenceOf("a"), store(to)), 1)
      assert.isTrue(existsSync(copy))
      assert.strictEqual(statSync(to).mode & 0o777, 0o600)
    })
  )

  it.scoped("never overwrites: a store is refused, or moved aside when told so; one that is open is left alone", () =>
    Effect.gen(function* () {
      const copy = yield* backedUp
      const to = yield* temporaryFile
      yield* fill(to, 3)
      assert.deepInclude(yield* Effect.flip(StoreBackup.restore(copy, to, false)), { reason: "EXISTS" })
      const live = Effect.gen(function* () {
        assert.deepInclude(yield* Effect.flip(StoreBackup.restore(copy, to, true)), { reason: "IN_USE" })
        assert.deepStrictEqual(yield* append("s0", 1), ["committed"])
      })
      yield* Effect.provide(live, store(to))
      const { movedTo } = yield* StoreBackup.restore(copy, to, true)
      assert.strictEqual(yield* Effect.provide(sequenceOf("a"), store(to)), 1)
      assert.strictEqual(yield* Effect.provide(sequenceOf("s0"), store(movedTo!)), 2)
      assert.lengthOf(readdirSync(dirname(to)), 2)
    })
  )

  it.scoped("moves a log that was left along with what it belongs to", () =>
    Effect.gen(function* () {
      const copy = yield* backedUp
      const to = yield* temporaryFile
      writeFileSync(`${to}-wal`, "left behind")
      assert.deepInclude(yield* Effect.flip(StoreBackup.restore(copy, to, false)), { reason: "EXISTS" })
      const { movedTo } = yield* StoreBackup.restore(copy, to, true)
      assert.strictEqual(readFileSync(`${movedTo}-wal`, "utf8"), "left behind")
      assert.strictEqual(yield* Effect.provide(sequenceOf("a"), store(to)), 1)
    })
  )

  it.scoped("replaces a damaged store, and takes no damaged backup", () =>
    Effect.gen(function* () {
      const copy = yield* backedUp
      const to = yield* temporaryFile
      writeFileSync(to, "not a database at all ".repeat(500))
      const torn = join(dirname(copy), "torn.db")
      copyFileSync(copy, torn)
      writeFileSync(torn, readFileSync(copy).subarray(0, 20_000))
      assert.deepInclude(yield* Effect.flip(StoreBackup.restore(torn, to, true)), { reason: "DAMAGED" })
      assert.deepInclude(yield* Effect.flip(StoreBackup.restore(join(dirname(copy), "none.db"), to, true)), {
        reason: "MISSING"
      })
      assert.deepStrictEqual(readdirSync(dirname(to)), ["onelane.db"])
      const { movedTo } = yield* StoreBackup.restore(copy, to, true)
      assert.match(readFileSync(movedTo!, "utf8"), /^not a database/)
      assert.strictEqual(yield* Effect.provide(sequenceOf("a"), store(to)), 1)
    })
  )
})
