/**
 * Interruption: half of all callers hang up, each after a number of steps that its seed draws, so at any point where a
 * call can wait. The rest must be served, no half turn may show, tasks go on. Source: TARGETS, F6.
 */
import type { Instrument } from "../Instrument.js"
import { manySeeds } from "./Sim.js"

/** The simulation with many callers who leave. */
export const instrument: Instrument = {
  name: "interruption",
  run: (options) => manySeeds(options, { interruptions: 0.5, slowPorts: 0.4, clients: 8 })
}
