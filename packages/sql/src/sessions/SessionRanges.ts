/**
 * SessionRanges: the order of an operator's list, as a sequence of index ranges of `session_list`. A page continues in
 * the range where the previous page ended, until it is full.
 *
 * Owns the order and its cursors. A cursor is the number of a range and the key of the last row; in id order it is the
 * id alone.
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { Fragment } from "@effect/sql/Statement"
import { type CheckoutSessions, CheckoutState } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import type { Rows } from "../journal/Statements.js"
import { escape } from "../journal/StoredText.js"
import * as SessionListSql from "./SessionListSql.js"

/** The state of sessions whose last task failed. */
export const errorState = CheckoutState.errorState

/** One kind of session. Stuck sessions are also running. */
export type Only = "failed" | "stuck" | "running" | "archived"

/** Which sessions to list, and in which order. All filters must hold. */
export interface Wanted {
  /** By id, or those that need attention first. A search has its own order: by id, then by cart. */
  readonly order: "id" | "attention"
  readonly only: Only | null
  readonly states: ReadonlyArray<string> | null
  readonly cartId: string | null
  /** The prefix of a session id or a cart id. */
  readonly search: string | null
  /** Whether closed sessions are included. */
  readonly archived: boolean
  /** A running task is stuck if its session last changed before this instant, epoch milliseconds. */
  readonly stuckBefore: number
  /** The `next` of the previous page; "" for the first page. */
  readonly after: string
  /** Most sessions per page. A page may be shorter; it is the last only if `next` is null. */
  readonly limit: number
}

type Listed = CheckoutSessions.ListedSession

/** Most rows that a page examines where rows are filtered one by one; and rows per read. */
const lookedRows = 5_000
const lookRows = 1_000

type Order = "id" | "newest" | "longest" | "cart"

interface Range {
  readonly number: number
  readonly order: Order
  /**
   * Conditions, one list per part. Parts are read separately and merged in order, because together they are not one
   * index range.
   */
  readonly parts: ReadonlyArray<ReadonlyArray<Fragment>>
}

/** Whether a text is a cursor of this list. */
export const isCursor = ({ order, search }: Pick<Wanted, "order" | "search">, after: string): boolean =>
  after === "" || (search === null && order === "id") || keyOf(after) !== null

/** The rows of a page, and where the next one begins. */
export const page = (
  sql: SqlClient,
  wanted: Wanted
): Effect.Effect<{ readonly rows: ReadonlyArray<Listed>; readonly next: string | null }, SqlError> =>
  Effect.gen(function* () {
    const { limit, search } = wanted
    const fits = search === null ? null : fitsOf(wanted)
    const found: Array<Listed> = []
    let at = startOf(wanted)
    let looked = 0
    for (const range of rangesOf(sql, wanted)) {
      if (range.number < at.number) continue
      let key = range.number === at.number ? at.key : null
      for (let isOver = false; !isOver; ) {
        const asked = fits === null ? limit - found.length : lookRows
        const rows = yield* read(sql, range, key, asked)
        isOver = rows.length < asked
        for (const row of rows) {
          key = keyIn(range.order, row)
          if (fits === null || fits(row)) found.push(row)
          if (found.length === limit) return { rows: found, next: cursorOf(wanted, range.number, key) }
        }
        looked += rows.length
        if (looked >= lookedRows && !isOver) return { rows: found, next: cursorOf(wanted, range.number, key!) }
      }
      at = { number: range.number + 1, key: null }
    }
    return { rows: found, next: null }
  })

/** The key of a row in its range: its id, and what comes before it in the order. */
type Key = readonly [first: string, id: string]

const keyIn = (order: Order, { cartId, checkoutSessionId, updatedAt }: Listed): Key =>
  [order === "longest" ? String(updatedAt) : order === "cart" ? cartId : "", checkoutSessionId] as const

const cursorOf = ({ order, search }: Wanted, number: number, [first, id]: Key): string =>
  search === null && order === "id" ? id : `${number}:${first}:${id}`

