/**
 * Walk: generates test cases from a flow: every transition, every refusal, every task that fails, is retried or misses
 * its deadline. Cases are plain names and functions, for any test runner.
 */
import { CheckoutState, type Flow, Task } from "@onelane/checkout"
import { App } from "@onelane/sdk/testing"
import * as VirtualClock from "../machine/VirtualClock.js"
import { type AppUnderTest, answeringAtOnce, appOf } from "../World.js"
import { check, restOf, stepTowards, type Walker, type WalkOptions, withWalker } from "./Walker.js"

/** One case. */
export interface WalkCase {
  readonly name: string
  readonly kind: "transition" | "refusal" | "race" | "error" | "retry" | "deadline"
  /** Rejects with `WalkFailed` if the app does not do what its flow defines. */
  readonly run: () => Promise<void>
}

/**
 * The cases of an app: `for (const { name, run } of walk(app)) it(name, run)`. Each case opens its own engine. A state
 * that no client can reach has no cases.
 */
export const walk = (app: AppUnderTest<any>, options: WalkOptions = {}): ReadonlyArray<WalkCase> => {
  const flow = App.flowOf(
    appOf(
      app,
      answeringAtOnce(VirtualClock.make(), () => 0)
    )
  )
  const walked =
    (steps: (walker: Walker) => Promise<void>, injected = {}) =>
    () =>
      withWalker(app, options, injected, steps)
  return [...flow.states].flatMap((state) => [
    ...transitionsOf(flow, state, walked),
    ...refusalsOf(flow, state, walked),
    ...workOf(flow, state, walked)
  ])
}

type Walked = (
  steps: (walker: Walker) => Promise<void>,
  injected?: Readonly<Record<string, "fails" | "fails once" | "never answers">>
) => () => Promise<void>

const initialRest = (flow: Flow.Flow): string => restOf(flow, flow.initial)

const isReached = (flow: Flow.Flow, state: string): boolean =>
  state === initialRest(flow) || stepTowards(flow, initialRest(flow), state) !== null

const followers = (flow: Flow.Flow, state: string): ReadonlyArray<string> => [...(flow.edges.get(state) ?? [])]

/** How a client brings a session into a state, where it waits, or works and proceeds. Null: no client can. */
const wayInto = (flow: Flow.Flow, state: string): ((walker: Walker) => Promise<void>) | null => {
  if (!flow.proceed.has(state)) return isReached(flow, state) ? ({ reach }) => reach(state) : null
  for (const before of flow.states) {
    if (flow.proceed.has(before) || !isReached(flow, before)) continue
    const to = followers(flow, before).find((each) => passesThrough(flow, each, state))
    if (to === undefined) continue
    return async ({ reach, step }) => {
      await reach(before)
      await step(to)
    }
  }
  return null
}

/** Whether a session that goes to `to` passes through `state`. */
const passesThrough = (flow: Flow.Flow, to: string, state: string): boolean => {
  const next = flow.proceed.get(to)
  return to === state || (next !== undefined && passesThrough(flow, next, state))
}

const transitionsOf = (flow: Flow.Flow, from: string, walked: Walked): ReadonlyArray<WalkCase> => {
  const into = wayInto(flow, from)
  if (into === null) return []
  if (flow.proceed.has(from)) {
    const name = `${from} goes on to ${flow.proceed.get(from)} by itself`
    const run = walked(async (walker) => {
      await into(walker)
      const { state } = await walker.session()
      check(state !== from && state !== CheckoutState.errorState, `the session is in ${state}`)
    })
    return [{ name, kind: "transition", run }]
  }
  return followers(flow, from).map((to) => ({
    name: `${from} → ${to}`,
    kind: "transition",
    run: walked(async (walker) => {
      await into(walker)
      const { state, version } = await walker.step(to)
      check(state !== CheckoutState.errorState, `${from} → ${to} ended in Error`)
      const worked = walker.flow.tasks.size > 0
      check(worked ? state !== from || to === from : state === restOf(flow, to), `${from} → ${to} ended in ${state}`)
      check(version > 1, `${from} → ${to} was not written`)
    })
  }))
}

