/** Shop: what takes checkouts from their opening to their end, and how it proves that each came there once. */
import { transitions } from "./Route.js"

/** A shop at work. */
export interface Shop {
  /** Takes the checkout with that number from its opening to its end. */
  readonly walk: (number: number) => Promise<void>
  /** Looks at the checkouts up to that number in the store: null, or what is wrong with one. */
  readonly fault: (upTo: number) => Promise<string | null>
  /** CPU time of processes besides this one, nanoseconds. */
  readonly serverCpuNanos: () => Promise<number>
  readonly close: () => Promise<void>
}

/** For shops that are this process alone. */
export const alone = async (): Promise<number> => 0

/** Counts the runs of work, each under its key. */
export const makeRuns = () => {
  const runs = new Map<string, number>()
  return {
    ran: (key: string): void => void runs.set(key, (runs.get(key) ?? 0) + 1),
    /** Null when so many checkouts had all their work done once; or what is wrong. */
    fault: (checkouts: number): string | null => {
      for (const [key, count] of runs) if (count !== 1) return `work ${key} ran ${count} times`
      const wanted = checkouts * (transitions / 2)
      return runs.size === wanted ? null : `work ran ${runs.size} times instead of ${wanted}`
    }
  }
}
