/**
 * Seeded: reproducible choices. One seed gives one sequence. `split` gives a part of a simulation its own sequence, so
 * that a change in one part does not affect the choices of the others.
 */
import { PCGRandom } from "effect/Utils"

/** A source of choices. */
export interface Seeded {
  /** A whole number from 0 to below `bound`. */
  readonly below: (bound: number) => number
  /** A whole number from `low` to `high`, both included. */
  readonly between: (low: number, high: number) => number
  /** True in `rate` (0..1) of the cases. */
  readonly chance: (rate: number) => boolean
  /** One of the items. */
  readonly pick: <A>(items: ReadonlyArray<A>) => A
  /** A new source, determined by this one. */
  readonly split: () => Seeded
}

/** A source from a seed (any whole number). */
export const make = (seed: number): Seeded => {
  const random = new PCGRandom(seed)
  const below = (bound: number): number => random.integer(bound)
  return {
    below,
    between: (low, high) => low + below(high - low + 1),
    chance: (rate) => rate > 0 && random.number() < rate,
    pick: (items) => items[below(items.length)]!,
    split: () => make(random.integer(0x7fffffff))
  }
}
