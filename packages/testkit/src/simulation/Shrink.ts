/**
 * Shrink: finds a smaller failing run for a failing one: fewer callers, calls, sessions and faults (`Shrinking`).
 */
import { smallest } from "@onelane/testing/Shrinking"
import type { Scenario } from "./Scenario.js"
import type { Outcome } from "./Simulation.js"
import * as Simulation from "./Simulation.js"

/** Runs a seed; a test may replace the simulation. */
export type Run = (seed: number, scenario: Scenario) => Outcome

const limits = { triesPerChange: 4, mostRuns: 300 }

/** The smallest failing run found from one that fails. Its seed may be another one. */
export const shrink = (failing: Outcome, run: Run = Simulation.run): Outcome => {
  const asking = smallest(failing, changes, ({ problems }) => problems.length > 0, limits)
  let asked = asking.next(failing)
  while (asked.done !== true) {
    const { salt, scenario } = asked.value
    asked = asking.next(run(failing.seed + salt * 7_919, scenario))
  }
  return asked.value
}

/** All changes that make a scenario smaller by one step, the largest first. */
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

/** Describes a failing run, with the call that reproduces it. */
export const describe = ({ seed, scenario, problems }: Outcome): string => {
  // JSON has no infinity.
  const drawn = JSON.stringify(scenario, (_, value) => (value === Number.POSITIVE_INFINITY ? "∞" : value))
  return [`run(${seed}, ${drawn.replaceAll('"∞"', "Infinity")})`, ...problems].join("\n")
}
