/** A node with work to do, as a child process that is called by lines of JSON. */
import { type ChildProcess, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Effect, type Scope } from "effect"

/** A running node. */
export interface TaskNode {
  readonly name: string
  readonly process: ChildProcess
  /** Calls a method of the service there. */
  readonly call: <A>(method: string, input: object) => Effect.Effect<A, unknown>
  /** What it last said of itself. */
  readonly state: () => { readonly heldShards: number; readonly nodes: number }
}

const program = fileURLToPath(new URL("./programs/taskNode.mjs", import.meta.url))

/** Starts a node; it is gone when the scope closes. */
export const start = (url: string, name: string, workMillis: number): Effect.Effect<TaskNode, never, Scope.Scope> =>
  Effect.gen(function* () {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [program, url, name, String(workMillis)], { stdio: ["pipe", "pipe", "inherit"] })
      ),
      (running) => Effect.sync(() => running.kill("SIGKILL"))
    )
    const waiting = new Map<number, (answer: Effect.Effect<never, unknown> | Effect.Effect<unknown>) => void>()
    let state = { heldShards: 0, nodes: 0 }
    let calls = 0
    child.stdin.on("error", () => {})
    createInterface({ input: child.stdout }).on("line", (line) => {
      const [first, second, third] = JSON.parse(line)
      if (first === "state") state = { heldShards: second, nodes: third }
      else waiting.get(first)?.(second === "ok" ? Effect.succeed(third) : Effect.fail(third))
    })
    return {
      name,
      process: child,
      state: () => state,
      call: <A>(method: string, input: object) =>
        Effect.async<A, unknown>((resume) => {
          const number = ++calls
          waiting.set(number, resume as never)
          child.stdin.write(`${JSON.stringify([number, method, input])}\n`)
        })
    }
  })
