/**
 * SubjectProcess: where a subject runs. Each has a process of its own, so that none pays for another's compiled code or heap; only
 * one of them works at a time, and rounds go in turn. A test runs a subject in its own process instead.
 */
import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Check } from "./Log.js"
import type { Runner } from "./Runner.js"
import type { Sample } from "./Sample.js"

/** What a process is told to become: a module of this directory and what its `start` is given. */
export interface Task {
  readonly module: string
  readonly options: unknown
  /** Flags of the process, for rows that need some. */
  readonly flags?: ReadonlyArray<string>
  /** What its environment has besides ours. */
  readonly environment?: Readonly<Record<string, string>>
}

/** What goes to the process, one at a time. */
export type Ask = { readonly start: Task } | { readonly round: true } | { readonly finish: true }

/** What comes back. */
export type Told = { readonly value: Sample | Check | null } | { readonly failed: string }

/** How long a process may take for one answer, milliseconds. */
const patienceMillis = 300_000

/** A bench that is profiled profiles its subjects. */
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
