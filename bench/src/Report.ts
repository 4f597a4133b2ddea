/** Report: the results of a run, on the screen and in files. */
import { mkdirSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { Report } from "./Suite.js"

const results = fileURLToPath(new URL("../results/", import.meta.url))

/** Prints every line with its target. */
export const print = (report: Report): void => {
  for (const { lines } of report.rows)
    for (const each of lines)
      console.log(
        `${each.id.padEnd(4)} ${each.met === null ? "?" : each.met ? "met" : "NOT"}  ${each.ratio?.toFixed(2) ?? "-"}  ${each.target}  ${each.what}`
      )
  for (const { id, why } of report.failures) console.log(`${id.padEnd(4)} FAILED ${why.split("\n")[0]}`)
}

/** Writes `latest.json`. */
export const save = (report: Report): void => {
  mkdirSync(results, { recursive: true })
  writeFileSync(`${results}latest.json`, `${JSON.stringify(report, null, 2)}\n`)
}
