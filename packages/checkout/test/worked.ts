/** The work of a task, run once, as an effect. */
import { Effect, FiberId } from "effect"
import { type Task, type TaskContext, type TaskFailure, work } from "../src/flow/Task.js"
import type * as TaskResult from "../src/flow/TaskResult.js"

export const worked = (run: unknown, context = {} as TaskContext): Effect.Effect<TaskResult.Success, TaskFailure> =>
  Effect.async((resume) => {
    const interrupt = work(
      run as NonNullable<Task["run"]>,
      context,
      (effect, onExit) => {
        const fiber = Effect.runFork(effect)
        fiber.addObserver(onExit)
        return () => fiber.unsafeInterruptAsFork(FiberId.none)
      },
      {
        onSuccess: (success) => resume(Effect.succeed(success)),
        onFailure: (failure) => resume(Effect.fail(failure))
      }
    )
    return Effect.sync(interrupt)
  })
