/** Sample: the result of one timed round of one subject, and how several are summarised. */

/** One round. `cpuNanos` and `wallNanos` are for all operations together. */
export interface Sample {
  readonly operations: number
  readonly accepted: number
  readonly refused: number
  readonly cpuNanos: number
  readonly wallNanos: number
  /** Figures that only some rows measure: percentiles, bytes, ticks. */
  readonly more?: Readonly<Record<string, number>>
}

/** The median of several figures, and the lowest and highest. */
export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

/** Summarises figures. */
export const spreadOf = (figures: ReadonlyArray<number>): Spread => {
  const sorted = [...figures].sort((a, b) => a - b)
  const half = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
  return { median, low: sorted[0]!, high: sorted[sorted.length - 1]! }
}

/** The value below which `share` (0..1) of the sorted figures lie. */
export const percentile = (sorted: ArrayLike<number>, share: number): number =>
  sorted.length === 0 ? Number.NaN : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!

/** CPU nanoseconds per operation. */
export const cpuEach = (sample: Sample): number => sample.cpuNanos / sample.operations

/** Operations per second of wall time. */
export const perSecond = (sample: Sample): number => (sample.operations * 1e9) / sample.wallNanos

/**
 * One figure against another, round by round: paired rounds are close in time, so the load of the machine cancels out.
 */
export const ratios = (
  ours: ReadonlyArray<Sample>,
  theirs: ReadonlyArray<Sample>,
  figure: (sample: Sample) => number
): Spread => spreadOf(ours.map((sample, round) => figure(sample) / figure(theirs[round]!)))
