/**
 * Mutants: checks that the simulation detects missing guards. Each guard is removed in a separate build. A removal that
 * is not detected within a bounded number of seeds is a failure of the proof, not of the product.
 */
import { Effect } from "effect"
import type { Instrument } from "../Instrument.js"
import { hunt } from "../simulation/Mutant.js"
import { mutations } from "../simulation/Mutations.js"

/** Most seeds to detect a mutant. */
export const mostSeeds = 100

/** Runs every mutation, with seeds from the given one on. */
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