const refusalsOf = (flow: Flow.Flow, state: string, walked: Walked): ReadonlyArray<WalkCase> => {
  if (flow.proceed.has(state) || !isReached(flow, state)) return []
  const after = followers(flow, state)
  const refused = (name: string, steps: (walker: Walker) => Promise<void>): WalkCase => ({
    name,
    kind: "refusal",
    run: walked(async (walker) => {
      await walker.reach(state)
      const { version } = await walker.session()
      await steps(walker)
      check((await walker.session()).version === version, "a refused update was written")
    })
  })
  const others = [...flow.states].filter((each) => !after.includes(each) && each !== state)
  const expects = async ({ ask }: Walker, from: string, to: string, tag: string): Promise<void> => {
    const answer = await ask(from, to)
    check(!answer.ok, `${from} → ${to} was accepted`)
    check(answer.error._tag === tag, `${from} → ${to} was refused as ${answer.error._tag}, not as ${tag}`)
  }
  if (after.length === 0) {
    const other = [...flow.states].find((each) => each !== state) ?? state
    return [
      refused(`${state} is the end: the session is closed`, (walker) => expects(walker, state, other, "SessionClosed"))
    ]
  }
  const stale = others[0]
  return [
    ...(others.length === 0
      ? []
      : [
          refused(`from ${state} none of ${others.length} other states follows`, async (walker) => {
            for (const other of others) await expects(walker, state, other, "TransitionNotAllowed")
          })
        ]),
    ...(stale === undefined || followers(flow, stale).length === 0
      ? []
      : [
          refused(`in ${state} a caller who believes it is in ${stale} is refused`, (walker) =>
            expects(walker, stale, followers(flow, stale)[0]!, "ExpectedStateMismatch")
          )
        ]),
    raceOf(state, after[0]!, walked)
  ]
}

const raceOf = (state: string, to: string, walked: Walked): WalkCase => ({
  name: `two callers take ${state} → ${to} at once: one is accepted`,
  kind: "race",
  run: walked(async ({ arrive, ask, reach }) => {
    await reach(state)
    const answers = await Promise.all([ask(state, to), ask(state, to)])
    const accepted = answers.filter(({ ok }) => ok).length
    check(accepted === 1, `${accepted} of two were accepted`)
    await arrive()
  })
})

const workOf = (flow: Flow.Flow, state: string, walked: Walked): ReadonlyArray<WalkCase> => {
  const task = flow.tasks.get(state)
  const into = wayInto(flow, state)
  const to = followers(flow, state).find((each) => task !== undefined && Task.isFor(task, each))
  if (task === undefined || into === null || to === undefined) return []
  const begin = async (walker: Walker): Promise<void> => {
    await into(walker)
    if (!flow.proceed.has(state)) await walker.step(to)
  }
  return task.run === undefined ? elsewhere(state, to, flow, walked) : here(state, task, begin, walked)
}

const here = (
  state: string,
  task: Task.Task,
  begin: (walker: Walker) => Promise<void>,
  walked: Walked
): ReadonlyArray<WalkCase> => {
  const inError = async (walker: Walker): Promise<void> => {
    await begin(walker)
    const now = await walker.session()
    check(now.state === CheckoutState.errorState && now.isError, `the session is in ${now.state}, not in Error`)
  }
  const fails = walked(
    async (walker) => {
      await inError(walker)
      walker.heal()
      const back = await walker.step(state)
      check(back.state !== CheckoutState.errorState, `there is no way on from Error to ${state}`)
    },
    { [state]: "fails" }
  )
  const retries = walked(
    async (walker) => {
      await begin(walker)
      const now = await walker.session()
      check(now.state !== CheckoutState.errorState, "the second attempt was not made, or failed")
      const keys = walker.attempts(state)
      check(keys.length === 2, `there were ${keys.length} attempts, not 2`)
      check(keys[0] === keys[1], "the two attempts had two work keys")
    },
    { [state]: "fails once" }
  )
  return [
    {
      name: `the task of ${state} fails: the session is in Error, and goes back to ${state}`,
      kind: "error",
      run: fails
    },
    ...((task.retry?.limit ?? Task.defaultRetry.limit) > 0
      ? [
          {
            name: `the task of ${state} fails once, and is repeated under its work key`,
            kind: "retry",
            run: retries
          } as const
        ]
      : []),
    {
      name: `the task of ${state} never answers: after its deadline the session is in Error`,
      kind: "deadline",
      run: walked(inError, { [state]: "never answers" })
    }
  ]
}

const elsewhere = (state: string, to: string, flow: Flow.Flow, walked: Walked): ReadonlyArray<WalkCase> => {
  if (flow.proceed.has(state)) return []
  const ended = (name: string, kind: WalkCase["kind"], end: (walker: Walker) => Promise<void>): WalkCase => ({
    name,
    kind,
    run: walked(async (walker) => {
      await walker.reach(state)
      const answer = await walker.ask(state, to)
      check(answer.ok, `${state} → ${to} was refused`)
      await end(walker)
      const now = await walker.session()
      check(now.state === CheckoutState.errorState, `the session is in ${now.state}, not in Error`)
    })
  })
  const deadlineMillis = flow.tasks.get(state)?.deadlineMillis ?? Task.defaultDeadlineMillis
  return [
    ended(`the work of ${state} fails elsewhere: the session is in Error`, "error", async ({ checkout, session }) => {
      const { id: checkoutSessionId, operationId } = await session()
      const failed = await checkout.failTask({ checkoutSessionId, operationId: operationId!, code: "INJECTED" })
      check(failed.ok, "the failure was not taken")
    }),
    ended(`nobody does the work of ${state}: after its deadline the session is in Error`, "deadline", ({ clock }) =>
      clock.advance(deadlineMillis + 1_000)
    )
  ]
}
