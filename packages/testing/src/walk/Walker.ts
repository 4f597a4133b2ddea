/**
 * Walker: moves one session through a flow, as clients and tasks do: it takes steps, lets time pass until work is over,
 * and closes the claims of external work.
 */
import { type Caller, type CheckoutSession, type CheckoutSessions, Flow, type Task } from "@onelane/checkout"
import type { App } from "@onelane/sdk"
import { App as OpenedApp } from "@onelane/sdk/testing"
import { type TestCheckout, testCheckout } from "../TestCheckout.js"
import { type AppUnderTest, appOf } from "../World.js"

/** Options of a walk. */
export interface WalkOptions {
  /** Inputs of every `open`, besides the cart. */
  readonly open?: Partial<CheckoutSessions.OpenInput> | undefined
  /** The data patch of a step, if the flow needs one. */
  readonly data?: ((from: string, to: string) => CheckoutSessions.UpdateInput["data"]) | undefined
  /** The caller. Default: the host. */
  readonly as?: Caller.Caller | undefined
  /** Fills the fakes before a walk begins, for example the stock. */
  readonly prepare?: ((provider: TestCheckout["provider"]) => void) | undefined
}

/** Replaces the work of a state in a walk: it fails, fails once, or never answers. */
export type Injected = "fails" | "fails once" | "never answers"

/** A walk that did not follow the flow. */
export class WalkFailed extends Error {
  override readonly name = "WalkFailed"
}

/** Throws a `WalkFailed` unless `holds` is true. */
export const check: (holds: boolean, sentence: string) => asserts holds = (holds, sentence) => {
  if (!holds) throw new WalkFailed(sentence)
}

/** A session that is moved through the flow. */
export interface Walker {
  readonly flow: Flow.Flow
  readonly checkoutSessionId: string
  readonly checkout: ReturnType<TestCheckout["as"]>
  readonly clock: TestCheckout["clock"]
  /** Work keys of the attempts of each state so far. */
  readonly attempts: (state: string) => ReadonlyArray<string>
  readonly session: () => Promise<CheckoutSession.CheckoutSession>
  /** Takes a step and waits until its work is over. */
  readonly step: (to: string) => Promise<CheckoutSession.CheckoutSession>
  /** Takes a step and does not wait. */
  readonly ask: (from: string, to: string) => ReturnType<TestCheckout["update"]>
  /** Lets time pass until no work runs. */
  readonly arrive: () => Promise<CheckoutSession.CheckoutSession>
  /** Goes to a state by the shortest path. */
  readonly reach: (state: string) => Promise<void>
  /** Removes all injected faults. */
  readonly heal: () => void
}

type Injections = Map<string, Injected>

/** Opens a session of an app, runs the walk, and closes everything afterwards. */
export const withWalker = async (
  app: AppUnderTest,
  options: WalkOptions,
  injected: Readonly<Record<string, Injected>>,
  walk: (walker: Walker) => Promise<void>
): Promise<void> => {
  const injections: Injections = new Map(Object.entries(injected))
  const attempts = new Map<string, Array<string>>()
  await using checkout = await testCheckout((world) => {
    options.prepare?.(world.provider)
    return working(appOf(app, world), injections, attempts)
  })
  const acting = options.as === undefined ? checkout : checkout.as(options.as)
  const opened = await acting.open({ ...options.open, cartId: options.open?.cartId ?? "walk" } as never)
  check(opened.ok, `the session was not opened: ${opened.ok ? "" : opened.error.message}`)
  await walk(make(checkout, acting, opened.value.session.id, options, injections, attempts, app))
}

