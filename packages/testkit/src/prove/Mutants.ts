/**
 * Mutants: whether the simulation would notice at all. Each guard is taken out of a build of its own; one that is not
 * missed within a bounded number of seeds is a failure of the proof, not of the product.
 */
import { Effect } from "effect"
import type { Instrument } from "../Instrument.js"
import { hunt } from "../simulation/Mutant.js"
import { mutations } from "../simulation/Mutations.js"

/** Seeds a mutant may live through. */
export const mostSeeds = 100

/** Every mutation, hunted with the seeds from the one given. */
export const instrument: Instrument = {
  name: "mutants",
  run: ({ seed, progress }) =>
    Effect.gen(function* () {
      const failures: Array<string> = []
      const notes: Array<string> = []
      for (const mutation of mutations) {
        const { seeds, caught } = yield* hunt(mutation, seed, mostSeeds)
        if (caught === null) failures.push(`${mutation.name}: alive after ${seeds} seeds from ${seed}`)
        else notes.push(`${mutation.name}: ${seeds}`)
        progress(`${mutation.name}: ${caught === null ? "alive" : `caught by seed ${caught.seed}`}`)
      }
      return { cases: mutations.length, failures, notes: [`seeds needed: ${notes.join(", ")}`] }
    })
}
