/** Shop: what takes checkouts from their opening to their end, and how it proves that each came there once. */

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
