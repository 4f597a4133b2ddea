/**
 * Interruption: half of all calls are interrupted, each after a number of steps that the seed draws, so at any point
 * where a call can wait. The others must be served, no half-finished turn may be visible, tasks continue. Source:
 * TARGETS, F6.
 */
import type { Instrument } from "../Instrument.js"
import { manySeeds } from "./Sim.js"

/** The simulation with many interrupted calls. */
export const instrument: Instrument = {
  name: "interruption",
  run: (options) => manySeeds(options, { interruptions: 0.5, slowPorts: 0.4, clients: 8 })
}
