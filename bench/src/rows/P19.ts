/** P19: a virtual hour of a checkout under test: one that waits, and one in which sessions expire and tasks miss deadlines. */
import { type TestCheckout, testCheckout } from "@onelane/testing"
import { line, type Row } from "../Row.js"
import { spreadOf } from "../Sample.js"

const most = { bound: 50, side: "most" } as const

/** Sessions that expire, and tasks that miss their deadline, in a busy hour. */
const events = 100

const hourMillis = 3_600_000

/** Virtual hours per round: one is too short to measure. */
const hours = 10

/** CPU milliseconds an hour. */
const hourly = async (checkout: TestCheckout, begin: () => Promise<void>): Promise<number> => {
  await begin()
  const before = process.cpuUsage()
  for (let hour = 0; hour < hours; hour++) await checkout.clock.advance(hourMillis)
  const { system, user } = process.cpuUsage(before)
  return (system + user) / 1_000 / hours
}

const idle = async (): Promise<number> => {
  await using checkout = await testCheckout()
  return await hourly(checkout, async () => {
    const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
    await checkout.updateOrThrow({
      checkoutSessionId: session.id,
      expCurrentState: "Start",
      nextState: "Inventory"
    })
  })
}

const busy = async (): Promise<number> => {
  await using checkout = await testCheckout()
  return await hourly(checkout, async () => {
    for (let n = 0; n < events * hours; n++)
      await checkout.openOrThrow({ cartId: `cart-${n}`, expiresInMillis: Math.ceil(((n + 1) * hourMillis) / events) })
  })
}

/** The row. */
export const P19: Row = {
  id: "P19",
  title: "A virtual hour in tests",
  measure: async ({ rounds, say }) => {
    const samples: { readonly idle: Array<number>; readonly busy: Array<number> } = { idle: [], busy: [] }
    await idle() // a warm-up, as the next line
    await busy()
    for (let round = 0; round < rounds; round++) {
      samples.idle.push(await idle())
      samples.busy.push(await busy())
      say(`round ${round + 1}: ${samples.idle.at(-1)} and ${samples.busy.at(-1)} ms`)
    }
    return {
      judged: 0,
      lines: [
        line("P19", "CPU ms of a virtual hour in which nothing is due (no ratio)", spreadOf(samples.idle), most),
        line(
          "P19",
          `CPU ms of a virtual hour in which ${events} sessions expire (no ratio)`,
          spreadOf(samples.busy),
          most
        )
      ],
      tables: []
    }
  }
}
