/**
 * Three servers on one PostgreSQL, as a cluster: each owns a share of the sessions, and each answers any request. Three
 * browsers, each with a server of its own, press every button of many checkouts together. Half way one server is killed
 * with SIGKILL: the others take over its sessions, and its browser switches to one of them. At the end every race is
 * compared with the database.
 *
 *   npm run build && node examples/dist/06-cluster.js
 */
import { setTimeout as wait } from "node:timers/promises"
import { type Checkout, Flow, Onelane } from "@onelane/sdk"
import * as PostgresServer from "@onelane/testkit/PostgresServer"
import { Effect, Exit, Scope } from "effect"
import { makeFolder, removeFolder, startNode } from "./Server.js"

type Step = readonly [from: string, to: string]
type Answer = Awaited<ReturnType<Checkout["update"]>>

interface Race {
  readonly checkoutSessionId: string
  readonly step: Step
  readonly answers: ReadonlyArray<Answer>
}

const steps: Array<Step> = []
for (let from = Flow.b2b.initial; ; ) {
  const [to] = Flow.b2b.edges.get(from) ?? []
  if (to === undefined) break
  steps.push([from, to])
  from = to
}

const carts = Array.from({ length: 16 }, (_, index) => `cart-${index}`)
const cart = (id: string) => ({ id, storeId: "store", accountId: "acme", ownerId: "ann" })
const seed = {
  users: [{ id: "ann" }],
  stores: ["store"],
  accounts: [{ id: "acme", users: ["ann"], stores: ["store"] }],
  carts: carts.map(cart)
}
const folder = await makeFolder({ "token-of-ann": { userId: "ann", roles: ["buyer-checkout"] } }, seed)

const scope = Effect.runSync(Scope.make())
const postgres = await Effect.runPromise(Scope.extend(PostgresServer.make(), scope))
const storage = await Effect.runPromise(postgres.makePlace)

/** A minimal load balancer: a server gets traffic once it reports ready, that is, once it owns sessions. */
const isReady = async (url: string): Promise<void> => {
  while (!(await fetch(`${url}/readyz`)).ok) await wait(100)
}

const servers = await Promise.all(carts.slice(0, 3).map(() => startNode(folder, storage)))
await Promise.all(servers.map(({ url }) => isReady(url)))
const door = ({ url }: { readonly url: string }): Promise<Checkout> =>
  Onelane.connect({ url, token: "token-of-ann", timeoutMillis: 2_000, retry: { limit: 0 } })
const doors = await Promise.all(servers.map(door))
console.log(`Three servers over one PostgreSQL: processes ${servers.map(({ pid }) => pid).join(", ")}`)

/** A browser calls its server; without an answer it retries at another server with the same key. */
let dead = -1
const press = async (browser: number, checkoutSessionId: string, [from, to]: Step): Promise<Answer> => {
  const idempotencyKey = `${browser}: ${checkoutSessionId}: ${from}`
  const update = { checkoutSessionId, expCurrentState: from, nextState: to, idempotencyKey }
  for (let server = browser; ; server = (server + 1) % doors.length) {
    if (server === dead) continue
    const answer = await doors[server]!.update(update)
    if (answer.ok || !answer.error.retryable || "current" in answer.error) return answer
    await wait(20)
  }
}

const races: Array<Race> = []
let killedAt = Number.POSITIVE_INFINITY
let longestMillis = 0

/** All three press the same button; each server in turn gets the first request. */
const race = async (checkoutSessionId: string, step: Step): Promise<void> => {
  const startedAt = performance.now()
  const first = races.length % doors.length
  const order = doors.map((_, index) => (first + index) % doors.length)
  const answers = await Promise.all(order.map((browser) => press(browser, checkoutSessionId, step)))
  races.push({ checkoutSessionId, step, answers })
  if (performance.now() > killedAt) longestMillis = Math.max(longestMillis, performance.now() - startedAt)
}

const raceThrough = async (checkoutSessionId: string): Promise<void> => {
  for (const step of steps) await race(checkoutSessionId, step)
}

/** Opening is get or create: a retry finds the session that the first try made. */
const open = async (cartId: string, index: number): Promise<void> => {
  while (!(await doors[index % doors.length]!.open({ cartId, checkoutSessionId: cartId })).ok) await wait(100)
}
await Promise.all(carts.map(open))
console.log(`${carts.length} checkouts are open; three browsers press every button of each together.`)

const all = Promise.all(carts.map(raceThrough))
while (races.length < 60) await wait(5)
killedAt = performance.now()
const before = races.length
await servers[2]!.end("SIGKILL")
dead = 2
console.log(`\nAfter ${before} races process ${servers[2]!.pid} is killed, SIGKILL, in mid-request.`)
await all
console.log(`${races.length - before} more races; the longest took ${Math.round(longestMillis)} ms.`)

/** The errors in the races of one session, compared with its history in the database; normally none. */
const faults = async (checkoutSessionId: string): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  const history = await doors[0]!.historyOrThrow({ checkoutSessionId })
  if (history.length !== steps.length + 1) found.push(`${history.length} entries instead of ${steps.length + 1}`)
  for (const { answers, step } of races.filter((one) => one.checkoutSessionId === checkoutSessionId)) {
    const winners = answers.flatMap((answer) => (answer.ok ? [answer.value.requestId] : []))
    const kept = history.filter((entry) => entry.to === step[1]).map(({ requestId }) => requestId)
    if (winners.length !== 1 || kept.join() !== winners.join())
      found.push(`${step.join(" → ")}: ${winners.length} winners, in the history ${kept.length}`)
    for (const answer of answers)
      if (!answer.ok && !["ExpectedStateMismatch", "SessionClosed"].includes(answer.error._tag))
        found.push(`${step.join(" → ")}: somebody was told ${answer.error._tag}`)
  }
  return found.map((fault) => `${checkoutSessionId}: ${fault}`)
}

const wrong = (await Promise.all(carts.map(faults))).flat()
await Promise.all(doors.map((each) => each.close()))
await Promise.all(servers.slice(0, 2).map((server) => server.end("SIGTERM")))
await Effect.runPromise(Scope.close(scope, Exit.void))
await removeFolder(folder)
for (const fault of wrong) console.error(`WRONG ${fault}`)
if (wrong.length > 0) process.exit(1)
console.log(
  `\nChecked against the database: exactly one of three won each of ${races.length} races; every loser knew why.`
)
