/**
 * Program: a child process that exchanges lines of text and can be killed. It ends with its scope.
 *
 * Owns the process and its lines; does not own their content.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Deferred, Effect, FiberId, type Scope } from "effect"

/** How a program ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: string | null
  /** The end of its stderr output. */
  readonly stderr: string
}

/** A running program. */
export interface Program {
  readonly pid: number
  /** The first line it wrote; fails if it ended before. */
  readonly firstLine: Effect.Effect<string, Ended>
  readonly ended: Effect.Effect<Ended>
  /** Kills it (SIGKILL), and waits until it has ended. */
  readonly kill: Effect.Effect<Ended>
  /** Asks it to end (SIGTERM), and waits. */
  readonly stop: Effect.Effect<Ended>
  /** Writes one line to it; ignored if it has ended. */
  readonly tell: (line: string) => void
}

/** Settings of a child. */
export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Called with every line it writes. */
  readonly onLine?: ((line: string) => void) | undefined
}

/** The root of this repository. */
export const root: string = fileURLToPath(new URL("../../../..", import.meta.url))

/** The folder of the bundled programs, which start faster, if they were built (programs.mjs). */
const built = process.env.ONELANE_PROGRAMS

/** The `onelane` command, as built. */
export const onelane: string =
  built === undefined
    ? fileURLToPath(new URL("../../../server/bin/onelane.js", import.meta.url))
    : join(built, "onelane.js")

/** A program that the proofs run, by name: it uses the product, which this package may not import. */
export const beside = (name: string): string =>
  built === undefined
    ? fileURLToPath(new URL(`../../../sql/test/programs/${name}.mjs`, import.meta.url))
    : join(built, `${name}.js`)

const stderrCharacters = 2_000

/** Starts a program; it is killed when the scope closes. */
export const start = (
  command: string,
  args: ReadonlyArray<string>,
  { env = {}, onLine }: ProgramOptions = {}
): Effect.Effect<Program, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, stdio: "pipe" })
      return follow(child, onLine)
    }),
    ({ kill }) => kill
  )

/** Starts a script with this Node. */
export const node = (
  args: ReadonlyArray<string>,
  options?: ProgramOptions
): Effect.Effect<Program, never, Scope.Scope> => start(process.execPath, ["--no-warnings", ...args], options)

const follow = (child: ChildProcess, onLine: ProgramOptions["onLine"]): Program => {
  const firstLine = Deferred.unsafeMake<string, Ended>(FiberId.none)
  const ended = Deferred.unsafeMake<Ended>(FiberId.none)
  let stderr = ""
  child.stderr?.on("data", (chunk) => {
    stderr = (stderr + chunk).slice(-stderrCharacters)
  })
  child.stdin?.on("error", () => {})
  createInterface({ input: child.stdout! }).on("line", (line) => {
    Deferred.unsafeDone(firstLine, Effect.succeed(line))
    onLine?.(line)
  })
  const end = (code: number | null, signal: string | null): void => {
    Deferred.unsafeDone(ended, Effect.succeed({ code, signal, stderr }))
    Deferred.unsafeDone(firstLine, Effect.fail({ code, signal, stderr }))
  }
  child.on("error", (error) => {
    stderr += String(error)
    end(null, null)
  })
  child.on("close", end)
  const signalled = (signal: NodeJS.Signals) =>
    Effect.zipRight(
      Effect.sync(() => child.kill(signal)),
      Deferred.await(ended)
    )
  return {
    pid: child.pid ?? 0,
    firstLine: Deferred.await(firstLine),
    ended: Deferred.await(ended),
    kill: signalled("SIGKILL"),
    stop: signalled("SIGTERM"),
    tell: (line) => void child.stdin?.write(`${line}\n`)
  }
}
