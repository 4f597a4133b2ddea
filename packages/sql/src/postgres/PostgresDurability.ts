/**
 * PostgresDurability: whether a server's commits are durable before it answers. `fsync` and `full_page_writes` are
 * settings of the server and can be switched off by a reload while connections are open; then nothing is written until
 * they are on again.
 */
import { QuietTimer, RareLog } from "@onelane/engine"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type pg from "pg"

/** The server's settings: `on` or `off`. */
export interface Found {
  readonly fsync: string
  readonly pages: string
}

/** The fault as a sentence, or null. */
export const faultOf = ({ fsync, pages }: Found): string | null =>
  fsync === "on" && pages === "on"
    ? null
    : `The server would answer before a commit is on its disk: fsync=${fsync}, full_page_writes=${pages}.`

/** The result of the last check. */
export interface PostgresDurability {
  readonly isDurable: () => boolean
  /** Records the server's settings; returns the fault. */
  readonly note: (found: Found) => string | null
}

/** Creates it; a server counts as durable until the first check. */
export const make: Effect.Effect<PostgresDurability> = Effect.map(RareLog.make, (log) => {
  let fault: string | null = null
  return {
    isDurable: () => fault === null,
    note: (found) => {
      fault = faultOf(found)
      if (fault !== null) log("nothing is written: switch both settings on and reload the server", {}, fault)
      return fault
    }
  }
})

/** How often the server is checked, milliseconds. */
const everyMillis = 1_000

const question = "SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages"

/**
 * Checks a server repeatedly. A check without an answer changes nothing. Every new connection is checked before it is
 * used.
 */
export const watch = (pool: pg.Pool, { note }: PostgresDurability): Effect.Effect<void, never, Scope.Scope> => {
  const look = Effect.flatMap(
    Effect.tryPromise(() => pool.query<Found>(question)),
    ({ rows: [found] }) => Effect.sync(() => found === undefined || note(found))
  )
  return Effect.asVoid(
    Effect.forkScoped(Effect.forever(Effect.zipRight(QuietTimer.sleep(everyMillis), Effect.ignore(look))))
  )
}

/** Statements that write nothing, or end a transaction. */
const harmless = /^\s*(SELECT|SHOW|SET|EXPLAIN|BEGIN|START|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|LISTEN|UNLISTEN)\b/i

type Asked = string | { readonly text?: string } | null | undefined

const textOf = (asked: Asked): string => (typeof asked === "string" ? asked : (asked?.text ?? ""))

/**
 * A connection class that refuses statements that write while the server is not durable. The journal, the directory,
 * keys, migrations and removal all use it.
 */
export const guarded = (
  Client: typeof pg.Client,
  { isDurable }: PostgresDurability,
  refusal: unknown
): typeof pg.Client =>
  class extends Client {
    override query(...given: ReadonlyArray<any>): any {
      if (isDurable() || harmless.test(textOf(given[0]))) return super.query.apply(this, given as never)
      const callback = given.findLast((each) => typeof each === "function")
      if (callback === undefined) return Promise.reject(refusal)
      process.nextTick(callback, refusal)
    }
  }
