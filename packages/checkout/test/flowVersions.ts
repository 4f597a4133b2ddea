/** A flow in two versions, sessions that the first one left behind, and what a test asks of them. */
import { Effect } from "effect"
import type * as CheckoutError from "../src/errors/CheckoutError.js"
import * as Flow from "../src/flow/Flow.js"
import type * as Task from "../src/flow/Task.js"
import { admin, boot, buyer, handTask, opened, type Process, type Sessions, slowMemory } from "./fixture.js"

/** The shop of the first version: `Pay` has a task. */
export const first = (pay?: Task.Task) =>
  Flow.defineFlow({
    name: "shop",
    initial: "Basket",
    transitions: { Basket: ["Pay", "Ship"], Ship: ["Pay"], Pay: ["Done", "Basket"], Gift: ["Pay"], Done: [] },
    tasks: pay === undefined ? {} : { Pay: pay }
  })

export const second = <const T extends Flow.Transitions>(
  transitions: T,
  migrate: { readonly [Old in string]: string } = {},
  tasks: { readonly [S in string]: Task.Task } = {}
) => {
  const definition = { name: "shop", version: 2, initial: "Basket", transitions, migrate, tasks }
  return Flow.defineFlow<Flow.Transitions>(definition)
}

export const get = (sessions: Sessions, checkoutSessionId: string) => sessions.get(admin, { checkoutSessionId })

export const typesOf = (sessions: Sessions, checkoutSessionId: string) =>
  Effect.map(sessions.history(admin, { checkoutSessionId }), (all) => all.map(({ type }) => type))

export const update = (
  sessions: Sessions,
  checkoutSessionId: string,
  expCurrentState: string,
  nextState: string,
  more: object = {}
) => sessions.update(buyer, { checkoutSessionId, expCurrentState, nextState, ...more })

export const refusalOf = <E>(call: Effect.Effect<unknown, E>): Effect.Effect<E & CheckoutError.CheckoutError> =>
  Effect.orDie(Effect.flip(call)) as Effect.Effect<E & CheckoutError.CheckoutError>

/** A session in a state under the first version, which then stops; the second one is started over the same journal. */
export const deployed = (state: string, flow: Flow.Flow, pay?: Task.Task) =>
  Effect.gen(function* () {
    const journal = slowMemory()
    const before = yield* boot(journal, { flow: first(pay) })
    const id = yield* opened(before.sessions, "cart-1", { initialState: state })
    yield* before.stop
    return { journal, id, after: yield* boot(journal, { flow }) }
  })

/** A claim from `Pay` to `Done` whose process is killed. */
export const claimed = (journal = slowMemory()) =>
  Effect.gen(function* () {
    const hand = yield* handTask()
    const before: Process = yield* boot(journal, { flow: first(hand.task) })
    const id = yield* opened(before.sessions, "cart-1", { initialState: "Pay" })
    yield* update(before.sessions, id, "Pay", "Done")
    const { operationId, workKey } = yield* hand.called(0)
    yield* before.crash
    return { journal, id, operationId, workKey }
  })
