/**
 * PostgresDurability: whether a server has a commit on its disk before it answers. `fsync` and `full_page_writes` belong to
 * the server and can be switched off by a reload while connections live; then nothing more is written until they are on again.
 */
import { RareLog } from "@onelane/engine"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type pg from "pg"

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
}

/** How often the server is asked, milliseconds. */
const everyMillis = 1_000

const question = "SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages"

/** Asks a server again and again. One that does not answer says nothing; a new connection to it is asked first. */
export const watch = (pool: pg.Pool): Effect.Effect<PostgresDurability, never, Scope.Scope> =>
  Effect.gen(function* () {
    const log = yield* RareLog.make
    let fault: string | null = null
    const note = (found: Found | undefined): void => {
      if (found !== undefined) fault = faultOf(found)
      if (fault !== null) log("nothing is written: switch both settings on and reload the server", {}, fault)
    }
    const look = Effect.ignore(
      Effect.flatMap(
        Effect.tryPromise(() => pool.query<Found>(question)),
        ({ rows: [found] }) => Effect.sync(() => note(found))
      )
    )
    yield* Effect.forkScoped(Effect.forever(Effect.delay(look, everyMillis)))
    return { isDurable: () => fault === null }
  })
