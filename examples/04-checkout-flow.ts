/**
 * A whole checkout, from Start to Complete, with work between the states: stock, price, tax, payment. The price service
 * fails once and is retried; the tax service refuses for good, the session goes to Error and is retried. Then the
 * process is killed with SIGKILL just after the payment provider has charged, and another process resumes the checkout
 * from its file. The provider, a separate process, got two requests with one key and charged once.
 *
 *   npm run build && node examples/dist/04-checkout-flow.js
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { type CheckoutSession, CheckoutTasks, Flow, Onelane, type Task } from "@onelane/sdk"

const checkoutSessionId = "checkout-1"

/** The default flow with this shop's work in it. A slot without work is a state that moves at once. */
const flowOf = (providerUrl: string): Flow.Flow => {
  let taxCalls = 0
  const tasks = CheckoutTasks.attach(Flow.b2b, {
    inventory: {
      run: async ({ session }) => console.log(`    reserving what is in ${session.cartId}`)
    },
    confirmPrice: {
      retry: { limit: 5, baseMillis: 20 },
      run: async ({ attempt }) => {
        if (attempt === 1) throw { code: "PRICE_SERVICE_BUSY", message: "503 from the price service" }
        console.log(`    priced, at try ${attempt}`)
      }
    },
    taxes: {
      run: async () => {
        if (++taxCalls === 1) throw { code: "ADDRESS_UNKNOWN", message: "no tax for this address", final: true }
        console.log("    tax calculated")
      }
    },
    cartToOrder: { run: async ({ session }) => ({ orderId: `order-of-${session.cartId}` }) }
  })
  const payment = async ({ workKey, signal }: Task.TaskContext): Promise<void> => {
    console.log(`    paying under key ${workKey}`)
    const answer = await fetch(providerUrl, { method: "POST", headers: { "idempotency-key": workKey }, signal })
    console.log(`    ${await answer.text()}`)
  }
  return Flow.withTasks<Flow.Transitions>(tasks, { "Authorize Payment": { run: payment, deadlineMillis: 30_000 } })
}

/** One process of the shop: opens the file, resumes the checkout in its current state, and completes it. */
const shop = async (storage: string, providerUrl: string): Promise<void> => {
  const flow = flowOf(providerUrl)
  await using checkout = await Onelane.open({ storage, flow })
  const { created, session } = await checkout.openOrThrow({ cartId: "cart-1", checkoutSessionId })
  console.log(`\nprocess ${process.pid}: ${created ? "opened" : "found"} a checkout in ${session.state}`)
  const step = async (from: string, failedIn: string | null): Promise<void> => {
    const nextState = failedIn ?? [...flow.edges.get(from)!][0]!
    await checkout.updateOrThrow({ checkoutSessionId, expCurrentState: from, nextState })
  }
  if (!session.isProcessing) await step(session.state, null)
  for await (const entry of checkout.changes({ checkoutSessionId, afterVersion: session.version })) {
    console.log(`  ${String(entry.version).padStart(2)} ${tell(entry)}`)
    if (entry.type !== "Claimed" && entry.to !== "Complete") {
      await step(entry.to!, entry.type === "TaskFailed" ? entry.from : null)
    }
  }
}

const tell = ({ cause, from, to, type }: CheckoutSession.HistoryEntry): string =>
  type === "Claimed"
    ? `${from}: at work, then ${to}`
    : `${from} → ${to}${cause === null ? "" : ` (${cause.code}: ${cause.message})`}`

/** A typical payment provider: it charges once per key, and repeats its answer to a retry. */
const startProvider = async (onFirstCharge: () => void) => {
  const charges = new Map<string, string>()
  let requests = 0
  const server = createServer((request, response) => {
    const key = String(request.headers["idempotency-key"])
    requests += 1
    if (charges.has(key)) return void response.end(`paid: ${charges.get(key)}`)
    charges.set(key, `charge-${charges.size + 1}`)
    onFirstCharge() // the charge is made, and the answer is never sent
  })
  await once(server.listen(0, "127.0.0.1"), "listening")
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url, charges, close, requests: () => requests }
}

const main = async (): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), "onelane-"))
  const storage = join(folder, "checkout.db")
  let child: ChildProcess | undefined
  const provider = await startProvider(() => child?.kill("SIGKILL"))
  const runShop = async (): Promise<string> => {
    child = spawn(process.execPath, [fileURLToPath(import.meta.url), storage, provider.url], { stdio: "inherit" })
    const [code, signal] = await once(child, "exit")
    return signal ?? `code ${code}`
  }
  const first = await runShop()
  console.log(`\nended by ${first}; charges made: ${provider.charges.size}, answers that arrived: 0`)
  const second = await runShop()
  provider.close()

  const checkout = await Onelane.open({ storage })
  const session = await checkout.getOrThrow({ checkoutSessionId })
  const history = await checkout.historyOrThrow({ checkoutSessionId })
  await checkout.close()
  await rm(folder, { recursive: true })
  const payments = history.filter(({ from, type }) => from === "Authorize Payment" && type === "TaskCompleted")
  console.log(`\nended by ${second}; the session is in ${session.state}, its order is ${session.orderId}`)
  console.log(`payments in its history: ${payments.length}, requests to the provider: ${provider.requests()}`)
  console.log(`charges made: ${provider.charges.size}`)
  const isOnce = payments.length === 1 && provider.charges.size === 1
  if (first !== "SIGKILL" || second !== "code 0" || session.state !== "Complete" || !isOnce) process.exitCode = 1
}

const [storage, providerUrl] = process.argv.slice(2)
await (storage !== undefined && providerUrl !== undefined ? shop(storage, providerUrl) : main())
