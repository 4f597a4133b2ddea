/** Task: whole checkouts, so many at a time. A round's CPU time is that of all processes, a database server included. */
import { readdirSync, readFileSync } from "node:fs"
import pg from "pg"
import * as Postgres from "../Postgres.js"
import { type Runner, timed } from "../Runner.js"
import { makeDirectory } from "../WorkingFolder.js"
import { type Driver, onelaneShop } from "./OnelaneShop.js"
import { postgresShop, sqliteShop } from "./PlainShops.js"
import type { Shop } from "./Shop.js"

/** What `start` is given. */
export interface Options {
  readonly shop:
    | "SQLite statements"
    | "pg"
    | "pg with claims"
    | `onelane, SQLite, ${Driver}`
    | `onelane, PostgreSQL, ${Driver}`
  /** Checkouts at a time. */
  readonly at: number
  /** Checkouts of a round. */
  readonly checkouts: number
}

/** Starts a shop, with a database server of its own where it needs one. */
export const start = async ({ at, checkouts, shop: name }: Options): Promise<Runner> => {
  const { close, shop } = await shopOf(name)
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

const shopOf = async (name: Options["shop"]): Promise<{ readonly shop: Shop; readonly close: () => Promise<void> }> => {
  if (name === "SQLite statements") return owning(await sqliteShop())
  const driver = name.slice(name.lastIndexOf(" ") + 1) as Driver
  if (name.startsWith("onelane, SQLite")) return owning(await onelaneShop(`${makeDirectory()}/shop.db`, driver))
  const server = await Postgres.start()
  const cpu = cpuOf(await postmasterOf(server.url))
  const shop = name.startsWith("pg")
    ? await postgresShop(server.url, name === "pg with claims", cpu)
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

const nanosATick = 10_000_000

// Fields of proc(5): the parent, and the time spent in user mode and in the kernel.
const statOf = (pid: number): { readonly parent: number; readonly nanos: number } | null => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return { parent: Number(fields[1]), nanos: (Number(fields[11]) + Number(fields[12])) * nanosATick }
  } catch {
    return null // it ended meanwhile
  }
}

const cpuOf = (postmaster: number) => async (): Promise<number> => {
  let nanos = 0
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : null
    if (stat !== null && (stat.parent === postmaster || Number(name) === postmaster)) nanos += stat.nanos
  }
  return nanos
}
