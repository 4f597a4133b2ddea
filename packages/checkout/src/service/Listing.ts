/**
 * Listing: pages of sessions by state, age, cart and claim, for operators. Reads the store's narrow table
 * (`SessionLists`) if there is one, else the committed states in the journal, part by part. A page reads a bounded
 * number of sessions, so it is short if few of them match.
 *
 * The writer of that table collects rows of committed sessions and writes them asynchronously, within a second. A turn
 * never waits for it; a session that changes often is one row.
 */
import * as Effect from "effect/Effect"
import * as Input from "../commands/Input.js"
import type { AccessError } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import type { AccessShape } from "../ports/Access.js"
import type { Caller } from "../ports/Caller.js"
import type { SessionListsShape, Wanted } from "../ports/SessionLists.js"
import type { CheckoutSession } from "../session/CheckoutSession.js"
import { opaqueIdMaxLength } from "../session/Ids.js"
import type { Sessions } from "../work/Sessions.js"
import type { ListedSession, SessionsInput, SessionsPage } from "./CheckoutSessions.js"
import { writeBehind } from "./WriteBehind.js"

/** Most sessions of a page. */
export const sessionsMaxEntries = 200

/** Most states in one filter. */
export const statesMaxCount = 32

/** Most parts of the store (of 1,000 sessions on a database) that one page reads. */
const partsMaxCount = 5

const state = Input.optionalTextUpTo(30)
const instant = Input.optionalWhole(0, Number.MAX_SAFE_INTEGER)

/** The fields of the input. */
export const fields = {
  state: {
    is: `${state.is}, or a list of 1 to ${statesMaxCount} of them`,
    check: (value: unknown) =>
      Array.isArray(value)
        ? value.length > 0 && value.length <= statesMaxCount && value.every((one) => state.check(one))
        : state.check(value)
  },
  cartId: Input.optionalTextUpTo(opaqueIdMaxLength),
  archived: Input.optionalFlag,
  claimed: Input.optionalFlag,
  changedBefore: instant,
  changedAfter: instant,
  after: Input.optionalTextUpTo(64),
  limit: Input.optionalWhole(1, sessionsMaxEntries)
}

/** The row of a session. */
export const rowOf = (session: CheckoutSession): ListedSession => {
  const { cartId, closedBy, createdAt, id, isArchived, operationId, state, updatedAt, version } = session
  return { checkoutSessionId: id, cartId, state, isArchived, closedBy, operationId, version, createdAt, updatedAt }
}

/** Lists sessions. A caller who may not administer is refused. */
export type ListSessions = (caller: Caller, input: SessionsInput) => Effect.Effect<SessionsPage, AccessError>

/** What a list reads. `lists`: null if the store has no table. */
export interface Parts {
  readonly lists: SessionListsShape | null
  readonly sessions: Pick<Sessions, "select">
  readonly access: Pick<AccessShape, "mayInvoke">
}

/** Makes the listing. */
export const make =
  ({ access, lists, sessions }: Parts): ListSessions =>
  (caller, input) =>
    Effect.gen(function* () {
      const allowed = yield* Effect.mapError(access.mayInvoke(caller, "administer"), Refusal.portUnavailable)
      if (!allowed) return yield* Effect.fail(Refusal.actionNotPermitted)
      const fault = Input.accept(input, fields)
      if (fault !== null) return yield* Effect.fail(fault)
      return yield* lists === null ? page(sessions, input) : pageOf(lists, input)
    })

/** Most rows that one page reads if it filters by age. */
const lookedMaxCount = 5_000

// The table filters by everything but the age.
const pageOf = (lists: SessionListsShape, input: SessionsInput): Effect.Effect<SessionsPage, AccessError> =>
  Effect.gen(function* () {
    const changedAfter = input.changedAfter ?? 0
    const changedBefore = input.changedBefore ?? Number.POSITIVE_INFINITY
    const limit = input.limit ?? 100
    const isAged = changedAfter > 0 || changedBefore !== Number.POSITIVE_INFINITY
    const asked = isAged ? Math.max(limit, 1_000) : limit
    const found: Array<ListedSession> = []
    let after = input.after ?? ""
    for (let looked = 0; looked < lookedMaxCount; looked += asked) {
      const rows = yield* Effect.mapError(
        lists.page({ ...filtersOf(input), after, limit: asked }),
        Refusal.portUnavailable
      )
      for (const row of rows) {
        after = row.checkoutSessionId
        if (row.updatedAt >= changedAfter && row.updatedAt < changedBefore) found.push(row)
        if (found.length === limit) return { sessions: found, next: after }
      }
      if (rows.length < asked) return { sessions: found, next: null }
    }
    return { sessions: found, next: after }
  })

