/**
 * Shrink: from a failing run to a smaller one that fails too: fewer callers, calls, sessions and faults. A scenario that is
 * changed meets another order of things, so each change is tried with a few seeds; what fails is kept.
 */
import type { Scenario } from "./Scenario.js"
import type { Outcome } from "./Simulation.js"
import * as Simulation from "./Simulation.js"

/** Runs a seed; the simulation, unless a test puts something else in its place. */
export type Run = (seed: number, scenario: Scenario) => Outcome

/** Seeds tried for each change, and runs made in all. */
const triesPerChange = 4
const mostRuns = 300

/** The smallest failing run found from one that fails. Its seed may be another one. */
export const shrink = (failing: Outcome, run: Run = Simulation.run): Outcome => {
  let smallest = failing
  let runs = 0
  for (let found = true; found; ) {
    found = false
    for (const change of changes(smallest.scenario)) {
      for (let salt = 0; salt < triesPerChange && runs < mostRuns && !found; salt++, runs++) {
        const outcome = run(failing.seed + salt * 7_919, { ...smallest.scenario, ...change })
        if (outcome.problems.length === 0) continue
        smallest = outcome
        found = true
      }
      if (found) break
    }
  }
  return smallest
}

/** Every way to make a scenario smaller by one step, the boldest first. */
const changes = (scenario: Scenario): ReadonlyArray<Partial<Scenario>> => {
  const { faults, engine } = scenario
  const smaller: Array<Partial<Scenario>> = []
  const lower = <K extends keyof Scenario>(key: K, to: Scenario[K]): void => {
    if (scenario[key] !== to) smaller.push({ [key]: to } as unknown as Pick<Scenario, K>)
  }
  if (Object.keys(faults).length > 0) lower("faults", {})
  for (const fault of Object.keys(faults) as Array<keyof typeof faults>) {
    const { [fault]: _, ...others } = faults
    lower("faults", others)
  }
  lower("engines", 1)
  lower("kills", 0)
  lower("clockJumps", 0)
  lower("chains", false)
  lower("data", "nobody")
  lower("migrates", false)
  lower("tasks", false)
  lower("expiresInMillis", null)
  for (const rate of ["interruptions", "failingPorts", "slowPorts", "cancels", "versions", "keys"] as const)
    lower(rate, 0)
  lower("sessions", 1)
  lower("yieldOperations", Number.POSITIVE_INFINITY)
  const roomy: Scenario["engine"] = {
    idleMillis: 60_000,
    sweepMillis: 5_000,
    liveCapacity: 1_000,
    mailboxCapacity: 4_096,
    batchCapacity: 1_024,
    settleSlice: 128
  }
  if (JSON.stringify(engine) !== JSON.stringify(roomy)) lower("engine", roomy)
  for (const [key, least] of [
    ["callsPerClient", 2],
    ["clients", 1]
  ] as const) {
    const half = Math.max(least, Math.floor(scenario[key] / 2))
    if (half < scenario[key]) smaller.push({ [key]: half })
    if (scenario[key] - 1 > half) smaller.push({ [key]: scenario[key] - 1 })
  }
  return smaller
}

/** A failing run in words, with the call that repeats it. */
export const describe = ({ seed, scenario, problems }: Outcome): string => {
  // JSON has no infinity.
  const drawn = JSON.stringify(scenario, (_, value) => (value === Number.POSITIVE_INFINITY ? "∞" : value))
  return [`run(${seed}, ${drawn.replaceAll('"∞"', "Infinity")})`, ...problems].join("\n")
}
