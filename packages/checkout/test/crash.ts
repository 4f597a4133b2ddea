/** A session that is claimed when its process dies. */
import { Flow, type Task } from "@onelane/checkout"
import type { Journal } from "@onelane/engine"
import { Effect } from "effect"
import { boot, buyer, type Crash, opened } from "./fixture.js"

export const flowOf = (task: Task.Task) => Flow.withTasks(Flow.b2b, { Start: task })
export const start = { expCurrentState: "Start", nextState: "Inventory" }

/** Opens a session, claims it, and crashes where told; gives what the first process saw of it. */
export const crashed = (
  journal: Journal.JournalShape,
  task: Task.Task,
  crash: Crash | null,
  act: Effect.Effect<unknown>
) =>
  Effect.gen(function* () {
    const process = yield* boot(journal, { flow: flowOf(task), ...(crash === null ? {} : { crash }) })
    const checkoutSessionId = yield* opened(process.sessions)
    const claim = yield* Effect.either(process.sessions.update(buyer, { checkoutSessionId, ...start }))
    yield* act
    yield* process.crash
    return { checkoutSessionId, claim }
  })

/** The types of everything that was committed of a session, in order. */
export const types = (journal: Journal.JournalShape, id: string) =>
  Effect.map(journal.events({ kind: "session", id }, 0, 100), (events) =>
    events.map(({ event }) => (event as { readonly type: string }).type)
  )
