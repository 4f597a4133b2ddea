/**
 * SubjectProcess: the process in which a subject runs. Each subject has its own process, so that none is affected by
 * another's compiled code or heap. Only one of them works at a time, in alternating rounds. A test runs a subject in
 * its own process instead.
 */
import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Check } from "./Log.js"
import type { Runner } from "./Runner.js"
import type { Sample } from "./Sample.js"

/** The task of a process: a module of this directory and the input of its `start`. */
export interface Task {
  readonly module: string
  readonly options: unknown
  /** Node flags of the process, for rows that need some. */
  readonly flags?: ReadonlyArray<string>
  /** Additional environment variables. */
  readonly environment?: Readonly<Record<string, string>>
}

/** Messages to the process, one at a time. */
export type Ask = { readonly start: Task } | { readonly round: true } | { readonly finish: true }

/** Messages from the process. */
export type Told = { readonly value: Sample | Check | null } | { readonly failed: string }

/** How long a process may take for one answer, milliseconds. */
const patienceMillis = 300_000

/** A profiled bench also profiles its subjects. */
const profiling = process.execArgv.filter((flag) => flag.startsWith("--cpu-prof"))

/** Starts a task in a process of its own. */
export const apart = async (task: Task): Promise<Runner> => {
  const child = fork(fileURLToPath(new URL("./child.js", import.meta.url)), [], {
    execArgv: ["--expose-gc", "--enable-source-maps", ...profiling, ...(task.flags ?? [])],
    env: { ...process.env, ...task.environment },
    serialization: "advanced",
    stdio: ["ignore", "inherit", "inherit", "ipc"]
  })
  await ask(child, { start: task })
  return {
    round: () => ask(child, { round: true }) as Promise<Sample>,
    finish: async () => {
      const check = (await ask(child, { finish: true })) as Check
      child.disconnect()
      return check
    }
  }
}

const ask = (child: ChildProcess, question: Ask): Promise<Sample | Check | null> =>
  new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(patienceMillis)
    const settle = (): void => {
      child.off("message", onMessage)
      child.off("exit", onExit)
      signal.removeEventListener("abort", onLate)
    }
    const onMessage = (told: Told): void => {
      settle()
      if ("failed" in told) {
        child.kill()
        reject(new Error(told.failed))
      } else resolve(told.value)
    }
    const onExit = (code: number | null): void => {
      settle()
      reject(new Error(`the process ended with ${code}`))
    }
    const onLate = (): void => {
      settle()
      child.kill("SIGKILL")
      reject(new Error(`no answer within ${patienceMillis} ms`))
    }
    child.on("message", onMessage)
    child.on("exit", onExit)
    signal.addEventListener("abort", onLate)
    child.send(question)
  })
