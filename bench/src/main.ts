/** main: the command `npm run bench`. */
import { mkdirSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { describeMachine } from "./Machine.js"
import * as Page from "./Page.js"
import { render } from "./Report.js"
import * as Results from "./Results.js"
import { rows } from "./rows/index.js"
import { run } from "./Suite.js"

const directory = fileURLToPath(new URL("../results", import.meta.url))
const page = fileURLToPath(new URL("../BENCHMARKS.md", import.meta.url))

/** Rounds and scale. */
const full = ["5", "1"] as const
const quick = ["1", "0.02"] as const

const help = `npm run bench                          every row, ${rows.map(({ id }) => id).join(" ")}
npm run bench -- --only P6,P9          some rows; the others keep their results
npm run bench -- --rounds 9            rounds of each contest, default 5
npm run bench -- --scale 0.1           calls of a round, default 1
npm run bench -- --quick               every row in about five minutes, coarsely; writes nothing
npm run bench -- --report              write BENCHMARKS.md from the last results, measure nothing

Writes bench/results/latest.json and bench/BENCHMARKS.md. Ends with 1 when a history was bad or a
row could not be measured, not when a target was missed. ONELANE_BENCH_DIR says on which disk the files lie.`

const publish = (results: Results.Results): void => {
  mkdirSync(directory, { recursive: true })
  writeFileSync(page, Page.render(results))
}

const refuse = (why: string): never => {
  console.error(why)
  process.exit(2)
}

const positive = (text: string, name: string): number => {
  const value = Number(text)
  return value > 0 && Number.isFinite(value) ? value : refuse(`--${name} wants a number above 0, not ${text}`)
}

const optionsOf = () => {
  const text = { type: "string" } as const
  const flag = { type: "boolean", default: false } as const
  try {
    return parseArgs({ options: { only: text, rounds: text, scale: text, quick: flag, report: flag, help: flag } })
      .values
  } catch (error) {
    return refuse(`${(error as Error).message}\n\n${help}`)
  }
}

const values = optionsOf()
if (values.help) console.log(help)
else if (values.report) publish(Results.read(directory))
else {
  const wanted = values.only?.split(",").map((id) => id.trim().toUpperCase())
  const unknown = wanted?.find((id) => !rows.some((row) => row.id === id))
  if (unknown !== undefined) refuse(`no such row: ${unknown}; there are ${rows.map(({ id }) => id).join(", ")}`)
  const chosen = rows.filter(({ id }) => wanted === undefined || wanted.includes(id))
  const [rounds, scale] = values.quick ? quick : full
  const pace = {
    rounds: Math.ceil(positive(values.rounds ?? rounds, "rounds")),
    scale: positive(values.scale ?? scale, "scale")
  }
  let results = Results.read(directory)
  const measured = await run(chosen, pace, describeMachine(), (more) => {
    results = Results.merge(results, more)
    if (!values.quick) Results.save(directory, results)
  })
  // A quick run is too coarse to be published.
  if (!values.quick) publish(results)
  console.log(`\n${render(measured)}`)
  // The processes of a failed row end with this process.
  process.exit(measured.failures.length > 0 ? 1 : 0)
}
