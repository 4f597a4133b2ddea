/**
 * PostgresDurability: whether a server has a commit on its disk before it answers. `fsync` and `full_page_writes` belong to
 * the server and can be switched off by a reload while connections live; then nothing more is written until they are on again.
 */
import { RareLog } from "@onelane/engine"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import pg from "pg"

/** What the server is set to: `on` or `off`. */
export interface Found {
  readonly fsync: string
  readonly pages: string
}

/** A sentence on what is wrong; null: nothing. */
export const faultOf = ({ fsync, pages }: Found): string | null =>
  fsync === "on" && pages === "on"
    ? null
    : `The server would answer before a commit is on its disk: fsync=${fsync}, full_page_writes=${pages}.`

/** What was found last. */
export interface PostgresDurability {
  readonly isDurable: () => boolean
  /** Notes what the server is set to now; answers the fault. */
  readonly note: (found: Found) => string | null
}

/** Begins with a server that nothing is known about. */
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

/** How often the server is asked, milliseconds. */
const everyMillis = 1_000

const question = "SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages"

/** Asks a server again and again. One that does not answer says nothing; a new connection to it is asked first. */
export const watch = (pool: pg.Pool, { note }: PostgresDurability): Effect.Effect<void, never, Scope.Scope> => {
  const look = Effect.flatMap(
    Effect.tryPromise(() => pool.query<Found>(question)),
    ({ rows: [found] }) => Effect.sync(() => found === undefined || note(found))
  )
  return Effect.asVoid(Effect.forkScoped(Effect.forever(Effect.delay(Effect.ignore(look), everyMillis))))
}

/** Statements that leave nothing behind, or end what has begun. */
const harmless = /^\s*(SELECT|SHOW|SET|EXPLAIN|BEGIN|START|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|LISTEN|UNLISTEN)\b/i

type Asked = string | { readonly text?: string } | null | undefined

const textOf = (asked: Asked): string => (typeof asked === "string" ? asked : (asked?.text ?? ""))

/**
 * Connections that send no statement that writes while the server is not durable, whoever asks: the journal, the directory,
 * keys, migrations and removal share them.
 */
export const guarded = ({ isDurable }: PostgresDurability, refusal: unknown): typeof pg.Client =>
  class extends pg.Client {
    override query(...given: ReadonlyArray<any>): any {
      if (isDurable() || harmless.test(textOf(given[0]))) return super.query.apply(this, given as never)
      const callback = given.findLast((each) => typeof each === "function")
      if (callback === undefined) return Promise.reject(refusal)
      process.nextTick(callback, refusal)
    }
  }
