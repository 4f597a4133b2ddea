/**
 * AppInProcess: binds an app to one simulated process: its tasks start in the process, are recorded in the timeline,
 * and do nothing after the process died.
 */
import { Flow, type Task } from "@onelane/checkout"
import { AsyncContext } from "@onelane/engine"
import type { App } from "@onelane/sdk"
import * as OpenedApp from "@onelane/sdk/testing"
import * as Effect from "effect/Effect"
import * as Processes from "../machine/Processes.js"

type Note = (line: string) => void

/** Binds an app to a process. */
export const make = (app: App, process: Processes.Process, note: Note): App => {
  const flow = OpenedApp.App.flowOf(app)
  const tasks = [...flow.tasks].map(([state, task]) => [state, inProcess(state, task, process, note)] as const)
  return { ...app, flow: Flow.withTasks(flow, Object.fromEntries(tasks)) }
}

const inProcess = (state: string, task: Task.Task, process: Processes.Process, note: Note): Task.Task => {
  const { run } = task
  if (run === undefined) return task
  return {
    ...task,
    run: (context) => {
      if (!process.isAlive) return new Promise<never>(() => {})
      const named = `${context.session.id}: the task of ${state}`
      note(`${named} begins, attempt ${context.attempt}, under ${context.workKey}`)
      const told = telling(named, process, note)
      try {
        return told.of(Processes.within(process, () => run(context)))
      } catch (thrown) {
        told.fails(thrown)
        throw thrown
      }
    }
  }
}

const telling = (named: string, process: Processes.Process, note: Note) => {
  const succeeds = (value: unknown): void => {
    if (process.isAlive) note(`${named} succeeds${value == null ? "" : ` with ${shown(value)}`}`)
  }
  const fails = (thrown: unknown): void => {
    if (process.isAlive) note(`${named} fails: ${sentenceOf(thrown)}`)
  }
  const of = (work: Task.Work): Task.Work => {
    if (Effect.isEffect(work)) {
      const effect = work as Effect.Effect<Task.TaskSuccess | null | void, Task.TaskFailure>
      const run: AsyncContext.Run = (code) => Processes.within(process, code)
      return Effect.tapBoth(AsyncContext.within(run, effect), {
        onFailure: (failure) => Effect.sync(() => fails(failure)),
        onSuccess: (value) => Effect.sync(() => succeeds(value))
      })
    }
    if (!isPromise(work)) {
      succeeds(work)
      return work
    }
    const promise = Promise.resolve(work)
    promise.then(succeeds, fails)
    return promise
  }
  return { of, fails }
}

const isPromise = (work: Task.Work): work is PromiseLike<Task.TaskSuccess | null | void> =>
  typeof (work as { readonly then?: unknown } | null | undefined)?.then === "function"

const shown = (value: unknown): string => {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return String(value)
  }
}

/** A thrown value as a sentence. */
export const sentenceOf = (thrown: unknown): string => {
  const { code, message } = Object(thrown) as { readonly code?: unknown; readonly message?: unknown }
  const text = typeof message === "string" ? message : shown(thrown)
  return typeof code === "string" ? `${code}, ${text}` : text
}
