/** RealServer: `onelane serve` on a file, as a child process that a test may kill and start again on the same port. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { connect, type HostClient } from "@onelane/client/host"
import { onelane, root } from "@onelane/testkit/Program"
import { shared } from "./Shared.js"

/** Who may call, by token. */
export const tokens = {
  "ann-token": { userId: "ann", roles: ["buyer-checkout"] },
  "bob-token": { userId: "bob", roles: ["buyer-checkout"] },
  "host-token": { userId: "shop", roles: ["commerce-integrator"] },
  "operator-token": { userId: "olga", roles: ["modify-all-data"] }
}

/** A shop whose price and payment are worked on elsewhere, and which keeps data. */
const flow = {
  name: "shop",
  initial: "Basket",
  states: {
    Basket: { next: ["Address"] },
    Address: { next: ["Price"] },
    Price: { next: ["Delivery"], work: { deadlineMillis: 600_000 } },
    Delivery: { next: ["Payment"] },
    Payment: { next: ["Receipt"], work: { deadlineMillis: 900_000 } },
    Receipt: { next: [] }
  },
  data: true
}

/** Carts that there are. */
export const cartsMaxCount = 1_000

const seed = {
  users: [{ id: "ann" }, { id: "bob" }],
  stores: ["shop-eu"],
  accounts: [{ id: "acme", users: ["ann", "bob"], stores: ["shop-eu"] }],
  carts: Array.from({ length: cartsMaxCount }, (_, index) => ({
    id: cartOf(index),
    storeId: "shop-eu",
    accountId: "acme",
    ownerId: "ann"
  }))
}

/** The id of a cart. */
export function cartOf(index: number): string {
  return `cart-${String(1_000 + index)}`
}

/** A server and its file. */
export interface RealServer {
  readonly url: string
  /** Calls as one of the users. */
  readonly as: (user: "ann" | "bob" | "host" | "operator") => HostClient
  readonly kill: () => Promise<void>
  /** Starts it again on the same file and port; `others`: who may call from then on. */
  readonly startAgain: (others?: object) => Promise<void>
}

const waitForUrl = async (child: ChildProcess): Promise<string> => {
  let trouble = ""
  child.stderr?.on("data", (chunk) => {
    trouble += chunk
  })
  const lines = createInterface({ input: child.stdout! })
  for await (const line of lines) if (line.startsWith("{")) return (JSON.parse(line) as { readonly url: string }).url
  throw new Error(`the server ended: ${trouble}`)
}

/** Runs a test on a server; both end together. */
export const withServer = async (test: (server: RealServer) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "onelane-console-"))
  const file = (name: string, value: object): string => {
    writeFileSync(join(folder, name), JSON.stringify(value))
    return join(folder, name)
  }
  const files = ["--flow", file("flow.json", flow), "--seed", file("seed.json", seed)]
  const args = ["serve", "--storage", join(folder, "checkout.db"), ...files, "--log-level", "error"]
  let child: ChildProcess
  const serve = (port: string, who: object): Promise<string> => {
    const all = [...args, "--port", port, "--tokens", file("tokens.json", who)]
    child = spawn(process.execPath, ["--no-warnings", onelane, ...all], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"]
    })
    return waitForUrl(child)
  }
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, "exit")
    child.kill("SIGKILL")
    await ended
  }
  try {
    const url = await serve("0", tokens)
    await test({
      url,
      as: (user) => connect({ url, token: `${user}-token` }),
      kill,
      startAgain: async (others = tokens) => void (await serve(new URL(url).port, others))
    })
  } finally {
    await kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** One server for all tests of a suite that leave it running. */
export const sharedServer = (): (() => RealServer) => shared(withServer)

/** The value of a call that must succeed. */
export const ok = <A>(result: { readonly ok: true; readonly value: A } | { readonly ok: false }): A => {
  if (!result.ok) throw new Error(JSON.stringify(result))
  return result.value
}

/** Ann and Bob both press the button that leads from one state to the next. Says who won. */
export const race = async (server: RealServer, id: string, from: string, to: string): Promise<"ann" | "bob"> => {
  const input = { checkoutSessionId: id, expCurrentState: from, nextState: to }
  const [ann] = await Promise.all([server.as("ann").update(input), server.as("bob").update(input)])
  return ann.ok ? "ann" : "bob"
}
