/**
 * Journals: the floors for our own journals: the same engine over the simplest durable stores. One uses prepared
 * statements on the raw driver, row by row in one transaction a batch. The other appends to a file and calls fdatasync.
 */
import { closeSync, fdatasync, openSync, write } from "node:fs"
import { join } from "node:path"
import { type Address, Journal, JournalMemory } from "@onelane/engine"
import { DatabaseSync, type DatabaseSyncInstance } from "@photostructure/sqlite"
import { Effect, Exit, Layer } from "effect"

/** The settings of every SQLite file here: one fsync a commit. */
export const pragmas =
  "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32768; PRAGMA wal_autocheckpoint=4000"

const tables = `
  CREATE TABLE state (kind TEXT NOT NULL, id TEXT NOT NULL, sequence INTEGER NOT NULL, state TEXT NOT NULL,
    alarm INTEGER, PRIMARY KEY (kind, id));
  CREATE TABLE event (kind TEXT NOT NULL, id TEXT NOT NULL, sequence INTEGER NOT NULL, events TEXT NOT NULL,
    PRIMARY KEY (kind, id, sequence))`

/** Opens a file with the settings of every SQLite subject here. */
export const openSqlite = (filename: string): DatabaseSyncInstance => {
  const database = new DatabaseSync(filename)
  database.exec(pragmas)
  return database
}

const keyOf = ({ kind, id }: Address.Address): string => `${kind}/${id}`

const sqliteFile = (filename: string) =>
  Effect.acquireRelease(
    Effect.sync(() => openSqlite(filename)),
    (database) => Effect.sync(() => database.close())
  )

/**
 * Prepared statements of the raw driver. Its scope keeps the connection open; without a reference it would close while
 * its statements are in use.
 */
export const rawSqlite = (directory: string): Layer.Layer<Journal.Journal> =>
  Layer.scoped(Journal.Journal, Effect.map(sqliteFile(join(directory, "raw.db")), rawJournal))

const rawJournal = (database: DatabaseSyncInstance): Journal.JournalShape => {
  database.exec(tables)
  const begin = database.prepare("BEGIN IMMEDIATE")
  const end = database.prepare("COMMIT")
  const insert = database.prepare("INSERT OR IGNORE INTO state VALUES (?, ?, ?, ?, ?)")
  const update = database.prepare(
    "UPDATE state SET sequence = ?, state = ?, alarm = ? WHERE kind = ? AND id = ? AND sequence = ?"
  )
  const event = database.prepare("INSERT INTO event VALUES (?, ?, ?, ?)")
  const load = database.prepare("SELECT sequence, state FROM state WHERE kind = ? AND id = ?")
  const appendOne = (entry: Journal.JournalEntry): Journal.AppendOutcome => {
    const { address, alarmMillis, events, expectedSequence, state } = entry
    const { kind, id } = address
    const sequence = expectedSequence + events.length
    const text = JSON.stringify(state)
    const { changes } =
      expectedSequence === 0
        ? insert.run(kind, id, sequence, text, alarmMillis)
        : update.run(sequence, text, alarmMillis, kind, id, expectedSequence)
    if (Number(changes) === 0) return "conflict"
    event.run(kind, id, sequence, JSON.stringify(events))
    return "committed"
  }
  return {
    ...JournalMemory.make(),
    immediate: false,
    append: (batch) => {
      begin.run()
      const outcomes = batch.map(appendOne)
      end.run()
      return Exit.succeed(outcomes)
    },
    load: ({ id, kind }) => {
      const row = load.get(kind, id) as { readonly sequence: number; readonly state: string } | undefined
      const digests: ReadonlyArray<string> = []
      return Exit.succeed(row === undefined ? null : { sequence: row.sequence, state: JSON.parse(row.state), digests })
    }
  }
}

/** A file: a line an entry, one write and one fdatasync a batch, both off this thread. Nothing is read back. */
export const file = (directory: string): Layer.Layer<Journal.Journal> =>
  Layer.scoped(
    Journal.Journal,
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => openSync(join(directory, "journal.jsonl"), "a")),
        (descriptor) => Effect.sync(() => closeSync(descriptor))
      ),
      (descriptor) => {
        const heads = new Map<string, Journal.JournalRow>()
        const broken = (cause: Error) => Exit.fail(Journal.failure("unknown", "IO", cause))
        return {
          ...JournalMemory.make(),
          immediate: false,
          append: (batch) =>
            Effect.async((resume) => {
              const outcomes = batch.map((entry): Journal.AppendOutcome => {
                const head = heads.get(keyOf(entry.address))?.sequence ?? 0
                return head === entry.expectedSequence ? "committed" : "conflict"
              })
              const lines = batch
                .filter((_, index) => outcomes[index] === "committed")
                .map(({ address, events, expectedSequence, state }) =>
                  JSON.stringify({ address, events, expectedSequence, state })
                )
              write(descriptor, `${lines.join("\n")}\n`, (failed) => {
                if (failed !== null) return resume(broken(failed))
                fdatasync(descriptor, (unsynced) => {
                  if (unsynced !== null) return resume(broken(unsynced))
                  for (const [index, { address, events, expectedSequence, state }] of batch.entries())
                    if (outcomes[index] === "committed")
                      heads.set(keyOf(address), { sequence: expectedSequence + events.length, state, digests: [] })
                  resume(Exit.succeed(outcomes))
                })
              })
            }),
          load: (address) => Exit.succeed(heads.get(keyOf(address)) ?? null)
        }
      }
    )
  )
