/**
 * ClusterField: a whole cluster as one subject of a contest: a PostgreSQL of its own, and runners that work at the same
 * time.
 */

import type { AddressInfo } from "node:net"
import { createServer } from "node:net"
import pg from "pg"
import type { Entrant } from "../Contest.js"
import type { Load } from "../Load.js"
import * as Postgres from "../Postgres.js"
import type { Runner } from "../Runner.js"
import type { Sample } from "../Sample.js"
import { apart } from "../SubjectProcess.js"
import type { Options } from "./Task.js"

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })

const makeTable = async (url: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query("CREATE TABLE session (id TEXT PRIMARY KEY, state TEXT NOT NULL, version INTEGER NOT NULL)")
  await client.end()
}

/** The results of all runners in one round, combined. CPU time is that of the runners alone, not of PostgreSQL. */
const together = (samples: ReadonlyArray<Sample>): Sample => {
  const sum = (of: (sample: Sample) => number) => samples.reduce((all, sample) => all + of(sample), 0)
  const most = (key: string) => Math.max(...samples.map(({ more }) => more?.[key] ?? Number.NaN))
  return {
    operations: sum(({ operations }) => operations),
    accepted: sum(({ accepted }) => accepted),
    refused: sum(({ refused }) => refused),
    cpuNanos: sum(({ cpuNanos }) => cpuNanos),
    wallNanos: Math.max(...samples.map(({ wallNanos }) => wallNanos)),
    more: Object.fromEntries(["p50", "p99", "loopP99"].map((key) => [key, most(key)]))
  }
}

/** A cluster of so many runners, each with the same load. */
export const field = (name: string, kind: Options["kind"], runners: number, load: Load): Entrant => ({
  name,
  start: async (): Promise<Runner> => {
    const { stop, url } = await Postgres.start()
    if (kind === "entity") await makeTable(url)
    const ports = await Promise.all(Array.from({ length: runners }, freePort))
    const options = (index: number): Options => ({ kind, url, index, ports, load })
    const all = await Promise.all(
      ports.map((_, index) => apart({ module: "./cluster/Task.js", options: options(index) }))
    )
    return {
      round: async () => together(await Promise.all(all.map((each) => each.round()))),
      finish: async () => {
        const checks = await Promise.all(all.map((each) => each.finish()))
        await stop()
        return {
          counted: checks.reduce((sum, { counted }) => sum + counted, 0),
          judged: checks.reduce((sum, { judged }) => sum + judged, 0),
          fault: checks.find(({ fault }) => fault !== null)?.fault ?? null
        }
      }
    }
  }
})
