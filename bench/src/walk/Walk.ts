/**
 * Walk: what ran, in which order, for one call: functions, files, and borders between packages.
 *
 * Owns the recorder and its summary. A call crosses a border when the nearest function of ours below it on the stack is of
 * another package. The first call comes from the program; one that the event loop makes later crosses no border.
 */

/** One function that ran. */
export interface Step {
  /** `packages/<package>/src/<file>.ts` */
  readonly path: string
  readonly name: string
  /** Functions of ours below it on the stack. */
  readonly depth: number
  /** The package of its caller where that is another one, else null. */
  readonly from: string | null
}

/** A walk in figures. */
export interface Summary {
  readonly functions: number
  readonly files: number
  /** Borders that are crossed: `engine → sql` is one, however often. */
  readonly borders: ReadonlyArray<string>
  /** Calls that cross a border. */
  readonly crossings: number
  /** Calls of functions, repeated ones included. */
  readonly calls: number
}

/** What instrumented files talk to; they find it as `globalThis.$walk`. */
export interface Recorder {
  /** Announces a file and its functions; answers the number of the first. */
  readonly file: (path: string, names: ReadonlyArray<string>) => number
  readonly enter: (id: number) => void
  readonly leave: () => void
  /** Entered, and not on the stack for as long as it runs. */
  readonly touch: (id: number) => void
  /** Starts a walk. */
  readonly start: () => void
  /** Ends it. */
  readonly end: () => ReadonlyArray<Step>
}

/** The package of a path. */
export const packageOf = (path: string): string => path.split("/")[1]!

/** A recorder that records between `start` and `end`. */
export const makeRecorder = (): Recorder => {
  const functions: Array<{ readonly path: string; readonly name: string }> = []
  const stack: Array<number> = []
  let steps: Array<Step> | null = null
  const record = (id: number): void => {
    if (steps === null) return
    const { path, name } = functions[id]!
    const below = stack.at(-1)
    const caller = below !== undefined ? packageOf(functions[below]!.path) : steps.length === 0 ? "program" : null
    const from = caller === packageOf(path) ? null : caller
    steps.push({ path, name, depth: stack.length, from })
  }
  return {
    file: (path, names) => {
      for (const name of names) functions.push({ path, name })
      return functions.length - names.length
    },
    enter: (id) => {
      record(id)
      stack.push(id)
    },
    leave: () => void stack.pop(),
    touch: record,
    start: () => {
      steps = []
    },
    end: () => {
      const walked = steps ?? []
      steps = null
      return walked
    }
  }
}

const keyOf = ({ path, name }: Step): string => `${path} ${name}`

/** Counts a walk. */
export const summarise = (walk: ReadonlyArray<Step>): Summary => ({
  functions: new Set(walk.map(keyOf)).size,
  files: new Set(walk.map(({ path }) => path)).size,
  borders: [...new Set(walk.flatMap(({ from, path }) => (from === null ? [] : [`${from} → ${packageOf(path)}`])))],
  crossings: walk.filter(({ from }) => from !== null).length,
  calls: walk.length
})

/** The walk that was taken most often; a timer that fires meanwhile makes one that is not. */
export const usual = (walks: ReadonlyArray<ReadonlyArray<Step>>): ReadonlyArray<Step> => {
  const counts = new Map<string, { readonly walk: ReadonlyArray<Step>; times: number }>()
  for (const walk of walks) {
    const key = walk.map((step) => `${step.depth} ${keyOf(step)}`).join("\n")
    const seen = counts.get(key) ?? { walk, times: 0 }
    seen.times += 1
    counts.set(key, seen)
  }
  return [...counts.values()].reduce((most, one) => (one.times > most.times ? one : most)).walk
}

/** The walk as text: a line a call, indented by depth, `→` where it crosses a border; then files, then the figures. */
export const render = (walk: ReadonlyArray<Step>): string => {
  const lines = walk.map(({ path, name, depth, from }) => {
    const [, home, , ...file] = path.split("/")
    return `${from === null ? " " : "→"} ${"  ".repeat(depth)}${home}/${file.join("/")} ${name}`
  })
  const packages = [...new Set(walk.map(({ path }) => packageOf(path)))].map((home) => {
    const here = walk.filter(({ path }) => packageOf(path) === home)
    const { functions, files } = summarise(here)
    return `${home}: ${functions} functions in ${files} files`
  })
  const { borders, calls, crossings, files, functions } = summarise(walk)
  const figures = `${functions} functions, ${files} files, ${borders.length} package borders`
  const more = `(${calls} calls, ${crossings} of them across a border: ${borders.join(", ")})`
  return [...lines, "", ...packages, figures, more].join("\n")
}
