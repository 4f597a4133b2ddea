/**
 * Two browsers race through every step of many checkouts, over HTTP. In the middle the server is killed with SIGKILL and
 * restarted on the same file. At the end the example checks everything acknowledged against the sessions' histories.
 *
 *   npm start
 *
 * In a terminal (or with --stay) it prints a link to watch, races the first checkout slowly, and then runs a race a
 * second until it is interrupted.
 */
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { setTimeout } from "node:timers/promises"
import { type Checkout, Flow, Onelane } from "@onelane/sdk"
import { makeFolder, removeFolder, startServer } from "./Server.js"

type Step = readonly [from: string, to: string]
type Answer = Awaited<ReturnType<Checkout["update"]>>

/** The answers that a browser got, for the check at the end. */
interface Race {
  readonly checkoutSessionId: string
  readonly step: Step
  readonly answers: readonly [left: Answer, right: Answer]
}

const names = ["Ann", "Bob"] as const

// Start → Shipping Address → … → Complete: the default flow, with the first of the next states at each fork.
const steps: Array<Step> = []
for (let from = Flow.b2b.initial; ; ) {
  const [to] = Flow.b2b.edges.get(from) ?? []
  if (to === undefined) break
  steps.push([from, to])
  from = to
}

/** Whether a user watches. */
const stays = process.stdout.isTTY === true || process.argv.includes("--stay")

const carts = Array.from({ length: 31 }, (_, index) => `cart-${index}`)
const later = Array.from({ length: stays ? 1_000 : 0 }, (_, index) => `later-${index}`)
const seed = {
  users: [{ id: "ann" }, { id: "bob" }],
  stores: ["store"],
  accounts: [{ id: "acme", users: ["ann", "bob"], stores: ["store"] }],
  carts: [...carts, ...later].map((id) => ({ id, storeId: "store", accountId: "acme", ownerId: "ann" }))
}
const operator = randomUUID()
const tokens = {
  "token-of-ann": { userId: "ann", roles: ["buyer-checkout"] },
  "token-of-bob": { userId: "bob", roles: ["buyer-checkout"] },
  // For the console. The token is in the fragment of a link, which a browser never sends.
  ...(stays && { [operator]: { userId: "operator", roles: ["modify-all-data"] } })
}

/** Both browsers send the same update at the same time; they alternate in sending first. */
const race = async (
  browsers: readonly [Checkout, Checkout],
  checkoutSessionId: string,
  [from, to]: Step
): Promise<Race> => {
  const send = (browser: Checkout) => browser.update({ checkoutSessionId, expCurrentState: from, nextState: to })
  const bobFirst = races.length % 2 === 1
  const sent = (bobFirst ? [...browsers].reverse() : browsers).map(send)
  const [left, right] = await Promise.all(bobFirst ? sent.reverse() : sent)
  return { checkoutSessionId, step: [from, to], answers: [left!, right!] }
}

/**
 * The refusal that a loser got. If the kill lost the answer to an earlier try, the error is "unknown" and carries the
 * refusal of the last try: the lost try may have been applied, and only a retry with its key can settle that.
 */
const seen = ({ error }: Extract<Answer, { ok: false }>) =>
  error._tag === "StorageUnavailable" && error.applied === "unknown" ? (error.last ?? error) : error

/** The valid answers for a loser: the current state of the session, or at the end that it is finished. */
const isFair = (answer: Answer, [, to]: Step): boolean => {
  if (answer.ok) return true
  const { _tag } = seen(answer)
  return _tag === "ExpectedStateMismatch" || (_tag === "SessionClosed" && to === "Complete")
}

const told = (answer: Answer): string => {
  if (answer.ok) return `won, version ${answer.value.session.version}`
  const error = seen(answer)
  const current = "current" in error ? error.current : null
  return `was told ${error._tag}${current === null ? "" : `: it is in ${current.state} now, version ${current.version}`}`
}

const show = ({ answers, step: [from, to] }: Race): void => {
  const lines = names.map((name, index) => `${name} ${told(answers[index]!)}`)
  const winnerFirst = answers[0].ok ? lines : lines.reverse()
  console.log(`  ${`${from} → ${to}`.padEnd(46)} ${winnerFirst.join("\n".padEnd(50))}`)
}

/** Races every step of one session after another, with a pause before each; reports each race. */
const raceThrough = async (
  browsers: readonly [Checkout, Checkout],
  checkoutSessionId: string,
  onRace: (race: Race) => void,
  pauseMillis = 0
): Promise<void> => {
  for (const step of steps) {
    if (pauseMillis > 0) await setTimeout(pauseMillis)
    onRace(await race(browsers, checkoutSessionId, step))
  }
}

