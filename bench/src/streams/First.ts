/**
 * First: a program that watches a session in its own process. It measures how long the first `changes` takes until its
 * first entry, and the cost of opening, reading one entry and closing once it is warm. A task of P17; a round is one
 * start.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import type { Runner } from "../Runner.js"

/** What `start` is given. */
export interface Options {
  /** Timed cycles of open, read and close; twice as many warm-up cycles precede them. */
  readonly lives: number
}

const here = fileURLToPath(new URL("../..", import.meta.url))

const programOf = (lives: number): string => `
  import { Onelane } from "@onelane/sdk"
  const checkout = await Onelane.open({ storage: ":memory:" })
  const { session } = await checkout.openOrThrow({ cartId: "cart" })
  const from = { checkoutSessionId: session.id, afterVersion: 0 }
  const life = async () => {
    for await (const { version } of checkout.changes(from)) {
      if (version !== 1) throw new Error("the first entry has version " + version)
      break
    }
  }
  const cpu = (before) => { const { user, system } = process.cpuUsage(before); return user + system }
  const began = process.cpuUsage()
  await life()
  const first = cpu(began)
  for (let warm = 0; warm < ${2 * lives}; warm++) await life()
  const warm = process.cpuUsage()
  for (let index = 0; index < ${lives}; index++) await life()
  console.log(JSON.stringify({ firstMillis: first / 1_000, lifeMicros: cpu(warm) / ${lives} }))
  await checkout.close()`

/** Starts the program round by round. */
export const start = async ({ lives }: Options): Promise<Runner> => ({
  round: async () => {
    const args = ["--input-type=module", "--eval", programOf(lives)]
    const child = spawn(process.execPath, args, { cwd: here, stdio: ["ignore", "pipe", "inherit"] })
    let text = ""
    child.stdout.on("data", (chunk) => (text += chunk))
    const [code] = await once(child, "close")
    if (code !== 0) throw new Error(`the program ended with ${code}`)
    const more = JSON.parse(text) as { readonly firstMillis: number; readonly lifeMicros: number }
    const nanos = more.lifeMicros * 1_000
    return { operations: 1, accepted: 1, refused: 0, cpuNanos: nanos, wallNanos: nanos, more }
  },
  finish: async () => ({ counted: 0, judged: 0, fault: null })
})
