/**
 * Tasks: engines are killed before, during and after their tasks, hosts complete them late, twice, or not at all. Each
 * operation is closed at most once, by its own result, and no claim outlives its deadline. Source: TARGETS, F11.
 */
import type { Instrument } from "../Instrument.js"
import { manySeeds } from "./Sim.js"

/** The simulation with tasks and kills in every run. */
export const instrument: Instrument = {
  name: "tasks",
  run: (options) => manySeeds(options, { tasks: true, kills: 3, callsPerClient: 30, clients: 6 })
}