// A cart id may contain colons, a session id cannot.
const keyOf = (after: string): { readonly number: number; readonly key: Key } | null => {
  const parts = /^(\d):(.*):([A-Za-z0-9_-]{1,64})$/s.exec(after)
  return parts === null ? null : { number: Number(parts[1]), key: [parts[2]!, parts[3]!] }
}

const startOf = ({ after, order, search }: Wanted): { number: number; key: Key | null } => {
  if (after === "") return { number: 0, key: null }
  if (search === null && order === "id") return { number: 0, key: ["", after] }
  return keyOf(after) ?? { number: 0, key: null }
}

/** The next rows of a range after a key. */
const read = (
  sql: SqlClient,
  { order, parts }: Range,
  key: Key | null,
  limit: number
): Effect.Effect<ReadonlyArray<Listed>, SqlError> => {
  const select = (conditions: ReadonlyArray<Fragment>) =>
    sql<Rows[number]>`SELECT ${sql.literal(SessionListSql.columns)} FROM session_list
      WHERE ${sql.and([...conditions, ...(key === null ? [] : [behind(sql, order, key)])])}
      ORDER BY ${sql.literal(orderings[order])} LIMIT ${limit}`
  return Effect.map(Effect.all(parts.map(select)), (read) => {
    const rows = read.flat().map(SessionListSql.toListed)
    return parts.length < 2 ? rows : rows.sort(comparisons[order]).slice(0, limit)
  })
}

const orderings: { readonly [O in Order]: string } = {
  id: "id",
  newest: "id DESC",
  longest: "updated_at, id",
  cart: "cart_id, id"
}

const byId = (left: Listed, right: Listed): number => (left.checkoutSessionId < right.checkoutSessionId ? -1 : 1)

// Only ranges in id order have several parts.
const comparisons: { readonly [O in Order]: (left: Listed, right: Listed) => number } = {
  id: byId,
  newest: (left, right) => byId(right, left),
  longest: (left, right) => left.updatedAt - right.updatedAt || byId(left, right),
  cart: byId
}

const behind = (sql: SqlClient, order: Order, [first, id]: Key): Fragment => {
  switch (order) {
    case "id":
      return sql`id > ${escape(id)}`
    case "newest":
      return sql`id < ${escape(id)}`
    case "longest":
      return sql`(updated_at, id) > (${Number(first) || 0}, ${escape(id)})`
    case "cart":
      return sql`(cart_id, id) > (${escape(first)}, ${escape(id)})`
  }
}

/**
 * The conditions of a kind of session. Literals instead of parameters, because a partial index is used only if the text
 * implies its condition.
 */
export const conditionsOf = (sql: SqlClient, kind: Only | "live", stuckBefore: number): ReadonlyArray<Fragment> => {
  switch (kind) {
    case "failed":
      return [sql`archived = ${sql.literal("0")}`, sql`state = ${errorState}`]
    case "stuck":
      return [sql`operation_id IS NOT NULL`, sql`updated_at < ${stuckBefore}`]
    case "running":
      return [sql`operation_id IS NOT NULL`]
    case "archived":
      return [sql`archived = ${sql.literal("1")}`]
    case "live":
      return [sql`archived = ${sql.literal("0")}`]
  }
}

const rangesOf = (sql: SqlClient, wanted: Wanted): ReadonlyArray<Range> => {
  if (wanted.search !== null) return searched(sql, wanted.search)
  return wanted.order === "id" ? [byIds(sql, wanted)] : attentive(sql, wanted)
}

/** Sessions whose id begins with a text; then those whose cart id does, without duplicates. */
const searched = (sql: SqlClient, search: string): ReadonlyArray<Range> => {
  const from = escape(search)
  // The greatest character, as the upper bound.
  const to = `${from}\u{10ffff}`
  return [
    { number: 0, order: "id", parts: [[sql`id >= ${from}`, sql`id <= ${to}`]] },
    {
      number: 1,
      order: "cart",
      parts: [[sql`cart_id >= ${from}`, sql`cart_id <= ${to}`, sql`NOT (id >= ${from} AND id <= ${to})`]]
    }
  ]
}

