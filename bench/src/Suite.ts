/**
 * Suite: runs rows one after the other. A row that fails is reported and does not stop the others, but the whole run
 * has then failed. Progress is shown in place on a terminal, and as an occasional line elsewhere.
 */
import { loadavg } from "node:os"
import type { Machine } from "./Machine.js"
import { markOf } from "./Report.js"
import type { Measured, Results } from "./Results.js"
import type { Pace, Row } from "./Row.js"

/** The output for progress. */
export interface Screen {
  readonly write: (text: string) => void
  readonly isTTY?: boolean | undefined
}

const quietMillis = 15_000

/** Shows progress: replaces the last line on a terminal; elsewhere writes a line if none was written for a while. */
export const progressOn = (screen: Screen, nowMillis: () => number = () => performance.now()) => {
  const started = nowMillis()
  let shown = started
  return (progress: string): void => {
    const now = nowMillis()
    const line = `  ${Math.round((now - started) / 1_000)} s  ${progress}`
    if (screen.isTTY === true) screen.write(`\r\u001b[K${progress === "" ? "" : line}`)
    else if (progress !== "" && now - shown >= quietMillis) {
      shown = now
      screen.write(`${line}\n`)
    }
  }
}

const loadNow = (): number => Number(loadavg()[0]!.toFixed(1))

/** Measures rows; `keep` gets the results of each row as soon as it is done. */
export const run = async (
  rows: ReadonlyArray<Row>,
  { rounds, scale }: Pick<Pace, "rounds" | "scale">,
  machine: Machine,
  keep: (results: Results) => void,
  screen: Screen = process.stderr
): Promise<Results> => {
  const contests: Array<Measured> = []
  const failures: Array<Results["failures"][number]> = []
  for (const { id, title, measure } of rows) {
    const started = performance.now()
    const begun = { id, title, date: new Date().toISOString(), rounds, scale, machine }
    const before = loadNow()
    const say = progressOn(screen)
    screen.write(`\n${id}  ${title}\n`)
    try {
      const findings = await measure({ rounds, scale, say })
      const seconds = Math.round((performance.now() - started) / 1_000)
      contests.push({ ...begun, seconds, load: [before, loadNow()], ...findings })
      say("")
      for (const line of findings.lines) screen.write(`  ${markOf(line)}\n`)
      screen.write(`  ${seconds} s, ${findings.judged.toLocaleString("en-US")} calls judged\n`)
      keep({ contests: contests.slice(-1), failures: [] })
    } catch (error) {
      failures.push({ id, date: begun.date, why: error instanceof Error ? error.message : String(error) })
      screen.write(`\n  failed: ${error instanceof Error ? error.stack : error}\n`)
      keep({ contests: [], failures: failures.slice(-1) })
    }
  }
  return { contests, failures }
}