const make = (
  checkout: TestCheckout<any>,
  acting: Walker["checkout"],
  checkoutSessionId: string,
  { data }: WalkOptions,
  injections: Injections,
  attempts: ReadonlyMap<string, ReadonlyArray<string>>,
  app: AppUnderTest
): Walker => {
  const { clock, provider } = checkout
  const flow = OpenedApp.flowOf(appOf(app, { provider, clock: { now: clock.now, sleep: async () => {} } }))
  const session = async () => {
    const found = await checkout.get({ checkoutSessionId })
    check(found.ok, "the session cannot be read")
    return found.value as CheckoutSession.CheckoutSession
  }
  const ask: Walker["ask"] = (from, to) => {
    const patch = data?.(from, to)
    const input = { checkoutSessionId, expCurrentState: from, nextState: to, ...(patch && { data: patch }) }
    return acting.update(input as never) as ReturnType<Walker["ask"]>
  }
  const arrive = () => arrived(checkout, flow, session)
  const step: Walker["step"] = async (to) => {
    const { state } = await session()
    const answer = await ask(state, to)
    check(
      answer.ok,
      `${state} → ${to} was refused: ${answer.ok ? "" : `${answer.error._tag}, ${answer.error.message}`}`
    )
    return arrive()
  }
  const reach: Walker["reach"] = async (target) => {
    let now = await arrive()
    for (let steps = 0; now.state !== target; steps++) {
      const next = stepTowards(flow, now.state, target)
      check(next !== null && steps <= 2 * flow.states.size, `there is no way from ${now.state} to ${target}`)
      now = await step(next)
    }
  }
  const of = (state: string) => attempts.get(state) ?? []
  const heal = (): void => injections.clear()
  return { flow, checkoutSessionId, checkout: acting, clock, attempts: of, session, step, ask, arrive, reach, heal }
}

/** A day and an hour: longer than any deadline. */
const mostMillis = 90_000_000

const arrived = async (checkout: TestCheckout<any>, flow: Flow.Flow, session: Walker["session"]) => {
  let [passed, pause] = [0, 50]
  while (passed <= mostMillis) {
    await checkout.clock.settle()
    const now = await session()
    if (!now.isProcessing) return now
    if (flow.tasks.get(now.state)?.run === undefined && passed === 0) {
      const { id: checkoutSessionId, operationId } = now
      if ((await checkout.completeTask({ checkoutSessionId, operationId: operationId! })).ok) continue
    }
    await checkout.clock.advance(pause)
    passed += pause
    pause *= 2
  }
  throw new WalkFailed("work did not come to an end")
}

/** The state in which a session finally stays after it goes to `state`, if results choose nothing. */
export const restOf = ({ proceed }: Flow.Flow, state: string): string => {
  let rest = state
  for (let next = proceed.get(rest); next !== undefined; next = proceed.get(rest)) rest = next
  return rest
}

/** The next step of the shortest path; null: there is none. */
export const stepTowards = (flow: Flow.Flow, from: string, target: string): string | null => {
  const first = new Map<string, string>()
  const queue = [from]
  for (let state = queue.shift(); state !== undefined; state = queue.shift()) {
    for (const to of flow.edges.get(state) ?? []) {
      const rest = restOf(flow, to)
      if (first.has(rest) || rest === from) continue
      first.set(rest, first.get(state) ?? to)
      if (rest === target) return first.get(rest)!
      queue.push(rest)
    }
  }
  return null
}

const working = (app: App, injections: Injections, attempts: Map<string, Array<string>>): App => {
  const flow = OpenedApp.flowOf(app)
  const tasks = [...flow.tasks].map(([state, task]) => [state, injecting(state, task, injections, attempts)] as const)
  return { ...app, flow: Flow.withTasks(flow, Object.fromEntries(tasks)) }
}

const injecting = (
  state: string,
  task: Task.Task,
  injections: Injections,
  attempts: Map<string, Array<string>>
): Task.Task => {
  const { run } = task
  if (run === undefined) return task
  return {
    ...task,
    run: (context) => {
      attempts.set(state, [...(attempts.get(state) ?? []), context.workKey])
      const injected = injections.get(state)
      if (injected === undefined) return run(context)
      if (injected === "never answers") return new Promise<never>(() => {})
      if (injected === "fails once") injections.delete(state)
      const failure: Task.TaskFailure = {
        code: "INJECTED",
        message: "The walk lets it fail.",
        final: injected === "fails"
      }
      return Promise.reject(failure)
    }
  }
}
