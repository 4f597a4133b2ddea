/**
 * RandomHistory: histories of one session, made by letting callers loose on a true register and, where asked, telling
 * one of them something else. Choices come from a list of numbers, so that a failing case shrinks.
 */
import type { Action, Answer, Operation } from "../src/History.js"
import { isChange, make } from "../src/History.js"
import { absent, defaultModel, drifts, effects, type Model, type Register, told } from "../src/Register.js"
import { textOf } from "../src/SessionData.js"

const states = ["A", "B", "C"] as const

/** A model in which everything can happen. */
export const liveliest: Model = {
  ...defaultModel,
  spontaneous: ["task", "expiry"],
  finals: ["C"],
  initial: "A",
  data: "calls"
}

interface Caller {
  operation: Pick<Operation, "action" | "expected" | "next" | "expectedVersion" | "patch">
  answer: Answer | null
  done: (answer: Answer) => void
  /** The caller stopped waiting; the call may still happen. */
  gone: boolean
}

const observe = (register: Register) => ({
  version: register.version,
  state: register.state,
  next: register.next,
  archived: register.archived,
  ...(register.data !== null && { data: register.data })
})

const patchOf = (pick: number) => ({ [`field ${pick % 2}`]: pick % 5 === 0 ? null : pick % 4 })

/** What a true register answers, and what becomes of it. */
const serve = (model: Model, register: Register, call: Caller["operation"], pick: number): [Register, Answer] => {
  if (call.action === "read") return [register, { outcome: "ok", observed: observe(register) }]
  const after = effects(model, register, call as Operation)
  if (after.length > 0) {
    const taken = after[pick % after.length]!
    return [taken, { outcome: "ok", observed: observe(taken) }]
  }
  return [register, { outcome: "fail", observed: observe(register) }]
}

/** A true history of up to `callers` concurrent calls, one step for each choice. */
export const trueHistory = (
  choices: ReadonlyArray<number>,
  callers: number,
  model: Model
): ReadonlyArray<Operation> => {
  const writer = make()
  let register: Register = { ...absent, version: 1, state: "A", data: model.data === "none" ? null : "{}" }
  const active = new Map<number, Caller>()
  const adrift: Array<Caller> = []
  for (const choice of choices) {
    const process = choice % callers
    const pick = Math.floor(choice / callers)
    const caller = active.get(process)
    const drift = drifts(model, register)
    if (drift.length > 0 && pick % 5 === 0) register = drift[pick % drift.length]!
    else if (adrift.length > 0 && pick % 7 === 0) [register] = serve(model, register, adrift.pop()!.operation, pick)
    else if (caller === undefined) {
      const actions: ReadonlyArray<Action> = [
        "update",
        "update",
        "read",
        "cancel",
        "completeTask",
        "failTask",
        "releaseClaim"
      ]
      const action = actions[(pick >> 4) % (model.spontaneous.length > 0 ? 7 : 3)]!
      const operation = {
        action,
        ...(action === "update" ? { expected: states[pick % 3]!, next: states[(pick >> 2) % 3]! } : {}),
        ...(action === "update" && model.data !== "none" && pick % 3 === 0 ? { patch: patchOf(pick) } : {}),
        ...(action !== "read" && pick % 11 === 0 ? { expectedVersion: register.version } : {})
      }
      const done = writer.invoke({ process, session: "s", ...operation })
      active.set(process, { operation, done, answer: null, gone: false })
    } else if (pick % 6 === 1) {
      caller.done({ outcome: "info" })
      active.delete(process)
      if (caller.answer === null) adrift.push(caller)
    } else if (caller.answer === null) {
      const [after, answer] = serve(model, register, caller.operation, pick)
      register = after
      caller.answer = answer
    } else {
      caller.done(caller.answer)
      active.delete(process)
    }
  }
  return writer.operations()
}

/** The same history with one answer changed. */
export const corrupt = (history: ReadonlyArray<Operation>, choice: number): ReadonlyArray<Operation> => {
  const answered = history.flatMap((each, index) => (each.outcome === "info" ? [] : [index]))
  const victim = answered[choice % Math.max(1, answered.length)]
  if (victim === undefined) return history
  const operation = history[victim]!
  const observed = { ...operation.observed }
  const pick = Math.floor(choice / answered.length)
  const changed: Operation = [
    {
      ...operation,
      observed: { ...observed, version: Math.max(1, (observed.version ?? 1) + (pick % 2 === 0 ? 1 : -1)) }
    },
    { ...operation, observed: { ...observed, state: states[pick % 3]! } },
    { ...operation, outcome: isChange(operation) ? ("fail" as const) : ("ok" as const) },
    { ...operation, invoked: operation.returned, returned: operation.returned + 3 },
    { ...operation, observed: { ...observed, data: textOf(patchOf(pick)) } }
  ][(pick >> 1) % 5]!
  return history.map((each, index) => (index === victim ? changed : each))
}

/** The same history as a service without versions would have told it. */
export const withoutVersions = (history: ReadonlyArray<Operation>): ReadonlyArray<Operation> =>
  history.map((each) => {
    const { expectedVersion: _, ...operation } = each
    return each.observed === undefined
      ? operation
      : { ...operation, observed: { ...each.observed, version: undefined } }
  })

/** Judges by trying every order of every selection of doubtful calls: slow, and nothing to get wrong. */
export const bruteForce = (history: ReadonlyArray<Operation>, model: Model, from: ReadonlyArray<Register>): boolean => {
  const matches = (register: Register, operation: Operation): boolean => {
    const { version, state, next, archived, data } = operation.observed ?? {}
    return (
      (data === undefined || register.data === undefined || data === register.data) &&
      (version === undefined || version === register.version) &&
      (state === undefined || state === register.state) &&
      (next === undefined || next === register.next) &&
      (archived === undefined || archived === register.archived)
    )
  }
  const explore = (left: ReadonlyArray<Operation>, register: Register): boolean => {
    const answered = left.filter((each) => each.outcome !== "info")
    if (answered.length === 0) return true
    const first = Math.min(...answered.map((each) => each.returned))
    if (drifts(model, register).some((after) => explore(left, after))) return true
    return left.some((operation) => {
      if (operation.invoked > first) return false
      const rest = left.filter((each) => each !== operation)
      if (operation.action === "read" || operation.outcome === "fail") {
        return (
          operation.outcome !== "info" &&
          matches(register, operation) &&
          explore(rest, told(register, operation.observed))
        )
      }
      return effects(model, register, operation).some(
        (after) =>
          (operation.outcome === "info" || matches(after, operation)) &&
          explore(rest, operation.outcome === "info" ? after : told(after, operation.observed))
      )
    })
  }
  return from.some((register) => explore(history, register))
}
