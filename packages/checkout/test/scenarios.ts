/** What the regression tests have in common: engines whole and spoilt, a payment provider, a race. */
import { type CheckoutError, Flow, type Task } from "@onelane/checkout"
import type { Journal } from "@onelane/engine"
import { Deferred, Effect, Either } from "effect"
import { boot as bootEngine, type ProcessOptions, until } from "./fixture.js"
import * as Mutants from "./mutants.js"

export const start = { expCurrentState: "Start", nextState: "Inventory" }

/** The engine, or one with a guard taken out. */
export type Boot = (journal: Journal.JournalShape, options?: ProcessOptions) => ReturnType<ReturnType<typeof bootWith>>
export const bootWith = (mutate: Mutants.Mutate) => (journal: Journal.JournalShape, options?: ProcessOptions) =>
  Mutants.bootMutant(mutate, journal, options)
export const engine: Boot = (journal, options) => bootEngine(journal, options) as never

/** A provider that takes money, once per key, and answers when `gate` opens. */
export const provider = Effect.gen(function* () {
  const gate = yield* Deferred.make<void>()
  const orders = new Map<string, string>()
  const contexts: Array<Task.TaskContext> = []
  const pay: Task.Task = {
    run: (context) =>
      Effect.gen(function* () {
        contexts.push(context)
        const orderId = orders.get(context.requestId) ?? `order-${orders.size + 1}`
        orders.set(context.requestId, orderId)
        yield* Deferred.await(gate)
        return { orderId }
      })
  }
  const asked = (times: number) =>
    until(
      Effect.sync(() => contexts.length),
      (length) => length >= times
    )
  return { pay, orders, contexts, asked, open: Deferred.succeed(gate, undefined) }
})

export const paying = (task: Task.Task) => Flow.withTasks(Flow.b2b, { Start: task })

export const accepted = (answers: ReadonlyArray<Either.Either<unknown, unknown>>) =>
  answers.filter(Either.isRight).length

/** Sends these at once and waits for all. */
export const race = <A, E>(calls: ReadonlyArray<Effect.Effect<A, E>>) =>
  Effect.all(calls.map(Effect.either), { concurrency: "unbounded" })

export const currentOf = (answer: Either.Either<unknown, CheckoutError.CheckoutError>) =>
  Either.isLeft(answer) && "current" in answer.left ? answer.left.current : undefined
