/**
 * Stored: sessions that lie in a store and sleep. Written straight through the journal seam, as the engine would have, so
 * that a million of them are there in seconds.
 */
import { join } from "node:path"
import type { CheckoutSession } from "@onelane/checkout"
import { Journal } from "@onelane/engine"
import { type DatabaseRefused, JournalSql, SqliteClient } from "@onelane/sql"
import { Effect, Exit, Layer } from "effect"
import { firstState } from "./Load.js"

/** The journal of `@onelane/sql` on a file of this directory. */
export const sqliteJournal = (directory: string): Layer.Layer<Journal.Journal, DatabaseRefused.DatabaseRefused> =>
  JournalSql.layer.pipe(Layer.provide(SqliteClient.layer({ filename: join(directory, "stored.db") })))

/** The id of the n-th stored session. */
export const idOf = (index: number): string => `cs_${index.toString(36).padStart(10, "0")}`

/** What a session's actor keeps, as the journal stores it, right after the session was opened. */
export const stateOf = (
  index: number
): { readonly session: CheckoutSession.CheckoutSession } & Record<string, unknown> => ({
  session: {
    id: idOf(index),
    cartId: `cart-${index}`,
    storeId: "store",
    accountId: "account",
    ownerId: "host",
    state: firstState,
    nextState: null,
    isProcessing: false,
    isError: false,
    isArchived: false,
    closedBy: null,
    operationId: null,
    workKey: null,
    orderId: null,
    version: 1,
    lastRequestId: null,
    createdAt: 1_700_000_000_000,
    updatedAt: 1_700_000_000_000,
    expiresAt: null,
    data: null
  },
  accepted: [],
  deadlineAt: null,
  workKeys: []
})

const entryOf = (index: number): Journal.JournalEntry => {
  const state = stateOf(index)
  const { id, cartId, storeId, accountId, ownerId, expiresAt, createdAt: at } = state.session
  const opened = { type: "Opened", at, by: "host", requestId: `req_${index}`, id, cartId, storeId, accountId, ownerId }
  return {
    address: { kind: "session", id },
    expectedSequence: 0,
    events: [{ ...opened, state: firstState, expiresAt }],
    state,
    alarmMillis: null
  }
}

/** Writes sessions `from` up to `to` into the journal in force. */
export const write = (from: number, to: number): Effect.Effect<void, Journal.JournalFailure, Journal.Journal> =>
  Effect.flatMap(Journal.Journal, (journal) =>
    Effect.gen(function* () {
      for (let at = from; at < to; at += 1_024) {
        const batch = Array.from({ length: Math.min(1_024, to - at) }, (_, index) => entryOf(at + index))
        yield* journal.append(batch)
        yield* Effect.yieldNow()
      }
    })
  )

/** A journal in which every session is there and nothing is kept: what is awake is all there is in memory. */
export const discarding: Layer.Layer<Journal.Journal> = Layer.succeed(Journal.Journal, {
  immediate: true,
  exclusive: true,
  append: (batch) => Exit.succeed(batch.map(() => "committed" as const)),
  load: ({ id }) => {
    const index = Number.parseInt(id.slice(3), 36)
    return Exit.succeed({ sequence: 1, state: JSON.parse(JSON.stringify(stateOf(index))), digests: [] })
  },
  recorded: () => Exit.succeed(null),
  events: () => Exit.succeed([]),
  alarms: () => Exit.succeed([]),
  select: () => Exit.succeed({ found: [], next: null }),
  remove: (_, removals) => Exit.succeed(removals.map(() => true)),
  compact: Exit.void
})
