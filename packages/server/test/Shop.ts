/** Shop: processes of examples/08-shop over one PostgreSQL, and what the buyer, the provider, the mail and the tables say of a cart. */
import { setTimeout as pause } from "node:timers/promises"
import type * as PostgresServer from "@onelane/testkit/PostgresServer"
import { Effect } from "effect"
import pg from "pg"
import * as World from "../../../examples/08-shop/world.js"
import { built, node, type Program, urlOf } from "./Program.js"

/** Long enough for a payment on a busy machine, short enough to wait for. */
const deadlineMillis = 3_000

const patienceMillis = 60_000

/** What became of a cart. */
export interface Fate {
  readonly state: string
  readonly outcome: string
  /** Distinct charges, orders, messages in the outbox, and messages that the receiver took. */
  readonly charges: number
  readonly orders: number
  readonly outbox: number
  readonly messages: number
  /** Whether the session has the id of the order. */
  readonly agrees: boolean
}

/** The one good end. */
export const one: Fate = {
  ...{ state: "Receipt", outcome: "COMPLETED" },
  ...{ charges: 1, orders: 1, outbox: 1, messages: 1, agrees: true }
}

/** A process of the shop. */
export interface Process extends Program {
  readonly url: string
}

/** A shop over databases of its own. */
export interface Shop {
  /** Starts a process; `crash` names the point at which it kills itself. */
  readonly start: (crash?: string) => Promise<Process>
  /** Waits until nothing of a cart is due. */
  readonly fateOf: (cartId: string, process: Process) => Promise<Fate>
  readonly query: (text: string, values?: Array<unknown>) => Promise<Array<any>>
  /** The environment of its processes. */
  readonly env: Readonly<Record<string, string>>
}

const post = async (url: string, body: object = {}): Promise<any> => {
  const headers = { "content-type": "application/json" }
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text}`)
  return JSON.parse(text)
}

/** Opens the checkout of a cart and gives the id of its session. */
export const open = async ({ url }: Process, cartId: string): Promise<string> =>
  (await post(`${url}/checkouts`, { cartId, item: "mug" })).id

/** Presses the button; null where the connection broke. */
export const pay = ({ url }: Process, id: string): Promise<{ readonly state: string } | null> =>
  post(`${url}/checkouts/${id}/pay`).catch((thrown) => {
    if (thrown instanceof TypeError) return null
    throw thrown
  })

const counted = `SELECT
  (SELECT count(*)::int FROM orders WHERE session_id = $1) AS orders,
  (SELECT count(*)::int FROM outbox WHERE body->>'sessionId' = $1) AS outbox,
  (SELECT count(*)::int FROM outbox WHERE sent_at IS NULL) AS unsent,
  (SELECT count(*)::int FROM purchase WHERE session_id = $1 AND settled < presses) AS due,
  (SELECT outcome FROM purchase WHERE session_id = $1) AS outcome,
  (SELECT max(id)::text FROM orders WHERE session_id = $1) AS "orderId"`

const fate =
  (query: Shop["query"], world: World.World): Shop["fateOf"] =>
  async (cartId, { url }) => {
    for (let waited = 0; ; waited += 100) {
      const [{ session_id: id }] = await query("SELECT session_id FROM purchase WHERE cart_id = $1", [cartId])
      const [{ due, orderId, orders, outbox, outcome, unsent }] = await query(counted, [id])
      if (waited < patienceMillis && (due > 0 || orders < 1 || unsent > 0)) {
        await pause(100)
        continue
      }
      const session: any = await (await fetch(`${url}/checkouts/${id}`)).json()
      const charges = [...world.charges.values()].filter((charge) => charge.cartId === cartId).length
      const messages = [...world.messages.values()].filter(({ sessionId }) => sessionId === id).length
      const agrees = session.orderId === orderId
      return { state: session.state, outcome, charges, orders, outbox, messages, agrees }
    }
  }

/** Gives a test a shop; `seen` may kill a process when the world has done something and has not answered. */
export const selling = (
  server: PostgresServer.PostgresServer,
  test: (shop: Shop) => Promise<void>,
  seen?: World.Seen
): Promise<void> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const [database, storage] = [yield* server.makePlace, yield* server.makePlace]
        const world = yield* Effect.acquireRelease(
          Effect.promise(() => World.start(0, seen)),
          ({ close }) => Effect.sync(close)
        )
        const pool = yield* Effect.acquireRelease(
          // A server that ends first is no fault of a test.
          Effect.sync(() => new pg.Pool({ connectionString: database, max: 4 }).on("error", () => {})),
          (pool) => Effect.promise(() => pool.end())
        )
        const query: Shop["query"] = async (text, values = []) => (await pool.query(text, values)).rows
        const env = {
          ...{ SHOP_DATABASE: database, CHECKOUT_STORAGE: storage, PAY_DEADLINE_MILLIS: `${deadlineMillis}` },
          ...{ PROVIDER_URL: world.url, MAIL_URL: world.url }
        }
        const programs = yield* Effect.acquireRelease(Effect.succeed(new Set<Program>()), (all) =>
          Effect.sync(() => {
            for (const { process } of all) process.kill("SIGKILL")
          })
        )
        const start: Shop["start"] = async (crash = "") => {
          const program = node([built("shop")], { ...env, SHOP_CRASH: crash })
          programs.add(program)
          return { ...program, url: await urlOf(program) }
        }
        yield* Effect.promise(() => test({ env, start, query, fateOf: fate(query, world) }))
      })
    )
  )
