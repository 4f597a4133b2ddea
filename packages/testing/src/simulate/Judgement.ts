/**
 * Judgement: checks a finished run: its history, its stored sessions, its fakes, and the author's invariants.
 */
import { CheckoutSession, type Flow } from "@onelane/checkout"
import type { Journal } from "@onelane/engine"
import { type CheckOptions, checkHistory, type History, TimeLine } from "@onelane/history"
import * as Effect from "effect/Effect"
import type { Provider } from "../fakes/Provider.js"
import type { WorldClock } from "../World.js"
import { sentenceOf } from "./AppInProcess.js"
import type { Plan } from "./Plan.js"

/** What is checked. */
export interface Judged {
  readonly disk: Journal.JournalShape
  readonly flow: Flow.Flow
  readonly history: History.History
  readonly plan: Plan
  readonly provider: Provider
}

/** Interval and longest duration of the wait for running work, milliseconds. */
const [lookMillis, mostMillis] = [1_000, 2 * 86_400_000]

/** Waits until no session has a claim, at the latest until every deadline has passed. */
export const settled = async (disk: Journal.JournalShape, clock: WorldClock): Promise<void> => {
  const untilMillis = clock.now() + mostMillis
  while (clock.now() < untilMillis) {
    if (!(await sessionsOf(disk)).some(({ isProcessing }) => isProcessing)) return
    await clock.sleep(lookMillis)
  }
}

const sessionsOf = async (disk: Journal.JournalShape): Promise<ReadonlyArray<CheckoutSession.CheckoutSession>> => {
  const { found } = await Effect.runPromise(disk.select("session", "", () => true))
  const sessions = await Promise.all(
    found.map(async ({ id }) => {
      const row = await Effect.runPromise(disk.load({ kind: "session", id }))
      const { session } = row!.state as { readonly session: CheckoutSession.CheckoutSession | null }
      return session === null ? [] : [{ ...session, ...(row!.body && { data: row!.body.value as never }) }]
    })
  )
  return sessions.flat()
}

/** Returns all problems, as sentences. */
export const problemsOf = async (judged: Judged): Promise<ReadonlyArray<string>> => {
  const { disk, flow, history, plan, provider } = judged
  const sessions = await sessionsOf(disk)
  const problems = sessions.flatMap((session) => [
    ...CheckoutSession.violations(session).map((fault) => `${session.id}: ${fault}`),
    ...(session.isProcessing ? [`${session.id}: a claim outlived its deadline`] : [])
  ])
  const verdict = checkHistory(named(history, sessions), modelOf(flow))
  problems.push(...verdict.violations.map(TimeLine.toText))
  problems.push(...verdict.undecided.map((session) => `${session}: undecided, its history is too long`))
  problems.push(...provider.problems())
  for (const [name, invariant] of Object.entries(plan.invariants)) {
    try {
      const told = await invariant({ sessions, provider, history })
      if (told === false) problems.push(`"${name}" does not hold`)
      else if (typeof told === "string") problems.push(`"${name}" does not hold: ${told}`)
    } catch (thrown) {
      problems.push(`"${name}" does not hold: ${sentenceOf(thrown)}`)
    }
  }
  return problems
}

/**
 * Adds session ids to calls for which only the cart is known, because a call whose answer was lost did not return the
 * session that it opened. The id comes from a retry with the same key; else it is the session of that cart that no
 * other call is known to have opened.
 */
const named = (history: History.History, sessions: ReadonlyArray<CheckoutSession.CheckoutSession>): History.History => {
  const byKey = new Map<string, string>()
  const opened = new Set<string>()
  const ids = new Set(sessions.map(({ id }) => id))
  for (const { action, key, session } of history) {
    if (!ids.has(session)) continue
    if (key !== undefined) byKey.set(key, session)
    if (action === "open") opened.add(session)
  }
  return history.flatMap((operation) => {
    const { key, session } = operation
    if (!session.startsWith("cart ")) return [operation]
    const ofCart = sessions.filter(({ cartId }) => `cart ${cartId}` === session)
    const found = (key && byKey.get(key)) ?? (ofCart.find(({ id }) => !opened.has(id)) ?? ofCart[0])?.id
    // Without a session the call had no effect.
    return found === undefined ? [] : [{ ...operation, session: found }]
  })
}

/** The check options for a flow, with its spontaneous changes. */
const modelOf = ({ edges, initial, proceed, states, tasks }: Flow.Flow): CheckOptions => ({
  spontaneous: [
    "expiry",
    ...(tasks.size > 0 ? (["task"] as const) : []),
    ...(proceed.size > 0 ? (["halt"] as const) : [])
  ],
  initial,
  finals: [...states].filter((state) => (edges.get(state)?.size ?? 0) === 0),
  ...(proceed.size > 0 && { proceed: Object.fromEntries(proceed) }),
  ...(tasks.size > 0 && {
    choices: Object.fromEntries([...tasks.keys()].map((state) => [state, [...(edges.get(state) ?? [])]]))
  })
})
