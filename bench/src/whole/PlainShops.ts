/**
 * PlainShops: the same checkout as programs write it without an engine: a row a session, with its state, its version and the
 * claim of its work. Raw SQLite groups what callers ask in one turn of the event loop into one commit: the floor. `pg` sends
 * a statement a request.
 */
import { randomUUID } from "node:crypto"
import { join } from "node:path"
import pg from "pg"
import { openSqlite } from "../subjects/Journals.js"
import { makeDirectory } from "../WorkingFolder.js"
import { isWorkedOn, stateAt, transitions, versionsOf } from "./Route.js"
import { alone, type Shop } from "./Shop.js"

/** What is asked of the table, each with whether it changed its one row. */
interface Table {
  readonly open: (id: string) => Promise<boolean>
  readonly move: (id: string, from: string, to: string) => Promise<boolean>
  readonly claim: (id: string, from: string, to: string, claim: string) => Promise<boolean>
  readonly complete: (id: string, claim: string) => Promise<boolean>
}

const idOf = (number: number): string => `checkout-${number}`

const walkOver =
  ({ claim, complete, move, open }: Table, claims: boolean): Shop["walk"] =>
  async (number) => {
    const id = idOf(number)
    let isDone = await open(id)
    for (let index = 0; index < transitions; index++) {
      const [from, to] = [stateAt(index), stateAt(index + 1)]
      if (claims && isWorkedOn(index)) {
        const key = randomUUID()
        isDone = (await claim(id, from, to, key)) && (await complete(id, key)) && isDone
      } else isDone = (await move(id, from, to)) && isDone
    }
    if (!isDone) throw new Error(`${id}: a step was refused`)
  }

const faultOf = (ends: number, upTo: number): string | null =>
  ends === upTo ? null : `${ends} of ${upTo} checkouts came to their end`

const columns = "id TEXT PRIMARY KEY, state TEXT NOT NULL, version INTEGER NOT NULL, claim TEXT, goal TEXT"

/** Raw statements, one commit for all that is asked in a turn of the event loop. */
export const sqliteShop = async (): Promise<Shop> => {
  const database = openSqlite(join(makeDirectory(), "whole.db"))
  database.exec(`CREATE TABLE session (${columns}) WITHOUT ROWID`)
  const [begin, end] = [database.prepare("BEGIN IMMEDIATE"), database.prepare("COMMIT")]
  const statements = {
    open: database.prepare(`INSERT INTO session VALUES (?, '${stateAt(0)}', 1, NULL, NULL)`),
    move: database.prepare(
      "UPDATE session SET state = ?, version = version + 1 WHERE id = ? AND state = ? AND claim IS NULL"
    ),
    claim: database.prepare(
      "UPDATE session SET claim = ?, goal = ?, version = version + 1 WHERE id = ? AND state = ? AND claim IS NULL"
    ),
    complete: database.prepare(
      "UPDATE session SET state = goal, claim = NULL, goal = NULL, version = version + 1 WHERE id = ? AND claim = ?"
    )
  }
  let waiting: Array<() => () => void> = []
  const commit = (): void => {
    const asked = waiting
    waiting = []
    begin.run()
    const answers = asked.map((run) => run())
    end.run()
    for (const answer of answers) answer()
  }
  const ask = (statement: keyof typeof statements, ...values: ReadonlyArray<string>): Promise<boolean> =>
    new Promise((resolve) => {
      if (waiting.length === 0) setImmediate(commit)
      waiting.push(() => {
        const { changes } = statements[statement].run(...values)
        return () => resolve(Number(changes) === 1)
      })
    })
  const table: Table = {
    open: (id) => ask("open", id),
    move: (id, from, to) => ask("move", to, id, from),
    claim: (id, from, to, claim) => ask("claim", claim, to, id, from),
    complete: (id, claim) => ask("complete", id, claim)
  }
  const ends = database.prepare("SELECT count(*) AS ends FROM session WHERE state = ? AND version = ?")
  return {
    walk: walkOver(table, true),
    fault: async (upTo) =>
      faultOf(Number((ends.get(stateAt(transitions), versionsOf(false)) as { ends: number }).ends), upTo),
    serverCpuNanos: alone,
    close: async () => database.close()
  }
}

/** `pg` with 64 prepared connections; with claims as ours, or plain: a transition is one `UPDATE`, work or not. */
export const postgresShop = async (
  url: string,
  claims: boolean,
  serverCpuNanos: Shop["serverCpuNanos"]
): Promise<Shop> => {
  const pool = new pg.Pool({ connectionString: url, max: 64 })
  pool.on("error", () => {})
  await pool.query(`CREATE TABLE session (${columns})`)
  const ask = async (name: string, text: string, values: ReadonlyArray<string>): Promise<boolean> =>
    (await pool.query({ name, text, values: [...values] })).rowCount === 1
  const table: Table = {
    open: (id) => ask("open", `INSERT INTO session VALUES ($1, '${stateAt(0)}', 1)`, [id]),
    move: (...values) =>
      ask(
        "move",
        "UPDATE session SET state = $3, version = version + 1 WHERE id = $1 AND state = $2 AND claim IS NULL",
        values
      ),
    claim: (...values) =>
      ask(
        "claim",
        "UPDATE session SET claim = $4, goal = $3, version = version + 1 WHERE id = $1 AND state = $2 AND claim IS NULL",
        values
      ),
    complete: (...values) =>
      ask(
        "complete",
        "UPDATE session SET state = goal, claim = NULL, goal = NULL, version = version + 1 WHERE id = $1 AND claim = $2",
        values
      )
  }
  return {
    walk: walkOver(table, claims),
    fault: async (upTo) => {
      const made = claims ? versionsOf(false) : 1 + transitions
      const text = "SELECT count(*)::int AS ends FROM session WHERE state = $1 AND version = $2"
      return faultOf((await pool.query(text, [stateAt(transitions), made])).rows[0].ends, upTo)
    },
    serverCpuNanos,
    close: () => pool.end()
  }
}
