/** The shop's own tables, in its own database. Onelane does not use them. */
import pg from "pg"
import { crash } from "./crash.js"

const pool = new pg.Pool({ connectionString: process.env.SHOP_DATABASE })
// A connection that breaks while it is idle has already left the pool.
pool.on("error", () => {})

export const close = (): Promise<void> => pool.end()

export const query = (text: string, values: Array<unknown> = []): Promise<pg.QueryResult> => pool.query(text, values)

const tables = `
  SELECT pg_advisory_xact_lock(8);
  CREATE TABLE IF NOT EXISTS purchase (
    session_id text PRIMARY KEY, cart_id text NOT NULL, cents integer NOT NULL,
    presses integer NOT NULL DEFAULT 0, settled integer NOT NULL DEFAULT 0, outcome text, work_key text
  );
  CREATE TABLE IF NOT EXISTS orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, work_key text NOT NULL UNIQUE,
    session_id text NOT NULL, cents integer NOT NULL, charge_id text NOT NULL
  );
  CREATE TABLE IF NOT EXISTS outbox (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), body jsonb NOT NULL,
    try_at timestamptz NOT NULL DEFAULT now(), sent_at timestamptz
  );`

/** Makes the tables. Several processes may call this at once. */
export const prepare = (): Promise<pg.QueryResult> => query(tables)

/** What a session buys. `presses` counts the button presses, `settled` those with a known outcome. */
export interface Purchase {
  readonly sessionId: string
  readonly cartId: string
  readonly cents: number
  readonly presses: number
}

const columns = 'session_id AS "sessionId", cart_id AS "cartId", cents, presses'

export const remember = (sessionId: string, cartId: string, cents: number): Promise<pg.QueryResult> =>
  query("INSERT INTO purchase (session_id, cart_id, cents) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", [
    ...[sessionId, cartId, cents]
  ])

/** Records that the buyer wants to pay, before the call of the engine: the purchase is now due until it is settled. */
export const press = async (sessionId: string): Promise<Purchase | undefined> =>
  (await query(`UPDATE purchase SET presses = presses + 1 WHERE session_id = $1 RETURNING ${columns}`, [sessionId]))
    .rows[0]

/** Records the work key before the provider gets it, so that the shop can always query the provider with it. */
export const begin = async (sessionId: string, workKey: string): Promise<Purchase> => {
  const text = `UPDATE purchase SET work_key = $2 WHERE session_id = $1 RETURNING ${columns}`
  return (await query(text, [sessionId, workKey])).rows[0]
}

export const due = async (): Promise<ReadonlyArray<Purchase>> =>
  (await query(`SELECT ${columns} FROM purchase WHERE settled < presses ORDER BY random() LIMIT 50`)).rows

/** A press that arrived in the meantime stays due. */
export const settle = ({ presses, sessionId }: Purchase, outcome: string): Promise<pg.QueryResult> =>
  query("UPDATE purchase SET settled = greatest(settled, $2), outcome = $3 WHERE session_id = $1", [
    ...[sessionId, presses, outcome]
  ])

/** The order with a work key. */
export const find = async (workKey: string | null): Promise<string | undefined> =>
  (await query("SELECT id FROM orders WHERE work_key = $1", [workKey])).rows[0]?.id

const inTransaction = async (work: (client: pg.PoolClient) => Promise<void>): Promise<void> => {
  const client = await pool.connect()
  try {
    await client.query("BEGIN")
    await work(client)
    await client.query("COMMIT")
    client.release()
  } catch (error) {
    client.release(true) // closes the connection, which ends the transaction
    throw error
  }
}

export interface Order {
  readonly workKey: string
  readonly sessionId: string
  readonly cents: number
  readonly chargeId: string
}

/** Places the order and its message in one transaction, once for each work key, and gives the id of the order. */
export const place = async ({ cents, chargeId, sessionId, workKey }: Order): Promise<string> => {
  await inTransaction(async (client) => {
    const { rows } = await client.query(
      `INSERT INTO orders (work_key, session_id, cents, charge_id) VALUES ($1, $2, $3, $4)
       ON CONFLICT (work_key) DO NOTHING RETURNING id`,
      [workKey, sessionId, cents, chargeId]
    )
    crash("in transaction")
    if (rows.length === 0) return // an earlier try has placed it, with its message
    await client.query("INSERT INTO outbox (body) VALUES ($1)", [{ orderId: rows[0].id, sessionId, cents }])
    crash("before commit")
  })
  return (await find(workKey))!
}
