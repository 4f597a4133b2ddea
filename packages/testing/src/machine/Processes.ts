/**
 * Processes: tracks to which simulated process running code belongs. A program cannot stop the JavaScript of a killed
 * process; instead, its code gets no more answers, and its timers do not fire.
 */
import { AsyncLocalStorage } from "node:async_hooks"

/** A process that was started, and perhaps killed. */
export interface Process {
  readonly name: string
  isAlive: boolean
}

const storage = new AsyncLocalStorage<Process>()

/** Runs code as part of a process, including everything that the code starts. */
export const within = <A>(process: Process, code: () => A): A => storage.run(process, code)

/** Runs code outside of all processes. */
export const outside = <A>(code: () => A): A => storage.exit(code)

/** The current process; null: code of the test itself. */
export const current = (): Process | null => storage.getStore() ?? null

/** Wraps a callback, which is not called after its process died. */
export const whileAlive = <A extends ReadonlyArray<unknown>>(
  callback: (...given: A) => void
): ((...given: A) => void) => {
  const process = current()
  return (...given) => {
    if (process?.isAlive !== false) callback(...given)
  }
}
