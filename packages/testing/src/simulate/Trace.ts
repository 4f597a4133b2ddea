/** Trace: the timeline of a run: one line per event, with its instant. Two runs of one seed have the same trace. */

/** Most lines that a run keeps; further lines are only counted. */
const mostLines = 5_000

/** A timeline being written. */
export interface Trace {
  readonly note: (line: string) => void
  readonly lines: () => ReadonlyArray<string>
  /** Lines so far. */
  readonly count: () => number
}

/** Starts a trace. `onLine` is called with the number of every line. */
export const make = (millis: () => number, onLine: (ordinal: number) => void): Trace => {
  const lines: Array<string> = []
  let count = 0
  return {
    note: (line) => {
      count += 1
      if (lines.length < mostLines) lines.push(`${String(count).padStart(4)}  ${shown(millis())}  ${line}`)
      onLine(count)
    },
    lines: () => lines,
    count: () => count
  }
}

const shown = (millis: number): string => `${(millis / 1_000).toFixed(3)} s`.padStart(11)

/** The first line in which two timelines differ; null if they are equal. */
export const difference = (
  one: ReadonlyArray<string>,
  other: ReadonlyArray<string>
): readonly [string, string] | null => {
  const end = "(the end)"
  for (let place = 0; place < Math.max(one.length, other.length); place++)
    if (one[place] !== other[place]) return [one[place] ?? end, other[place] ?? end]
  return null
}

/** The last lines, for a report. */
export const tail = (lines: ReadonlyArray<string>, most: number): ReadonlyArray<string> =>
  lines.length <= most ? lines : [`      … ${lines.length - most} lines before`, ...lines.slice(-most)]
