/**
 * ProveCommand: `npm run prove [-- --minutes N] [--seed N] [--only name,name] [--short]`. Runs every instrument of
 * `prove/` and writes the rows to `prove/latest.json` at the root. Exits with 1 if a guarantee was violated or too
 * little happened.
 */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { Clock, Effect } from "effect"
import type { Instrument, InstrumentOptions } from "./Instrument.js"
import { passed, prove, type Row, render } from "./Prove.js"

const defaultMinutes = 5

const say = (line: string): void => void process.stderr.write(`${line}\n`)

/** Loads the instruments: one per module of `prove/`, by the source files, so that a stale build adds none. */
const instruments = (): Promise<ReadonlyArray<Instrument>> => {
  const names = readdirSync(new URL("../src/prove/", import.meta.url)).filter((name) => name.endsWith(".ts"))
  const load = async (name: string): Promise<Instrument | undefined> =>
    ((await import(`./prove/${name.replace(/ts$/, "js")}`)) as { readonly instrument?: Instrument }).instrument
  return Promise.all(names.map(load)).then((all) => all.filter((each) => each !== undefined))
}

const chosen = (all: ReadonlyArray<Instrument>, only: string | undefined): ReadonlyArray<Instrument> => {
  if (only === undefined) return all
  return only.split(",").map((name) => {
    const found = all.find((each) => each.name === name)
    if (found === undefined)
      throw new Error(`no instrument ${name}; there are: ${all.map((each) => each.name).join(", ")}`)
    return found
  })
}

const main = Effect.gen(function* () {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string" },
      seed: { type: "string" },
      only: { type: "string" },
      short: { type: "boolean", default: false }
    }
  })
  const minutes = Number(values.minutes ?? defaultMinutes)
  const seed = Number(values.seed ?? (yield* Clock.currentTimeMillis) % 1_000_000_000)
  const rows: Array<Row> = []
  for (const each of chosen(yield* Effect.promise(instruments), values.only)) {
    say(`${each.name}: seed ${seed}`)
    const progress: InstrumentOptions["progress"] = (line) => say(`${each.name}: ${line}`)
    rows.push(yield* prove(each, { seed, minutes, short: values.short, progress }))
    const directory = new URL("../../../prove/", import.meta.url)
    mkdirSync(directory, { recursive: true })
    writeFileSync(new URL("latest.json", directory), `${JSON.stringify(rows, null, 2)}\n`)
  }
  process.stdout.write(`${render(rows)}\n`)
  return rows.every(passed)
})

// Stopping the command also stops the processes it started: they end with their scopes.
const stop = new AbortController()
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort())

Effect.runPromise(main, { signal: stop.signal }).then(
  (allPassed) => process.exit(allPassed ? 0 : 1),
  (cause) => {
    say(String(cause))
    process.exit(2)
  }
)
