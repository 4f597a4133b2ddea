/**
 * Passivation: sessions are passivated as soon as they are idle, in races with the calls that activate them. The
 * histories must be linearizable, and a single caller must get the same answers as from sessions that are never
 * passivated. Source: TARGETS, F9.
 */
import { Effect } from "effect"
import type { Findings, Instrument } from "../Instrument.js"
import type { Scenario } from "../simulation/Scenario.js"
import { type Outcome, run } from "../simulation/Simulation.js"
import { manySeeds } from "./Sim.js"

const sleepless: Scenario["engine"] = {
  idleMillis: 60_000,
  sweepMillis: 5_000,
  liveCapacity: 1_000,
  mailboxCapacity: 4_096,
  batchCapacity: 1_024,
  settleSlice: 128
}
const sleepy: Scenario["engine"] = { ...sleepless, idleMillis: 1, sweepMillis: 5, liveCapacity: 1 }

/** One caller and no faults: only passivation can make a difference. */
const calm: Partial<Scenario> = {
  clients: 1,
  callsPerClient: 40,
  sessions: 4,
  engines: 1,
  tasks: false,
  expiresInMillis: null,
  kills: 0,
  faults: {},
  slowPorts: 0,
  failingPorts: 0,
  interruptions: 0,
  yieldOperations: Number.POSITIVE_INFINITY
}

const answers = ({ history }: Outcome): string =>
  JSON.stringify(history.map(({ invoked: _, returned: __, ...answer }) => answer))

/** Whether a seed's caller gets the same answers with and without passivation. */
export const isTheSame = (seed: number): boolean =>
  answers(run(seed, { ...calm, engine: sleepy })) === answers(run(seed, { ...calm, engine: sleepless }))

/** The simulation with early passivation, and the comparison for a quarter as many seeds. */
export const instrument: Instrument = {
  name: "passivation",
  run: (options) =>
    Effect.map(manySeeds(options, { engine: sleepy, sessions: 4 }), (findings): Findings => {
      const compared = Array.from({ length: Math.ceil(findings.cases / 4) }, (_, index) => options.seed + index)
      const differing = compared
        .filter((seed) => !isTheSame(seed))
        .map((seed) => `seed ${seed}: other answers when asleep`)
      return {
        ...findings,
        cases: findings.cases + compared.length,
        failures: [...findings.failures, ...differing],
        notes: [...findings.notes, `${compared.length} seeds compared with sessions that never sleep`]
      }
    })
}
