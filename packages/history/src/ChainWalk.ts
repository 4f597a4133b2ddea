/**
 * ChainWalk: the third part of Chain. Goes from version to version and finds the cause of each: the recorded accepted
 * call, a spontaneous change of the session, or a call with an unknown outcome, each at most once.
 *
 * Doubtful calls of the same kind are interchangeable: the latest instant of a version only grows along the chain, so a
 * call that was early enough for one version is early enough for all later ones. Only their number matters.
 */
import type { Place } from "./Chain.js"
import { isLeft, type Kind, kindsOf } from "./Doubt.js"
import type { Operation } from "./History.js"
import { drifts, effects, key, type Model, permits, type Register, starts, told } from "./Register.js"
import type { Finding } from "./Verdict.js"

/** A possible cause of a version: the register after it, and the kind of doubtful call it uses up, if any. */
interface Cause {
  readonly after: Register
  readonly kind: Kind | null
}

/** The data used to find causes. */
export interface Causes {
  readonly kinds: ReadonlyArray<Kind>
  readonly kindsFor: (before: Register) => ReadonlyArray<Kind>
  /** For each version, the latest instant at which it can have begun. */
  readonly latest: Float64Array
  readonly model: Model
}

/** A version with more than one possible cause, for backtracking. */
interface Fork {
  readonly index: number
  readonly causes: ReadonlyArray<Cause>
  readonly depth: number
  tried: number
}

/** Returns an unexplained version as a fault, or null if all are explained. */
export const walk = (
  operations: ReadonlyArray<Operation>,
  places: ReadonlyArray<Place>,
  latest: Float64Array,
  model: Model,
  budget: number
): Finding | null | "undecided" => {
  const kinds = kindsOf(operations)
  const looking: Causes = { kinds, kindsFor: byExpectation(kinds), latest, model }
  const forks: Array<Fork> = []
  const spent: Array<Kind> = []
  const visited = new Set<string>()
  let furthest = { index: -1, before: null as Register | null }
  let before: Register | null = null
  let index = 0
  let causes: ReadonlyArray<Cause> = starts(model, operations, true, knownOf(places[0]!))
    .filter((each) => fits(places[0]!, each))
    .map(given)
  for (;;) {
    let cause = causes[0]
    if (causes.length > 1) {
      const here = `${index} ${before === null ? "" : key(before)} ${looking.kinds.map((kind) => kind.used).join(",")}`
      if (visited.has(here)) cause = undefined
      else {
        visited.add(here)
        if (visited.size > budget) return "undecided"
        forks.push({ index, causes, depth: spent.length, tried: 1 })
      }
    }
    if (cause === undefined) {
      if (index > furthest.index) furthest = { index, before }
      let fork = forks.at(-1)
      while (fork !== undefined && fork.tried === fork.causes.length) {
        forks.pop()
        fork = forks.at(-1)
      }
      if (fork === undefined) return unexplained(operations, places, furthest.index, furthest.before, model)
      while (spent.length > fork.depth) spent.pop()!.used--
      index = fork.index
      cause = fork.causes[fork.tried++]!
    }
    if (cause.kind !== null) {
      cause.kind.used++
      spent.push(cause.kind)
    }
    before = cause.after
    index++
    if (index === places.length) return null
    causes = causesOf(looking, places[index]!, index, before)
  }
}

const knownOf = ({ state, next, archived, data }: Place): Partial<Register> => ({
  ...(state === undefined ? {} : { state: state.value }),
  ...(next === undefined ? {} : { next: next.value }),
  ...(archived === undefined ? {} : { archived: archived.value }),
  ...(data === undefined ? {} : { data: data.value })
})

const given = (after: Register): Cause => ({ after, kind: null })

/**
 * The kinds that can come after a register. Those that fit only one version come first: they cannot be used elsewhere.
 */
const byExpectation = (kinds: ReadonlyArray<Kind>): Causes["kindsFor"] => {
  const byVersion = new Map<number, Array<Kind>>()
  const byState = new Map<string | undefined, Array<Kind>>()
  for (const kind of kinds) {
    const { expectedVersion, expected } = kind.sample
    const [index, value] = expectedVersion === undefined ? [byState, expected] : [byVersion, expectedVersion]
    const same = (index as Map<unknown, Array<Kind>>).get(value)
    if (same === undefined) (index as Map<unknown, Array<Kind>>).set(value, [kind])
    else same.push(kind)
  }
  const none: ReadonlyArray<Kind> = []
  return ({ version, state }) => [
    ...(byVersion.get(version) ?? none),
    ...((state === null ? undefined : byState.get(state)) ?? none),
    ...(byState.get(undefined) ?? none)
  ]
}

/** Every register a version can hold after `before`, each with its cheapest cause. */
const causesOf = (looking: Causes, place: Place, index: number, before: Register): ReadonlyArray<Cause> => {
  const { model, kindsFor, latest } = looking
  if (place.change !== undefined) {
    return effects(model, before, place.change)
      .filter((each) => fits(place, each))
      .map((each) => given(seen(place, each)))
  }
  const found = new Map<string, Cause>()
  const add = (after: Register, kind: Kind | null): void => {
    if (!fits(place, after)) return
    const told = seen(place, after)
    if (!found.has(key(told))) found.set(key(told), { after: told, kind })
  }
  for (const after of drifts(model, before)) add(after, null)
  for (const kind of kindsFor(before)) {
    if (!isLeft(kind, latest[index]!)) continue
    for (const after of effects(model, before, kind.sample)) add(after, kind)
  }
  return [...found.values()]
}

const seen = ({ data }: Place, register: Register): Register => told(register, data && { data: data.value })

const fits = (place: Place, register: Register): boolean =>
  register.version === place.version &&
  (place.state === undefined || place.state.value === register.state) &&
  (place.next === undefined || place.next.value === register.next) &&
  (place.archived === undefined || place.archived.value === register.archived) &&
  (place.data === undefined || register.data === undefined || place.data.value === register.data) &&
  place.observers.every((each) => permits(register, each))

/** The fault of an unexplained version, with the operations that saw it and refused calls that look like its cause. */
const unexplained = (
  operations: ReadonlyArray<Operation>,
  places: ReadonlyArray<Place>,
  index: number,
  before: Register | null,
  model: Model
): Finding => {
  const place = places[index]!
  const known = [places[index - 1]?.state?.by, place.change, place.state?.by].filter((each) => each !== undefined)
  if (place.change !== undefined) return { rule: "wrong effect", operations: [...new Set(known)] }
  const refused = operations.filter(
    (each) =>
      each.outcome === "fail" &&
      each.action !== "read" &&
      before !== null &&
      effects(model, before, each).some((after) => fits(place, after))
  )
  const rule = refused.length > 0 ? "resurrected write" : "unexplained change"
  return { rule, operations: [...new Set([...known, ...refused.slice(0, 3)])] }
}
