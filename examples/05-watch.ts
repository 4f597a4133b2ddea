/**
 * Two browsers watch one checkout over HTTP and press the same button together. The loser need not poll: the winner's
 * change is pushed to it. Half way the server is killed with SIGKILL and restarted; neither browser misses a change or
 * sees one twice.
 *
 *   npm run build && node examples/dist/05-watch.js
 */
import { type Checkout, type CheckoutSession, Flow, Onelane } from "@onelane/sdk"
import { makeFolder, removeFolder, startServer } from "./Server.js"

const names = ["ann", "bob"] as const
const folder = await makeFolder(
  Object.fromEntries(names.map((name) => [`token-of-${name}`, { userId: name, roles: ["buyer-checkout"] }])),
  {
    users: names.map((id) => ({ id })),
    stores: ["store"],
    accounts: [{ id: "acme", users: names, stores: ["store"] }],
    carts: [{ id: "cart-1", storeId: "store", accountId: "acme", ownerId: "ann" }]
  }
)

/** A browser: it follows the session, and `seen` resolves when it has received a version. */
const watch = (name: string, checkout: Checkout, checkoutSessionId: string) => {
  const entries: Array<CheckoutSession.HistoryEntry> = []
  const waiting = new Map<number, () => void>()
  const follow = async () => {
    for await (const entry of checkout.changes({ checkoutSessionId, afterVersion: 1 })) {
      entries.push(entry)
      console.log(`    ${name} sees version ${entry.version}: ${entry.to ?? entry.type}, by ${entry.by}`)
      waiting.get(entry.version)?.()
    }
  }
  const seen = (version: number): Promise<void> =>
    new Promise((resolve) =>
      entries.some((entry) => entry.version >= version) ? resolve() : waiting.set(version, resolve)
    )
  return { name, checkout, entries, seen, ended: follow() }
}

const first = await startServer(folder)
const connect = (name: string) =>
  Onelane.connect({ url: first.url, token: `token-of-${name}`, retry: { limit: 200, maxMillis: 200 } })
const [ann, bob] = [await connect("ann"), await connect("bob")]
const checkoutSessionId = (await ann.openOrThrow({ cartId: "cart-1" })).session.id
const browsers = [watch("ann", ann, checkoutSessionId), watch("bob", bob, checkoutSessionId)]

/** Both press the button, alternately one a little earlier; the loser then waits for the next change. */
const press = async (expCurrentState: string, turn: number): Promise<string> => {
  const nextState = [...(Flow.b2b.edges as Flow.Flow["edges"]).get(expCurrentState)!][0]!
  console.log(`\n  both press ${nextState}`)
  const send = async ({ checkout, name }: (typeof browsers)[number]) => {
    const answer = await checkout.update({ checkoutSessionId, expCurrentState, nextState })
    console.log(`    ${name} ${answer.ok ? "won" : `was told ${answer.error._tag}`}`)
    return answer.ok ? [answer.value.session.version] : []
  }
  const [version] = (await Promise.all((turn % 2 === 0 ? browsers : [...browsers].reverse()).map(send))).flat()
  await Promise.all(browsers.map(({ seen }) => seen(version!)))
  return nextState
}

let state = "Start"
for (let turn = 0; turn < 3; turn++) state = await press(state, turn)
await first.end("SIGKILL")
const second = await startServer(folder, first.port)
console.log(`\n  the server was killed and is back, as process ${second.pid}`)
for (let turn = 3; turn < 6; turn++) state = await press(state, turn)

console.log("\n  ann cancels")
await ann.cancelOrThrow({ checkoutSessionId })
await Promise.all(browsers.map(({ ended }) => ended))
await Promise.all(browsers.map(({ checkout }) => checkout.close()))
await second.end("SIGTERM")
await removeFolder(folder)

const versions = browsers.map(({ entries }) => entries.map(({ version }) => version).join(" "))
const isWhole = versions.every((seen) => seen === "2 3 4 5 6 7 8")
console.log(`\nann saw versions ${versions[0]}\nbob saw versions ${versions[1]}`)
console.log(isWhole ? "no gap, no duplicate, and nobody polled" : "WRONG")
process.exit(isWhole ? 0 : 1)
