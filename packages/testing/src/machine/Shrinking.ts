/**
 * Shrinking: finds a smaller failing run for a failing one. A changed scenario has another order of events, so each
 * change is tried with a few salts, and a change that still fails is kept. It is a generator that requests runs, so the
 * caller may run them synchronously or asynchronously.
 */

/** Most runs per change, and most runs in total. */
export interface Limits {
  readonly triesPerChange: number
  readonly mostRuns: number
}

/** A run to try. */
export interface Trial<Scenario> {
  readonly salt: number
  readonly scenario: Scenario
}

/** Yields trials and returns the smallest failing run found. Pass the outcome of each trial to `next`. */
export function* smallest<Scenario, Outcome extends { readonly scenario: Scenario }>(
  failing: Outcome,
  changes: (scenario: Scenario) => ReadonlyArray<Partial<Scenario>>,
  isFailing: (outcome: Outcome) => boolean,
  { mostRuns, triesPerChange }: Limits
): Generator<Trial<Scenario>, Outcome, Outcome> {
  let found = failing
  let runs = 0
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false
    for (const change of changes(found.scenario)) {
      for (let salt = 0; salt < triesPerChange && runs < mostRuns && !isSmaller; salt++, runs++) {
        const outcome = yield { salt, scenario: { ...found.scenario, ...change } }
        if (!isFailing(outcome)) continue
        found = outcome
        isSmaller = true
      }
      if (isSmaller) break
    }
  }
  return found
}
