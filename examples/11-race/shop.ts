/**
 * A checkout of three statements on PostgreSQL, to be raced: `careful` decides inside the UPDATE (compare-and-set),
 * `careless` reads, decides, and writes. It uses nothing of Onelane. Run it with `careful` or `careless`; DATABASE_URL
 * names the database.
 */
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import pg from "pg"

const careless = process.argv[2] === "careless"
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 16 })

interface Checkout {
  readonly id: string
  readonly state: string
  readonly closed: boolean
}

const one = async (text: string, values: Array<unknown>): Promise<Checkout | undefined> =>
  (await pool.query<Checkout>(text, values)).rows[0]

const find = (id: string) => one("SELECT id, state, closed FROM checkout WHERE id = $1", [id])

/** Moves a checkout on; undefined if it is not in the state that the buyer saw. */
const move = async (id: string, from: string, to: string): Promise<Checkout | undefined> => {
  if (careless) {
    const found = await find(id)
    if (found === undefined || found.closed || found.state !== from) return undefined
    return one("UPDATE checkout SET state = $2, closed = $3 WHERE id = $1 RETURNING *", [id, to, to === "done"])
  }
  const text = "UPDATE checkout SET state = $3, closed = $4 WHERE id = $1 AND state = $2 AND NOT closed RETURNING *"
  return one(text, [id, from, to, to === "done"])
}

const cancel = async (id: string): Promise<Checkout | undefined> => {
  if (careless && (await find(id))?.closed !== false) return undefined
  const open = careless ? "" : "AND NOT closed"
  return one(`UPDATE checkout SET closed = true WHERE id = $1 ${open} RETURNING *`, [id])
}

const bodyOf = async (request: IncomingMessage): Promise<{ readonly from: string; readonly to: string }> => {
  let text = ""
  for await (const piece of request) text += piece
  return JSON.parse(text)
}

const answer = async (request: IncomingMessage): Promise<Checkout | undefined> => {
  const [, id = "", verb] = /^\/checkouts(?:\/([\w-]+))?(?:\/(\w+))?$/.exec(request.url ?? "") ?? []
  if (request.method === "GET") return find(id)
  if (id === "") return one("INSERT INTO checkout DEFAULT VALUES RETURNING *", [])
  if (verb === "cancel") return cancel(id)
  const { from, to } = await bodyOf(request)
  return move(id, from, to)
}

const table =
  "CREATE TABLE IF NOT EXISTS checkout (id serial PRIMARY KEY, state text DEFAULT 'cart', closed boolean DEFAULT false)"
await pool.query(table)
const server = createServer((request, response) => {
  const told = (status: number, body: object) =>
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
  answer(request).then(
    (checkout) => (checkout === undefined ? told(409, { error: "it is not there" }) : told(200, checkout)),
    (error) => told(500, { error: String(error) })
  )
})
const port = Number(process.argv[3] ?? 0)
server.listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
