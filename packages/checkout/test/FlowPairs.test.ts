/** Random pairs of flows, the process killed in the middle of a migration: every live session has a way on. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck as fc } from "effect"
import * as Flow from "../src/flow/Flow.js"
import type { CheckoutSession } from "../src/session/CheckoutSession.js"
import { violations } from "../src/session/CheckoutSession.js"
import { admin, boot, opened, type Sessions, slowMemory } from "./fixture.js"

const names = ["A", "B", "C", "D", "E", "F", "G"]

const subsetOf = (all: ReadonlyArray<string>) => fc.subarray([...all], { minLength: 2 })

/** Transitions among some of these states. */
const transitionsOf = (all: ReadonlyArray<string>) =>
  subsetOf(all).chain((states) =>
    fc
      .tuple(...states.map((state) => fc.subarray(states.filter((other) => other !== state))))
      .map((followers): Flow.Transitions => Object.fromEntries(states.map((state, n) => [state, followers[n]!])))
  )

/** Two versions of a flow: of the states that are gone, some have a new name. */
const pairs = fc.tuple(transitionsOf(names.slice(0, 5)), transitionsOf(names)).chain(([before, after]) => {
  const [states, gone] = [Object.keys(after), Object.keys(before).filter((state) => !(state in after))]
  const renames = fc.tuple(...gone.map(() => fc.option(fc.constantFrom(...states))))
  const withTasks = fc.subarray(Object.keys(before))
  return fc.tuple(renames, withTasks).map(([chosen, tasked]) => {
    const migrate = Object.fromEntries(gone.flatMap((state, n) => (chosen[n] === null ? [] : [[state, chosen[n]!]])))
    const define = (version: number, transitions: Flow.Transitions, renamed: { readonly [Old in string]: string }) => {
      const all = Object.keys(transitions)
      const tasks = Object.fromEntries(tasked.filter((state) => all.includes(state)).map((state) => [state, {}]))
      const definition = { name: "pair", version, initial: all[0]!, transitions, migrate: renamed, tasks }
      return Flow.defineFlow<Flow.Transitions>(definition)
    }
    return { before: define(1, before, {}), after: define(2, after, migrate) }
  })
})

const crashes = fc.constantFrom("before the commit" as const, "after the commit" as const, null)

/** A live session in every state of the flow, and one claim out of every state with a task. */
const fill = (sessions: Sessions, flow: Flow.Flow) =>
  Effect.forEach(
    [...flow.states].filter((state) => !Flow.isFinal(flow, state)),
    (initialState) =>
      Effect.gen(function* () {
        const id = yield* opened(sessions, `cart-${initialState}`, { initialState })
        const [nextState] = flow.edges.get(initialState)!
        if (!flow.tasks.has(initialState)) return [id]
        const claimed = yield* opened(sessions, `claim-${initialState}`, { initialState })
        const update = { checkoutSessionId: claimed, expCurrentState: initialState, nextState: nextState! }
        yield* sessions.update(admin, update)
        return [id, claimed]
      })
  )

/** What a live session can do now; fails if there is nothing. */
const wayOn = (sessions: Sessions, flow: Flow.Flow, session: CheckoutSession) =>
  Effect.gen(function* () {
    const { id: checkoutSessionId, nextState, operationId, state } = session
    if (operationId !== null) {
      assert.isTrue(flow.states.has(state) && flow.states.has(nextState!), `${state} to ${nextState}`)
      return yield* sessions.completeTask(admin, { checkoutSessionId, operationId })
    }
    if (flow.edges.has(state)) {
      const [next] = flow.edges.get(state)!
      assert.isDefined(next, `nothing follows ${state}`)
      return yield* sessions.update(admin, { checkoutSessionId, expCurrentState: state, nextState: next! })
    }
    const input = { checkoutSessionId, expCurrentState: state, nextState: flow.initial }
    assert.strictEqual((yield* Effect.flip(sessions.update(admin, input)))._tag, "StateRetired")
    return yield* sessions.move(admin, { checkoutSessionId, state: flow.initial, reason: "no way on" })
  })

describe("random pairs of flows", () => {
  it.scoped.prop(
    "killed in mid-migration: every live session has a way on, and was migrated at most once",
    [pairs, crashes],
    ([{ after, before }, when]) =>
      Effect.gen(function* () {
        const journal = slowMemory()
        const one = yield* boot(journal, { flow: before, alarmMillis: 3_600_000 })
        const ids = (yield* fill(one.sessions, before)).flat()
        yield* one.stop
        if (when !== null) {
          const dying = yield* boot(journal, { flow: after, crash: { at: "Migrated", when }, alarmMillis: 3_600_000 })
          yield* Effect.forEach(ids, (checkoutSessionId) =>
            Effect.exit(dying.sessions.get(admin, { checkoutSessionId }))
          )
          yield* dying.crash
        }
        const two = yield* boot(journal, { flow: after, alarmMillis: 3_600_000 })
        for (const checkoutSessionId of ids) {
          const session = yield* two.sessions.get(admin, { checkoutSessionId })
          assert.deepStrictEqual(violations(session), [])
          const entries = yield* two.sessions.history(admin, { checkoutSessionId })
          assert.strictEqual(entries.length, session.version)
          assert.isAtMost(entries.filter(({ type }) => type === "Migrated").length, 1)
          if (!session.isArchived) yield* wayOn(two.sessions, after, session)
        }
      }),
    { fastCheck: { numRuns: 30 } }
  )
})