const filtersOf = ({ archived, cartId, claimed, state }: SessionsInput): Omit<Wanted, "limit" | "after"> => ({
  states: state === undefined || state === null ? null : typeof state === "string" ? [state] : [...new Set(state)],
  cartId: cartId ?? null,
  isArchived: archived ?? null,
  isClaimed: claimed === true
})

const page = ({ select }: Parts["sessions"], input: SessionsInput): Effect.Effect<SessionsPage, AccessError> =>
  Effect.gen(function* () {
    const limit = input.limit ?? 100
    const first = new First(limit)
    const fits = wanted(input)
    let after: string | null = input.after ?? ""
    for (let parts = 0; parts < partsMaxCount && after !== null && !first.isFull(); parts++) {
      const behind: string = after
      const selection: { readonly next: string | null } = yield* select(behind, (id, { session }) => {
        if (id > behind && session !== null && fits(session)) first.put(rowOf(session))
        return false
      })
      after = selection.next
    }
    return { sessions: first.rows, next: first.isFull() ? first.rows[limit - 1]!.checkoutSessionId : after }
  })

/** Whether a session matches all given filters. */
const wanted = (input: SessionsInput): ((session: CheckoutSession) => boolean) => {
  const { archived = null, cartId = null, claimed, state = null } = input
  const states = state === null || typeof state !== "string" ? state : [state]
  const changedAfter = input.changedAfter ?? 0
  const changedBefore = input.changedBefore ?? Number.POSITIVE_INFINITY
  return (session) =>
    (cartId === null || session.cartId === cartId) &&
    (archived === null || session.isArchived === archived) &&
    (claimed !== true || session.operationId !== null) &&
    (states === null || states.includes(session.state)) &&
    session.updatedAt >= changedAfter &&
    session.updatedAt < changedBefore
}

/**
 * Keeps the first `limit` rows by id, in any order of arrival: a journal in memory returns all rows in one part,
 * unordered.
 */
class First {
  readonly rows: Array<ListedSession> = []
  constructor(private readonly limit: number) {}

  isFull(): boolean {
    return this.rows.length === this.limit
  }

  put(row: ListedSession): void {
    const { limit, rows } = this
    let place = rows.length
    while (place > 0 && rows[place - 1]!.checkoutSessionId > row.checkoutSessionId) place--
    if (place === limit) return
    rows.splice(place, 0, row)
    if (rows.length > limit) rows.pop()
  }
}

/** How long rows are collected before a write, milliseconds. */
const gatherMillis = 500

/** Rows of one write. */
const writtenRows = 1_000

/** Most rows that wait to be written. Further ones are found when the store is scanned (`SessionListSql`). */
const waitingMaxCount = 100_000

/** Writes rows asynchronously, after the commits. */
export interface Writer {
  readonly committed: (session: CheckoutSession) => void
  /** Writes until it is interrupted, and then once more. */
  readonly writing: Effect.Effect<void>
}

/** Makes the writer of a table. */
export const makeWriter = ({ write }: SessionListsShape): Writer => {
  const latch = Effect.unsafeMakeLatch(false)
  let waiting = new Map<string, ListedSession>()
  const keep = (rows: Iterable<ListedSession>): void => {
    for (const row of rows) if (!waiting.has(row.checkoutSessionId)) waiting.set(row.checkoutSessionId, row)
    if (waiting.size > 0) latch.unsafeOpen()
  }
  const flush = Effect.suspend(() => {
    latch.unsafeClose()
    const rows = [...waiting.values()]
    waiting = new Map()
    let written = 0
    const some = Effect.suspend(() => {
      const part = rows.slice(written, written + writtenRows)
      return Effect.map(write(part), () => void (written += part.length))
    })
    // Not logged: the store's failures show up in failed commits. Unwritten rows are retried.
    return Effect.catchAllCause(
      Effect.whileLoop({ while: () => written < rows.length, body: () => some, step: () => {} }),
      () => Effect.sync(() => keep(rows.slice(written)))
    )
  })
  return {
    committed: (session) => {
      if (waiting.size < waitingMaxCount || waiting.has(session.id)) waiting.set(session.id, rowOf(session))
      if (waiting.size === 1) latch.unsafeOpen()
    },
    writing: writeBehind(latch, gatherMillis, flush)
  }
}
