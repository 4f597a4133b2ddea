/**
 * Server: starts `onelane serve` as a child process for the examples, on a file in a folder of its own, and kills it.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { onelane } from "@onelane/server/program"

/** A folder with everything a server needs: tokens, a seed, and later the SQLite file. */
export const makeFolder = async (tokens: object, seed: object): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "onelane-"))
  await writeFile(join(folder, "tokens.json"), JSON.stringify(tokens))
  await writeFile(join(folder, "seed.json"), JSON.stringify(seed))
  return folder
}

export const removeFolder = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true })

export interface Server {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Sends a signal and waits until the process is gone. */
  readonly end: (signal: "SIGKILL" | "SIGTERM") => Promise<void>
}

/** Starts a server on the folder's file; `port` 0 takes any. Resolves once it answers. */
export const startServer = (folder: string, port = 0, more: ReadonlyArray<string> = []): Promise<Server> =>
  start(folder, ["--port", String(port), "--storage", join(folder, "checkout.db"), ...more])

/** Starts a server as one of the nodes over a PostgreSQL. */
export const startNode = (folder: string, storage: string): Promise<Server> =>
  start(folder, ["--port", "0", "--storage", storage, "--cluster", "127.0.0.1:0"])

const start = async (folder: string, args: ReadonlyArray<string>): Promise<Server> => {
  const file = (name: string): string => join(folder, name)
  const files = ["--tokens", file("tokens.json"), "--seed", file("seed.json")]
  const child = spawn(process.execPath, [onelane, "serve", ...files, ...args], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  const ended = once(child, "exit")
  process.once("exit", () => child.kill("SIGKILL"))
  const { url, port: bound } = JSON.parse(await firstLine(child, ended)) as {
    readonly url: string
    readonly port: number
  }
  return {
    url,
    port: bound,
    pid: child.pid!,
    end: async (signal) => {
      child.kill(signal)
      await ended
    }
  }
}

const firstLine = async (child: ChildProcess, ended: Promise<unknown>): Promise<string> => {
  const line = once(createInterface({ input: child.stdout! }), "line").then(([text]) => String(text))
  const early = ended.then(() => Promise.reject(new Error("the server ended before it listened")))
  early.catch(() => undefined)
  return Promise.race([line, early])
}
