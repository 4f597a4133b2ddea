/** Every build without one of its guards is noticed. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { hunt } from "../src/simulation/Mutant.js"
import { mutations } from "../src/simulation/Mutations.js"

const timeout = 120_000

describe("Mutant", () => {
  for (const mutation of mutations) {
    it.effect(
      `is caught: ${mutation.name}`,
      () =>
        Effect.map(hunt(mutation, 1, 100), ({ caught }) => {
          assert.isNotNull(caught)
        }),
      timeout
    )
  }
})
