/**
 * Stored: sleeping sessions in a store. They are written directly through the journal interface, in the engine's own
 * form, so that a million of them take seconds.
 */
import { join } from "node:path"
import { Caller, type CheckoutSession, CheckoutSessions } from "@onelane/checkout"
import { Journal, JournalMemory } from "@onelane/engine"
import { type DatabaseRefused, JournalSql, SqliteClient } from "@onelane/sql"
import { Effect, Exit, Layer } from "effect"
import { firstState } from "./Load.js"
import { engineOver } from "./subjects/Onelane.js"

/** The journal of `@onelane/sql` on a file of this directory. */
export const sqliteJournal = (directory: string): Layer.Layer<Journal.Journal, DatabaseRefused.DatabaseRefused> =>
  JournalSql.layer.pipe(Layer.provide(SqliteClient.layer({ filename: join(directory, "stored.db") })))

/** The id of the n-th stored session. */
export const idOf = (index: number): string => `cs_${index.toString(36).padStart(10, "0")}`

interface StoredState {
  readonly session: CheckoutSession.CheckoutSession
}

// What the engine of this release writes when it opens a session.
const opened = (): Promise<Journal.JournalEntry> => {
  const entries: Array<Journal.JournalEntry> = []
  const memory = JournalMemory.make()
  const append: Journal.JournalShape["append"] = (batch) => {
    entries.push(...batch)
    return memory.append(batch)
  }
  const program = Effect.gen(function* () {
    const sessions = yield* CheckoutSessions.CheckoutSessions
    yield* sessions.open(Caller.host, { cartId: "cart" })
    return entries.find(({ address }) => address.kind === "session")!
  })
  const engine = engineOver(Layer.succeed(Journal.Journal, { ...memory, append }))
  return Effect.runPromise(Effect.scoped(Effect.provide(program, engine)))
}

const template = await opened()

/** The state of a session's actor right after the open, as the journal stores it. */
export const stateOf = (index: number): StoredState => {
  const state = template.state as StoredState
  return { ...state, session: { ...state.session, id: idOf(index), cartId: `cart-${index}`, state: firstState } }
}

const entryOf = (index: number): Journal.JournalEntry => {
  const state = stateOf(index)
  const { cartId, id } = state.session
  const [event] = template.events as ReadonlyArray<object>
  return {
    ...template,
    address: { kind: "session", id },
    events: [{ ...event, id, cartId, requestId: `req_${index}`, state: firstState }],
    state
  }
}

/** Writes sessions `from` up to `to` into the current journal. */
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

/** A journal in which every session exists and nothing is stored: only awake sessions use memory. */
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
