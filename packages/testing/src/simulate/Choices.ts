/**
 * Choices: the faults and parameters of one run. Each seed draws some faults and leaves out others (swarm testing): a
 * bug that one fault hides is found in runs without that fault. A failing seed is shrunk by removing choices.
 *
 * Owns the ranges. Source: A. Groce et al., "Swarm Testing", 2012.
 */
import { appendFaults, type Fault } from "../machine/JournalFaults.js"
import type { Seeded } from "../machine/Seeded.js"

/** The faults that the author allows in a run. True or absent: allowed. */
export interface Faults {
  /** Calls and answers that are lost between the callers and the checkout. */
  readonly lostAnswers?: boolean | undefined
  /** The process is killed and started again. */
  readonly crashes?: boolean | undefined
  /** The store is slow, refuses, or does not say whether it wrote. */
  readonly store?: boolean | undefined
  /** The fakes are slow, late, silent, down, or lose the connection after the work is done. */
  readonly provider?: boolean | undefined
  /**
   * A caller's right is revoked, or its cart is closed, during the run. Only if the app uses the fakes `rights` and
   * `carts`.
   */
  readonly revokedRights?: boolean | undefined
}

/** One run. Rates are per call, 0..1. Line numbers count the lines of the timeline. */
export interface Choices {
  /** Longest network latency of a call, and longest work of a fake, milliseconds. */
  readonly latencyMillis: number
  readonly lostAnswers: number
  /** Lines after which the process is killed. */
  readonly crashAt: ReadonlyArray<number>
  /** Lines after which a right is revoked or a cart is closed. */
  readonly revokeAt: ReadonlyArray<number>
  readonly store: Partial<Record<Fault, number>>
  readonly provider: Partial<Record<"slow" | "twice" | "late" | "never" | "lost" | "down", number>>
  /** Most operations between two forced yields of a fiber; null: no forced yields. */
  readonly yields: number | null
}

const providerFaults = ["slow", "twice", "late", "never", "lost", "down"] as const

/** Most lines after which a crash or a revocation may come. */
const lastLine = 40

/** Draws a run. */
export const draw = (seeded: Seeded, faults: Faults): Choices => {
  const store: { [Name in Fault]?: number } = {}
  const provider: { [Name in (typeof providerFaults)[number]]?: number } = {}
  const [withStore, withProvider] = [seeded.chance(0.4), seeded.chance(0.6)]
  for (const fault of appendFaults) {
    const rate = seeded.chance(0.3) ? seeded.pick([0.02, 0.1]) : 0
    // No conflicts: this process is the only writer.
    if (withStore && rate > 0 && fault !== "conflict" && faults.store !== false) store[fault] = rate
  }
  for (const fault of providerFaults) {
    const rate = seeded.chance(0.4) ? seeded.pick([0.1, 0.3, 0.6]) : 0
    if (withProvider && rate > 0 && faults.provider !== false) provider[fault] = rate
  }
  const lines = (chance: number, most: number): ReadonlyArray<number> => {
    const count = seeded.chance(chance) ? seeded.between(1, most) : 0
    return Array.from({ length: count }, () => seeded.between(1, lastLine)).sort((a, b) => a - b)
  }
  const [crashAt, revokeAt] = [lines(0.5, 2), lines(0.3, 1)]
  const lostAnswers = seeded.chance(0.4) ? seeded.pick([0.05, 0.2]) : 0
  return {
    latencyMillis: seeded.pick([1, 20, 500]),
    lostAnswers: faults.lostAnswers === false ? 0 : lostAnswers,
    crashAt: faults.crashes === false ? [] : crashAt,
    revokeAt: faults.revokedRights === false ? [] : revokeAt,
    store,
    provider,
    yields: seeded.pick([null, 8, 60])
  }
}

const without = <A extends object>(all: A, name: string): A =>
  Object.fromEntries(Object.entries(all).filter(([each]) => each !== name)) as A

/** All changes that make a run smaller by one step, the largest first. */
export const smaller = (choices: Choices): ReadonlyArray<Partial<Choices>> => {
  const { crashAt, lostAnswers, provider, revokeAt, store, yields } = choices
  const all: Array<Partial<Choices>> = []
  if (Object.keys(store).length > 0) all.push({ store: {} })
  if (Object.keys(provider).length > 0) all.push({ provider: {} })
  if (lostAnswers > 0) all.push({ lostAnswers: 0 })
  if (crashAt.length > 0) all.push({ crashAt: [] })
  if (revokeAt.length > 0) all.push({ revokeAt: [] })
  if (yields !== null) all.push({ yields: null })
  for (const name of Object.keys(store)) all.push({ store: without(store, name) })
  for (const name of Object.keys(provider)) all.push({ provider: without(provider, name) })
  if (crashAt.length > 1) for (const line of crashAt) all.push({ crashAt: crashAt.filter((each) => each !== line) })
  return all
}

const rate = (value: unknown): boolean => typeof value === "number" && value >= 0 && value <= 1
const rates = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.values(value).every(rate)
const lines = (value: unknown): boolean =>
  Array.isArray(value) && value.every((line) => Number.isInteger(line) && line > 0)

const fields: { readonly [Name in keyof Choices]: (value: unknown) => boolean } = {
  latencyMillis: (value) => Number.isInteger(value) && (value as number) >= 1,
  lostAnswers: rate,
  crashAt: lines,
  revokeAt: lines,
  store: rates,
  provider: rates,
  yields: (value) => value === null || (Number.isInteger(value) && (value as number) >= 4)
}

/** Returns what is wrong with given choices, as a sentence; null if nothing. */
export const faultOf = (choices: Partial<Choices>): string | null => {
  for (const [name, value] of Object.entries(choices)) {
    const check = (fields as { readonly [name: string]: (value: unknown) => boolean })[name]
    if (check === undefined) return `choices.${name} is not known`
    if (!check(value)) return `choices.${name} is not what a failing seed prints`
  }
  return null
}
