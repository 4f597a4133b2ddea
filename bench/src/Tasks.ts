/**
 * Tasks: sessions that alternate between two states, each of which may have work that answers at once. The task of P18.
 * It checks every answer. At the end it counts every claim, run and result: none twice, none missing.
 */
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { type EmbeddedCheckout, Flow, Onelane } from "@onelane/sdk"
import { type Runner, timed } from "./Runner.js"
import { makeDirectory } from "./WorkingFolder.js"

/** What `start` is given. */
export interface Options {
  readonly storage: "memory" | "SQLite"
  /** What the work of a state returns: a value, or a Promise of one; null if the states have no work. */
  readonly answers: "a value" | "a Promise" | null
  readonly callers: number
  readonly sessions: number
}

/** Polling interval of a session with running work, milliseconds. */
const lookMillis = 2

const [one, other] = ["Inventory", "Taxes"] as const

const flowOf = (answers: Options["answers"], ran: () => void) => {
  const run = answers === "a Promise" ? async () => ran() : () => ran()
  return Flow.defineFlow({
    name: "ring",
    initial: one,
    transitions: { [one]: [other], [other]: [one] },
    ...(answers === null ? {} : { tasks: { [one]: { run }, [other]: { run } } })
  })
}

type Checkout = EmbeddedCheckout<ReturnType<typeof flowOf>>
type Step = { readonly expCurrentState: typeof one | typeof other; readonly nextState: typeof one | typeof other }

/** The step of a round: there and back. */
const stepOf = (round: number): Step =>
  round % 2 === 0 ? { expCurrentState: one, nextState: other } : { expCurrentState: other, nextState: one }

const opened = async (checkout: Checkout, cartId: string): Promise<string> =>
  (await checkout.openOrThrow({ cartId })).session.id

/** Moves the sessions of one caller, one after the other. */
const move = async (checkout: Checkout, ids: ReadonlyArray<string>, step: Step): Promise<void> => {
  for (const checkoutSessionId of ids) await checkout.updateOrThrow({ checkoutSessionId, ...step })
}

/** Waits for the work of every session; all of it has begun by then. */
const arrive = async (checkout: Checkout, ids: ReadonlyArray<string>, { nextState }: Step): Promise<void> => {
  for (const checkoutSessionId of ids)
    for (;;) {
      const { isProcessing, state } = await checkout.getOrThrow({ checkoutSessionId })
      if (state === nextState && !isProcessing) break
      await sleep(lookMillis)
    }
}

/** Makes the sessions. A round moves each of them once, and ends when the last of them has arrived. */
export const start = async ({ answers, callers, sessions, storage }: Options): Promise<Runner> => {
  let runs = 0
  const flow = flowOf(answers, () => {
    runs += 1
  })
  const path = storage === "memory" ? ":memory:" : join(makeDirectory(), "tasks.db")
  const checkout: Checkout = await Onelane.open({ storage: path, flow })
  const ids = await Promise.all(Array.from({ length: sessions }, (_, index) => opened(checkout, `cart-${index}`)))
  const shares = Array.from({ length: callers }, (_, caller) => ids.filter((_, index) => index % callers === caller))
  let rounds = 0
  return {
    round: async () => {
      const step = stepOf(rounds)
      const time = await timed(async () => {
        await Promise.all(shares.map((share) => move(checkout, share, step)))
        if (answers !== null) await arrive(checkout, ids, step)
      })
      rounds += 1
      return { operations: sessions, accepted: sessions, refused: 0, ...time }
    },
    finish: async () => {
      // One commit for an update, and one more for the result of its work.
      const version = 1 + rounds * (answers === null ? 1 : 2)
      let fault: string | null = null
      for (const checkoutSessionId of ids)
        if ((await checkout.getOrThrow({ checkoutSessionId })).version !== version)
          fault ??= `${checkoutSessionId} is not at version ${version}`
      if (answers !== null && runs !== rounds * sessions)
        fault ??= `${runs} runs of work in ${rounds * sessions} updates`
      await checkout.close()
      return { counted: rounds * sessions, judged: rounds * sessions, fault }
    }
  }
}
