/** Suite: rows one after the other. A row that fails is told and does not stop the others; the run has failed all the same. */
import { loadavg } from "node:os"
import type { Machine } from "./Machine.js"
import type { Findings, Pace, Row } from "./Row.js"

/** A row that was measured. */
export interface Measured extends Findings {
  readonly id: string
  readonly title: string
  readonly seconds: number
  /** Load average while it ran: above 1 on this row means that others were using the machine. */
  readonly load: number
}

/** A run. */
export interface Report {
  readonly machine: Machine
  readonly startedAt: string
  readonly rounds: number
  readonly scale: number
  readonly rows: ReadonlyArray<Measured>
  readonly failures: ReadonlyArray<{ readonly id: string; readonly why: string }>
}

/** Measures rows. */
export const run = async (
  rows: ReadonlyArray<Row>,
  { rounds, scale }: Pick<Pace, "rounds" | "scale">,
  machine: Machine
): Promise<Report> => {
  const startedAt = new Date().toISOString()
  const measured: Array<Measured> = []
  const failures: Array<{ readonly id: string; readonly why: string }> = []
  for (const { id, title, measure } of rows) {
    const started = performance.now()
    const seconds = (): number => Math.round((performance.now() - started) / 1_000)
    console.error(`\n${id}  ${title}`)
    const say = (progress: string): void => {
      if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K  ${seconds()} s  ${progress}`)
    }
    try {
      const findings = await measure({ rounds, scale, say })
      measured.push({ id, title, seconds: seconds(), load: Number(loadavg()[0]!.toFixed(1)), ...findings })
      say("")
      for (const { what, ratio, target, met } of findings.lines)
        console.error(`  ${met === null ? "?" : met ? "✓" : "✗"} ${what}: ${ratio?.toFixed(2) ?? "-"} (${target})`)
      console.error(`  ${seconds()} s, ${findings.judged.toLocaleString("en-US")} calls judged`)
    } catch (error) {
      failures.push({ id, why: error instanceof Error ? error.message : String(error) })
      console.error(`\n  failed: ${error instanceof Error ? error.stack : error}`)
    }
  }
  return { machine, startedAt, rounds, scale, rows: measured, failures }
}
