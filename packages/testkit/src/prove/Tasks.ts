/**
 * Tasks: engines are killed before, during and after their tasks, hosts complete them late, twice or not at all, and
 * meanwhile the clock is set forward and back. Each operation is closed at most once, by its own result, and no claim
 * outlives its deadline. Source: TARGETS, F11.
 */
import type { Instrument } from "../Instrument.js"
import { manySeeds } from "./Sim.js"

/** The simulation with tasks, kills and clock jumps in every run. */
export const instrument: Instrument = {
  name: "tasks",
  run: (options) => manySeeds(options, { tasks: true, kills: 3, clockJumps: 3, callsPerClient: 16, clients: 6 })
}
