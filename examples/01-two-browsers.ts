/**
 * Two browsers race through every step of many checkouts, over HTTP. In the middle the server is killed with SIGKILL and
 * started again on the same file. At the end everything that was acknowledged is looked up in the sessions' histories.
 *
 *   npm start
 */
import { type Checkout, Flow, Onelane } from "@onelane/sdk"
import { makeFolder, removeFolder, startServer } from "./Server.js"

type Step = readonly [from: string, to: string]
type Answer = Awaited<ReturnType<Checkout["update"]>>

/** What a browser was told, to be checked at the end. */
interface Race {
  readonly checkoutSessionId: string
  readonly step: Step
  readonly answers: readonly [left: Answer, right: Answer]
}

const names = ["Ann", "Bob"] as const

// Start → Shipping Address → … → Complete: the default flow, by the first way at each fork.
const steps: Array<Step> = []
for (let from = Flow.b2b.initial; ; ) {
  const [to] = Flow.b2b.edges.get(from) ?? []
  if (to === undefined) break
  steps.push([from, to])
  from = to
}

const carts = Array.from({ length: 31 }, (_, index) => `cart-${index}`)
const seed = {
  users: [{ id: "ann" }, { id: "bob" }],
  stores: ["store"],
  accounts: [{ id: "acme", users: ["ann", "bob"], stores: ["store"] }],
  carts: carts.map((id) => ({ id, storeId: "store", accountId: "acme", ownerId: "ann" }))
}
const tokens = {
  "token-of-ann": { userId: "ann", roles: ["buyer-checkout"] },
  "token-of-bob": { userId: "bob", roles: ["buyer-checkout"] }
}

/** Both browsers send the same update at the same time; they take turns in whose request leaves first. */
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
 * The refusal a loser saw. Where the kill lost the answer to an earlier try, the error says "unknown" and carries the
 * refusal of the last try: the lost try may have been applied, and only its own key can tell.
 */
const seen = ({ error }: Extract<Answer, { ok: false }>) =>
  error._tag === "StorageUnavailable" && error.applied === "unknown" ? (error.last ?? error) : error

/** What a loser may be told: where the session is now; at the very end, that it is finished. */
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

/** Races every step of one session after another; tells of each race. */
const raceThrough = async (
  browsers: readonly [Checkout, Checkout],
  checkoutSessionId: string,
  onRace: (race: Race) => void
): Promise<void> => {
  for (const step of steps) onRace(await race(browsers, checkoutSessionId, step))
}

/** What is wrong with the races of one session, held against its history as it is on the disk; nothing, one hopes. */
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

const races: Array<Race> = []
const folder = await makeFolder(tokens, seed)
const first = await startServer(folder)
const browser = (token: string) => Onelane.connect({ url: first.url, token, retry: { limit: 200, maxMillis: 500 } })
const [ann, bob] = [await browser("token-of-ann"), await browser("token-of-bob")]
const open = async (cartId: string): Promise<string> => (await ann.openOrThrow({ cartId })).session.id

console.log(`A server (process ${first.pid}) keeps its sessions in ${folder}/checkout.db`)
console.log(`${names.join(" and ")} have the same checkout open in two browsers, and press every button together:\n`)

const [shown, ...others] = await Promise.all(carts.map(open))
await raceThrough([ann, bob], shown!, (finished) => {
  races.push(finished)
  show(finished)
})

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
await Promise.all([ann.close(), bob.close()])
await second.end("SIGTERM")
await removeFolder(folder)
for (const fault of wrong) console.error(`WRONG ${fault}`)
if (wrong.length > 0) process.exit(1)
console.log(
  "Checked against the file: one winner in every race, every loser knew why, and nothing acknowledged was lost."
)