const byIds = (sql: SqlClient, wanted: Wanted): Range => {
  const { archived, only, states, stuckBefore } = wanted
  const carted = cartOf(sql, wanted)
  const range = (parts: Range["parts"]): Range => ({ number: 0, order: "id", parts })
  if (only !== null) {
    const more = states === null ? [] : [sql.in("state", states)]
    return range([[...conditionsOf(sql, only, stuckBefore), ...notFailed(sql, only), ...carted, ...more]])
  }
  const live = archived ? [] : conditionsOf(sql, "live", stuckBefore)
  if (states === null) return range([[...live, ...carted]])
  const closed = archived ? ["0", "1"] : ["0"]
  return range(
    closed.flatMap((flag) =>
      states.map((state) => [sql`archived = ${sql.literal(flag)}`, sql`state = ${state}`, ...carted])
    )
  )
}

/** Failed, stuck, running, waiting for a client, closed. */
const attentive = (sql: SqlClient, wanted: Wanted): ReadonlyArray<Range> => {
  const { archived, only, states, stuckBefore } = wanted
  const carted = cartOf(sql, wanted)
  const stated = states === null ? [] : [sql.in("state", states)]
  const isWanted = (...kinds: ReadonlyArray<Only>) => only === null || kinds.includes(only)
  const ranges: Array<Range> = []
  const add = (number: number, order: Order, parts: Range["parts"]) => ranges.push({ number, order, parts })
  if (isWanted("failed") && (states === null || states.includes(errorState)))
    add(0, "id", [[...conditionsOf(sql, "failed", stuckBefore), ...carted]])
  if (isWanted("stuck", "running"))
    add(1, "longest", [[...conditionsOf(sql, "stuck", stuckBefore), ...notFailed(sql, "stuck"), ...carted, ...stated]])
  if (isWanted("running"))
    add(2, "longest", [
      [
        ...conditionsOf(sql, "running", stuckBefore),
        sql`updated_at >= ${stuckBefore}`,
        ...notFailed(sql, "running"),
        ...carted,
        ...stated
      ]
    ])
  const waiting = [sql`operation_id IS NULL`, sql`state <> ${errorState}`, ...carted]
  if (only === null) add(3, "newest", inStates(sql, "0", states, waiting))
  if (only === "archived" || (only === null && archived)) add(4, "newest", inStates(sql, "1", states, carted))
  return ranges
}

const inStates = (
  sql: SqlClient,
  archived: "0" | "1",
  states: ReadonlyArray<string> | null,
  more: ReadonlyArray<Fragment>
): Range["parts"] => {
  const closed = sql`archived = ${sql.literal(archived)}`
  return states === null ? [[closed, ...more]] : states.map((state) => [closed, sql`state = ${state}`, ...more])
}

const notFailed = (sql: SqlClient, only: Only): ReadonlyArray<Fragment> =>
  only === "stuck" || only === "running" ? [sql`state <> ${errorState}`] : []

const cartOf = (sql: SqlClient, { cartId }: Wanted): ReadonlyArray<Fragment> =>
  cartId === null ? [] : [sql`cart_id = ${escape(cartId)}`]

/** Whether a row found by a search passes the filters. */
const fitsOf =
  ({ archived, cartId, only, states, stuckBefore }: Wanted) =>
  (row: Listed): boolean => {
    if (cartId !== null && row.cartId !== cartId) return false
    if (states !== null && !states.includes(row.state)) return false
    if (only === null) return archived || !row.isArchived
    if (only === "archived") return row.isArchived
    if (only === "failed") return !row.isArchived && row.state === errorState
    const isRunning = row.operationId !== null && row.state !== errorState
    return only === "running" ? isRunning : isRunning && row.updatedAt < stuckBefore
  }
