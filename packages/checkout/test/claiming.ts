/** A process whose session is claimed by a task of its state `Start`. */
import { Flow, type Task } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import { Effect } from "effect"
import { admin, boot, buyer, opened, type ProcessOptions, settled } from "./fixture.js"

export const flowOf = (task: Task.Task) => Flow.withTasks(Flow.b2b, { Start: task })
export const start = { expCurrentState: "Start", nextState: "Inventory" }

/** A process over empty memory with a session whose state `Start` has this task. */
export const claiming = (task: Task.Task, options: ProcessOptions = {}) =>
  Effect.gen(function* () {
    const process = yield* boot(JournalMemory.make(), { flow: flowOf(task), ...options })
    const checkoutSessionId = yield* opened(process.sessions)
    const claim = yield* process.sessions.update(buyer, { checkoutSessionId, ...start })
    const get = process.sessions.get(admin, { checkoutSessionId })
    const last = Effect.map(process.sessions.history(admin, { checkoutSessionId }), (entries) => entries.at(-1)!)
    return { ...process, checkoutSessionId, ...claim, get, last, settled: settled(process.sessions, checkoutSessionId) }
  })
