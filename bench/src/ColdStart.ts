/** ColdStart: starts programs and waits for their first answer. The tasks of P13; a round is one start. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { onelane } from "@onelane/server/program"
import { type Runner, timed } from "./Runner.js"
import { makeDirectory } from "./WorkingFolder.js"

/** What `start` is given. */
export interface Options {
  readonly program: keyof typeof programs
}

const here = fileURLToPath(new URL("..", import.meta.url))

const node = async (script: string): Promise<void> => {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], { cwd: here, stdio: "inherit" })
  const [code] = await once(child, "exit")
  if (code !== 0) throw new Error(`a program ended with ${code}`)
}

const embedded = `
  import { Onelane } from "@onelane/sdk"
  const checkout = await Onelane.open({ storage: ":memory:" })
  const { session } = await checkout.openOrThrow({ cartId: "cart" })
  await checkout.updateOrThrow({ checkoutSessionId: session.id, expCurrentState: "Start", nextState: "Inventory" })
  process.exit(0)`

const env = { ...process.env, ONELANE_TOKENS: JSON.stringify({ cold: { userId: "ann", roles: [] } }) }

const serve = async (): Promise<void> => {
  const args = ["serve", "--storage", join(makeDirectory(), "cold.db"), "--port", "0"]
  const child = spawn(process.execPath, [onelane, ...args], { env, stdio: ["ignore", "pipe", "inherit"] })
  const ended = once(child, "exit").then(([code]): never => {
    throw new Error(`onelane serve ended with ${code}`)
  })
  const [line] = await Promise.race([once(createInterface({ input: child.stdout }), "line"), ended])
  const { url } = JSON.parse(String(line)) as { readonly url: string }
  for (let tried = 0; !(await fetch(`${url}/readyz`)).ok; tried++) {
    if (tried === 200) throw new Error("it was never ready")
    await sleep(5)
  }
  child.kill("SIGKILL")
  await ended.catch(() => {})
}

const programs = {
  "import effect/Effect": () => node('import "effect/Effect"; process.exit(0)'),
  "embedded, first update": () => node(embedded),
  "import @effect/platform-node": () => node('import "@effect/platform-node"; process.exit(0)'),
  "onelane serve, ready": serve
} as const

/** Starts the program round by round. */
export const start = async ({ program }: Options): Promise<Runner> => ({
  round: async () => ({ operations: 1, accepted: 1, refused: 0, ...(await timed(programs[program])) }),
  finish: async () => ({ counted: 0, judged: 0, fault: null })
})
