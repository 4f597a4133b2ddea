/** Task: whole checkouts, so many at a time. A round's CPU time is that of all processes, a database server included. */
import pg from "pg"
import * as Postgres from "../Postgres.js"
import { type Runner, timed } from "../Runner.js"
import { makeDirectory } from "../WorkingFolder.js"
import { dbosShop } from "./DbosShop.js"
import { type Driver, onelaneShop } from "./OnelaneShop.js"
import type { Manner, Peer } from "./Peers.js"
import { postgresShop, sqliteShop } from "./PlainShops.js"
import { cpuOf, statOf } from "./ProcessCpu.js"
import { restateShop } from "./RestateShop.js"
import type { Shop } from "./Shop.js"

/** What `start` is given. */
export interface Options {
  readonly shop:
    | "SQLite statements"
    | "pg"
    | "pg with claims"
    | `onelane, SQLite, ${Driver}`
    | `onelane, PostgreSQL, ${Driver}`
    | `${Peer}, ${Manner}`
  /** Checkouts at a time. */
  readonly at: number
  /** Checkouts of a round. */
  readonly checkouts: number
}

/** Starts a shop, with a database server of its own where it needs one. */
export const start = async ({ at, checkouts, shop: name }: Options): Promise<Runner> => {
  const { close, shop } = await shopOf(name, at)
  let walked = 0
  return {
    round: async () => {
      const [from, to] = [walked, walked + checkouts]
      const before = await shop.serverCpuNanos()
      let next = from
      const caller = async (): Promise<void> => {
        while (next < to) await shop.walk(next++)
      }
      const { cpuNanos, wallNanos } = await timed(
        async () => void (await Promise.all(Array.from({ length: at }, caller)))
      )
      walked = to
      const ofServer = (await shop.serverCpuNanos()) - before
      return { operations: checkouts, accepted: checkouts, refused: 0, cpuNanos: cpuNanos + ofServer, wallNanos }
    },
    finish: async () => {
      const fault = await shop.fault(walked)
      await close()
      return { counted: walked, judged: walked, fault }
    }
  }
}

const shopOf = async (
  name: Options["shop"],
  at: number
): Promise<{ readonly shop: Shop; readonly close: () => Promise<void> }> => {
  if (name === "SQLite statements") return owning(await sqliteShop())
  const manner = name.endsWith("one call") ? "one call" : "driven"
  if (name.startsWith("Restate")) return owning(await restateShop(manner))
  const driver = name.slice(name.lastIndexOf(" ") + 1) as Driver
  if (name.startsWith("onelane, SQLite")) return owning(await onelaneShop(`${makeDirectory()}/shop.db`, driver))
  const server = await Postgres.start()
  const cpu = cpuOf(await postmasterOf(server.url))
  const shop = name.startsWith("pg")
    ? await postgresShop(server.url, name === "pg with claims", cpu)
    : name.startsWith("DBOS")
      ? await dbosShop(server.url, manner, at, cpu)
      : await onelaneShop(server.url, driver, cpu)
  return { shop, close: () => shop.close().then(server.stop) }
}

const owning = (shop: Shop) => ({ shop, close: shop.close })

const postmasterOf = async (url: string): Promise<number> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query("SELECT pg_backend_pid() AS pid")
  const parent = statOf(rows[0].pid)!.parent
  await client.end()
  return parent
}