/** The errors in the races of one session, compared with its history on disk; normally none. */
const faults = async (browser: Checkout, checkoutSessionId: string): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  const history = await browser.historyOrThrow({ checkoutSessionId })
  if (history.length !== steps.length + 1) found.push(`${history.length} entries instead of ${steps.length + 1}`)
  for (const { answers, step } of races.filter((one) => one.checkoutSessionId === checkoutSessionId)) {
    const winners = answers.flatMap((answer) => (answer.ok ? [answer.value] : []))
    if (winners.length !== 1) found.push(`${step.join(" → ")}: ${winners.length} winners`)
    for (const { requestId } of winners) {
      const kept = history.filter((entry) => entry.requestId === requestId && entry.to === step[1])
      if (kept.length !== 1) found.push(`${step.join(" → ")}: acknowledged ${requestId} is there ${kept.length} times`)
    }
    if (!answers.every((answer) => isFair(answer, step)))
      found.push(`${step.join(" → ")}: ${answers.map(told).join(", ")}`)
  }
  return found.map((fault) => `${checkoutSessionId}: ${fault}`)
}

/** Races through one checkout after another until it is interrupted. */
const untilInterrupted = async (browsers: readonly [Checkout, Checkout]): Promise<void> => {
  const interrupted = once(process, "SIGINT")
  const goOn = async (): Promise<void> => {
    for (const cartId of later) await raceThrough(browsers, await open(cartId), () => {}, 1_000)
  }
  // A race that is still running at the end no longer matters.
  goOn().catch(() => {})
  await interrupted
}

const races: Array<Race> = []
const folder = await makeFolder(tokens, seed)
const first = await startServer(folder)
const browser = (token: string) => Onelane.connect({ url: first.url, token, retry: { limit: 200, maxMillis: 500 } })
const [ann, bob] = [await browser("token-of-ann"), await browser("token-of-bob")]
const open = async (cartId: string): Promise<string> => (await ann.openOrThrow({ cartId })).session.id

console.log(`A server (process ${first.pid}) keeps its sessions in ${folder}/checkout.db`)
if (stays) console.log(`Watch in the console: ${first.url}/console/#token=${operator}`)
console.log(`${names.join(" and ")} have the same checkout open in two browsers, and press every button together:\n`)

const [shown, ...others] = await Promise.all(carts.map(open))
await raceThrough(
  [ann, bob],
  shown!,
  (finished) => {
    races.push(finished)
    show(finished)
  },
  stays ? 500 : 0
)

console.log(`\nNow ${others.length} checkouts at once. After 100 races the server is killed, SIGKILL, in mid-request.`)
let onEnough = (_: number): void => {}
const enough = new Promise<number>((resolve) => {
  onEnough = resolve
})
const all = others.map((checkoutSessionId) =>
  raceThrough([ann, bob], checkoutSessionId, (finished) => {
    if (races.push(finished) === steps.length + 100) onEnough(races.length)
  })
)
const before = await enough
await first.end("SIGKILL")
const second = await startServer(folder, first.port)
console.log(`Killed after ${before} races; started again on the same file as process ${second.pid}.`)
await Promise.all(all)

const won = (index: 0 | 1): number => races.filter(({ answers }) => answers[index].ok).length
const replayed = races.flatMap(({ answers }) => answers).filter((answer) => answer.ok && answer.value.replayed).length
console.log(`\n${races.length} races: ${names[0]} won ${won(0)}, ${names[1]} won ${won(1)}.`)
console.log(`Answers lost in the kill and given again under their idempotency key: ${replayed}.`)

const wrong = (await Promise.all([shown!, ...others].map((id) => faults(ann, id)))).flat()
for (const fault of wrong) console.error(`WRONG ${fault}`)
if (wrong.length === 0)
  console.log(
    "Checked against the file: one winner in every race, every loser knew why, and nothing acknowledged was lost."
  )

if (stays && wrong.length === 0) {
  console.log(`\nThe two go on, a race a second, until you press Ctrl-C: ${second.url}/console/#token=${operator}`)
  await untilInterrupted([ann, bob])
}
await Promise.all([ann.close(), bob.close()])
await second.end("SIGTERM")
await removeFolder(folder)
process.exit(wrong.length > 0 ? 1 : 0)
