/** Programs as child processes, on built output, the way a user starts them. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"

export const root = fileURLToPath(new URL("../../..", import.meta.url))

/** A program in one file, which starts faster (packages/testkit/programs.mjs). */
export const built = (name: string): string => join(process.env.ONELANE_PROGRAMS!, `${name}.js`)

export const onelane = built("onelane")

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Program {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>
  /** The first line on standard output that `test` accepts; fails when the program ends before. */
  readonly line: (test: (line: string) => boolean) => Promise<string>
}

export const start = (
  command: string,
  args: ReadonlyArray<string>,
  env: NodeJS.ProcessEnv = {},
  stdin: "ignore" | "pipe" = "ignore"
): Program => {
  const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, stdio: [stdin, "pipe", "pipe"] })
  const written = { stdout: "", stderr: "" }
  child.stderr!.on("data", (chunk) => (written.stderr += chunk))
  const lines = createInterface({ input: child.stdout! })
  const waiting = new Set<(line: string) => void>()
  lines.on("line", (line) => {
    written.stdout += `${line}\n`
    for (const take of waiting) take(line)
  })
  const ended = once(child, "close").then(([code]) => ({ code, ...written }))
  return {
    process: child,
    ended,
    line: (test) =>
      new Promise((resolve, reject) => {
        waiting.add((line) => test(line) && resolve(line))
        void ended.then(({ code, stderr }) => reject(new Error(`ended with ${code}: ${stderr}`)))
      })
  }
}

export const node = (args: ReadonlyArray<string>, env?: NodeJS.ProcessEnv): Program =>
  start(process.execPath, args, env)

const tokens = {
  alice: { userId: "alice", roles: ["buyer-checkout"] },
  operator: { userId: "operator", roles: ["modify-all-data"] }
}

const seed = {
  users: [{ id: "alice" }],
  stores: ["store"],
  accounts: [{ id: "acme", users: ["alice"], stores: ["store"] }],
  carts: Array.from({ length: 50 }, (_, index) => ({
    id: `cart-${index}`,
    storeId: "store",
    accountId: "acme",
    ownerId: "alice"
  }))
}

/** A folder of a test's own, gone when the test is over. */
export const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "onelane-server-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
)

/** A folder with a token file and a seed, removed after the test. */
export const inFolder = async (test: (folder: string) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "onelane-server-"))
  writeFileSync(join(folder, "tokens.json"), JSON.stringify(tokens))
  writeFileSync(join(folder, "seed.json"), JSON.stringify(seed))
  try {
    await test(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export const serveArgs = (folder: string): Array<string> => [
  onelane,
  "serve",
  ...["--storage", join(folder, "checkout.db")],
  ...["--tokens", join(folder, "tokens.json")],
  ...["--seed", join(folder, "seed.json")],
  ...["--port", "0"]
]

export const urlOf = async (program: Program): Promise<string> => {
  const line = await program.line((text) => text.startsWith("{"))
  return (JSON.parse(line) as { readonly url: string }).url
}
